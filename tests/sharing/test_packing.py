"""A pack is measured without the data, and gives records and sessions of the same keys."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from effbench.latency.samples import Recording, read_session
from effbench.sharing.opening import opened_pack
from effbench.store.disk import read_sealed, sealed, write_json

SUITE = """\
suite: toys
datasets: [{use: folder, path: docs}]
models:
  table: {use: table, targets: {texts: [{titles: target}], encoder: words}}
encoders:
  words: {use: words}
  table: {use: table, model: table, passages: words}
retrievers: {scan: {use: scan}}
indexes: {kept: {use: kept}}
latency: {queries: 10, warmup: 4, processes: 2, timeout: 150, batches: []}
"""
CELLS = {"docs-test--words--kept", "docs-test--table--kept"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with a collection, a finished run of a suite on it, and the pack of the run."""
    from click.testing import CliRunner

    from effbench.cli.commands import main

    folder = tmp_path_factory.mktemp("home")
    (folder / "docs" / "qrels").mkdir(parents=True)
    texts = [f"{one} {other}" for one in ("oak", "lamp", "kite") for other in "abcdefg"]
    for name in ("corpus", "queries"):
        lines = (
            json.dumps({"_id": f"{i}", "text": text, "title": text})
            for i, text in enumerate(texts)
        )
        (folder / "docs" / f"{name}.jsonl").write_text("\n".join(lines))
    judged = "".join(f"{i}\t{i}\t1\n" for i in range(len(texts)))
    (folder / "docs" / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    (folder / "suite.yaml").write_text(SUITE)
    places = ["--results", str(folder / "results"), "--cache", str(folder / "cache")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFFBENCH_MACHINE", "first")
        ran = CliRunner().invoke(main, ["run", str(folder / "suite.yaml"), *places])
        assert ran.exit_code == 0, ran.output
        packed = CliRunner().invoke(
            main, ["pack", str(folder / "suite.yaml"), "--output", str(folder / "p"), *places]
        )
    assert packed.exit_code == 0, packed.output
    (folder / "said").write_text(packed.stderr)
    (folder / "docs").rename(folder / "gone")
    return folder


@pytest.fixture(scope="module")
def _sent(home, tmp_path_factory) -> Path:
    from click.testing import CliRunner

    from effbench.cli.commands import main

    folder = tmp_path_factory.mktemp("away")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFFBENCH_MACHINE", "second")
        patch.setenv("EFFBENCH_CACHE", str(folder / "cache"))
        command = ["latency", "--pack", str(home / "p"), "--results", str(folder / "sent")]
        found = CliRunner().invoke(main, command)
    assert found.exit_code == 0, found.output
    assert not (folder / "cache").exists()
    return folder / "sent"


@pytest.fixture
def sent(_sent, tmp_path) -> Path:
    """A copy of the results of the second machine."""
    shutil.copytree(_sent, tmp_path / "sent")
    return tmp_path / "sent"


@pytest.fixture
def verified(effbench, home) -> Callable[..., dict]:
    def verify(folder: Path, *options: object) -> dict:
        found = effbench("verify", folder, "--json", *options)
        report = json.loads(found.stdout)
        assert found.exit_code == bool(report["refused"]), found.output
        return report

    return verify


def session_of(results: Path) -> Path:
    (path,) = results.glob("*/toys/latency/*.npz")
    return path


def test_a_pack_says_what_it_leaves_out(home) -> None:
    assert (home / "said").read_text() == (
        "left out: docs-test--scan: retriever 'scan' (plugin toy): saves nothing, and is made "
        "from the docs (run it there)\n"
    )


def test_a_pack_is_measured_without_its_data_under_the_same_keys(home, sent) -> None:
    first, second = read_session(session_of(home / "results")), read_session(session_of(sent))
    assert set(second.cells) == CELLS
    assert not second.header.errors
    for cell in CELLS:
        ours, theirs = first.header.rows[cell], second.header.rows[cell]
        assert (ours.key, ours.latency_key) == (theirs.key, theirs.latency_key)
        assert not theirs.differs, "its answers are those of the quality pass"
        name = f"toys/{cell}.json"
        there = (home / "results" / "first" / name).read_bytes()
        assert (sent / "second" / name).read_bytes() == there
    assert first.header.pack is None
    assert len(second.header.pack) == 64


def test_the_results_merge_into_a_leaderboard_of_two_machines(effbench, home, sent) -> None:
    found = effbench("leaderboard", home / "results", sent, "--format", "json")
    assert found.exit_code == 0, found.output
    tables = json.loads(found.stdout)
    assert {table["machine"] for table in tables} == {"first", "second"}
    for table in tables:
        assert not [remark for remark in table["remarks"] if "not measured" in remark]
        scores = {line["row"]: line["nDCG@10"] for line in table["lines"]}
        assert scores["words"] == tables[0]["lines"][0]["nDCG@10"]


def test_honest_results_are_not_refused(verified, home, sent) -> None:
    report = verified(sent, "--pack", home / "p")
    assert [line for line in report["refused"] if "A/A" not in line] == []
    assert report["checked"]["records: keys, scores and options of the pack"] == 2
    assert report["checked"]["sessions: keys of the pack"] == 1


def test_a_pack_with_another_encoder_is_refused(effbench, home, tmp_path) -> None:
    with zipfile.ZipFile(home / "p") as pack, zipfile.ZipFile(tmp_path / "q", "w") as other:
        for name in pack.namelist():
            data = pack.read(name)
            changed = name.endswith("model/table.npy")
            other.writestr(zipfile.ZipInfo(name), data[:-1] + b"\1" if changed else data)
    found = effbench("latency", "--pack", tmp_path / "q", "--results", tmp_path / "r")
    assert found.exit_code == 2
    assert "model/table.npy: its digest is not that of pack.json" in found.stderr


def changed_session(path: Path, cell: str, header: dict) -> None:
    """Change the facts of a cell in a session, and write its checksum anew."""
    session = read_session(path)
    recording = Recording(msgspec.to_builtins(session.header))
    recording.header["rows"][cell] |= header
    recording.blocks = list(session.blocks)
    recording.columns = {name: values.tolist() for name, values in session.columns.items()}
    recording.write(path)


def test_results_that_are_not_of_the_pack_are_refused(verified, home, sent) -> None:
    cell = "docs-test--words--kept"
    changed_session(session_of(sent), cell, {"key": "another"})
    path = sent / "second" / "toys" / "docs-test--table--kept.json"
    record = read_sealed(path)
    query = next(iter(record["per_query"]["nDCG@10"]))
    values = record["per_query"]["nDCG@10"]
    was, values[query] = values[query], 0.25
    record["scores"]["nDCG@10"] = sum(values.values()) / len(values)
    write_json(path, record)
    assert [line for line in verified(sent)["refused"] if "A/A" not in line] == []
    lines = "\n".join(verified(sent, "--pack", home / "p")["refused"])
    assert f"{cell}: its key is not that of the pack" in lines
    assert f"its nDCG@10 of query {query} is 0.25, and {was} in the pack" in lines


SEALED_ANEW = {
    "its docs is 1, and 21 in the pack": lambda record: record["costs"].update(docs=1),
    "it has another 'trained_on'": lambda record: record.update(trained_on=["queries"]),
    "it has another 'versions'": lambda record: record["versions"].update(effbench="9"),
}


@pytest.mark.parametrize("reason", SEALED_ANEW)
def test_a_record_that_was_changed_and_sealed_is_refused(verified, home, sent, reason) -> None:
    path = sent / "second" / "toys" / "docs-test--table--kept.json"
    record = read_sealed(path)
    SEALED_ANEW[reason](record)
    write_json(path, record)
    (line,) = (
        line for line in verified(sent, "--pack", home / "p")["refused"] if "A/A" not in line
    )
    assert reason in line


def test_another_baseline_than_the_packs_is_refused(verified, home, sent) -> None:
    path = sent / "second" / "toys" / "suite.json"
    suite = read_sealed(path)
    suite["latency"]["baseline"] = "table"
    write_json(path, suite)
    refused = verified(sent, "--pack", home / "p")["refused"]
    assert any("its 'latency' is not that of the pack" in line for line in refused)


def test_a_pack_brings_records_and_no_sessions(effbench, home, tmp_path) -> None:
    session = session_of(home / "results").read_bytes()
    with zipfile.ZipFile(home / "p") as pack, zipfile.ZipFile(tmp_path / "q", "w") as other:
        manifest = json.loads(pack.read("pack.json"))
        del manifest["sha256"]
        digest = {"sha256": hashlib.sha256(session).hexdigest(), "nbytes": len(session)}
        manifest["members"]["results/latency/docs-test--2.npz"] = digest
        other.writestr("pack.json", sealed(manifest))
        other.writestr(zipfile.ZipInfo("results/latency/docs-test--2.npz"), session)
        for name in pack.namelist():
            if name != "pack.json":
                other.writestr(zipfile.ZipInfo(name), pack.read(name))
    with opened_pack(tmp_path / "q") as packed:
        place = packed.copy_records(tmp_path / "r")
    assert (place / "docs-test--table--kept.json").is_file()
    assert not (place / "latency").exists()
