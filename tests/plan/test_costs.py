"""What a plan says that a run will cost, held against what the run then takes."""

from __future__ import annotations

import json
import re
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from effbench.store import space
from effbench.store.artifacts import Artifact
from effbench.store.disk import read_sealed, write_json
from effbench.work.memory import FOLDER

SUITE = """\
suite: toys
datasets: [{use: toy, docs: 600}]
measures: [nDCG@10]
models:
  table: {use: table, targets: {encoder: words, texts: [{titles: {use: toy, docs: 600}}]}}
encoders:
  words: {use: words, pause_ms: 1}
  table: {use: table, model: table, passages: words}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
OTHER = SUITE.replace("docs: 600", "docs: 900, name: other")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch):
    """Let each disk have so many bytes free."""

    def full(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - free, free))

    return full


def costs(effbench, path: Path, *more: str) -> dict[str, Any]:
    found = effbench("plan", path, "--json", *more)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)["costs"]


def bill(effbench, path: Path) -> list[str]:
    lines = effbench("plan", path).stdout.splitlines()
    return [line.removeprefix("cost   ") for line in lines if line.startswith("cost ")]


def finished(found: Result) -> Result:
    assert found.exit_code == 0, found.output
    return found


def written(kinds: str) -> int:
    """Return the bytes of the files that steps of a kind have kept."""
    manifests = Path("cache").glob(f"{kinds}/*/manifest.json")
    return sum(sum(json.loads(path.read_text())["sizes"].values()) for path in manifests)


def row_of(found: dict[str, Any], name: str, does: str = "encode with") -> dict[str, Any]:
    (row,) = (row for row in found["rows"] if (row["does"], row["row"]) == (does, name))
    return row


def test_a_first_plan_counts_what_is_known_and_names_what_is_not(effbench, suite) -> None:
    found = costs(effbench, suite(SUITE))
    words = row_of(found, "words")
    assert (words["docs"], words["docs_unread"]) == (600, 0), "the dataset says how many"
    assert (words["queries"], words["queries_unread"]) == (0, 1)
    assert (words["texts"], words["texts_unread"]) == (0, 1)
    assert row_of(found, "table", "train")["models"] == 1
    assert found["seconds"] == 0
    assert found["bytes_at_least"] == 1200, "of ids: an encoder's width is unknown"
    assert found["bytes"] == 0, "what an index of texts writes beside its ids"
    assert not Path("cache").exists(), "a plan writes nothing"
    lines = bill(effbench, suite(SUITE))
    assert lines[-2].startswith("write an amount that no one knows yet (at least 1.2 kB) into ")
    assert (
        "encode with words: 600 docs; 1 set of queries not read yet; 1 mix of texts not read "
        "yet" in lines
    )
    assert "train 1 model: table" in lines
    assert lines[-1].startswith("take a time that no one knows yet (nothing like it was done")


def test_after_a_run_a_plan_foretells_what_another_corpus_takes(effbench, suite) -> None:
    path, other = suite(SUITE), suite(OTHER, "other.yaml")
    finished(effbench("run", path))
    assert costs(effbench, path)["steps"] == 0
    assert not bill(effbench, path), "nothing is left"
    before = costs(effbench, other)
    words = row_of(before, "words")
    assert words["as"] == ["encode words corpus of toy"]
    assert words["seconds"] >= 0.9, "900 docs, of which each sleeps for a millisecond"
    assert row_of(before, "scan", "index with")["docs"] == 900
    foretold = {name: written(name) for name in ("encode", "retriever")}
    finished(effbench("run", other))
    least = before["bytes_at_least"]
    truth = sum(written(name) - foretold[name] for name in foretold)
    assert 0.97 * truth <= least <= truth
    assert before["bytes_at_least"] <= before["bytes"]


def test_what_is_unknown_is_not_made_small(effbench, suite) -> None:
    """Another encoder, which may be the slowest of all, has never run here."""
    finished(effbench("run", suite(SUITE)))
    slow = "retrievers:", "  slow: {use: words, pause_ms: 9, width: 96}\nretrievers:"
    lines = bill(effbench, suite(OTHER.replace(*slow), "other.yaml"))
    size, time = lines[-2:]
    known = "for 3 of 14 steps, and more for the other 11, some encoding and all training"
    assert re.search(r"are free\) for \d+ of \d+ steps, and more for the other \d+, ", size)
    assert size.endswith(" among them: no size is known of those")
    assert known in time
    assert " among them: no time is known of those (nothing like it" in time


def test_counts_of_data_that_was_read_are_known(effbench, suite) -> None:
    finished(effbench("run", suite(SUITE)))
    for kind in ("encode", "queries", "model", "run"):
        shutil.rmtree(Path("cache", kind))
    shutil.rmtree("results")
    before = costs(effbench, suite(SUITE))
    words = row_of(before, "words")
    assert (words["docs"], words["queries"], words["texts"]) == (600, 300, 600)
    assert before["steps_of_unknown_time"] == before["steps_of_unknown_bytes"] == 0
    assert before["seconds"] > 0
    lines = bill(effbench, suite(SUITE))
    assert lines[0].startswith("encode with words: 600 docs, 300 queries, 600 texts, about ")
    finished(effbench("run", suite(SUITE)))
    truth = sum(map(written, ("encode", "queries", "model", "run")))
    assert before["bytes_at_least"] <= truth
    assert before["bytes"] == pytest.approx(truth, rel=0.03)
    assert 0.97 * (written("encode") + written("queries")) <= before["bytes_at_least"]


def test_a_pace_is_that_of_the_same_options_and_the_same_device(effbench, suite) -> None:
    finished(effbench("run", suite(SUITE)))
    for text, arguments in (
        (OTHER.replace("pause_ms: 1", "pause_ms: 2"), ()),
        (OTHER.replace("pause_ms: 1", "pause_ms: 1, width: 32"), ()),
        (OTHER, ("--device", "cuda")),
    ):
        words = row_of(costs(effbench, suite(text, "other.yaml"), *arguments), "words")
        assert words["seconds"] == 0, text
        assert words["as"] == []


def test_a_memory_that_is_damaged_is_none(effbench, suite) -> None:
    finished(effbench("run", suite(SUITE)))
    for path in Path("cache", FOLDER).iterdir():
        path.write_text(path.read_text()[:-9])
    assert costs(effbench, suite(OTHER))["seconds"] == 0


@pytest.mark.parametrize("value", [0, -1, None, "x", [], 2**60])
def test_a_memory_of_nonsense_is_none(effbench, suite, value: Any) -> None:
    finished(effbench("run", suite(SUITE)))
    for path in list(Path("cache", FOLDER).iterdir()):
        write_json(path, dict.fromkeys(read_sealed(path), value))
    found = costs(effbench, suite(OTHER))
    assert (found["seconds"], found["bytes_at_least"]) == (0, 1800), "of ids"
    finished(effbench("run", suite(OTHER)))
    assert costs(effbench, suite(SUITE.replace("600", "700")))["seconds"] > 0, "learned again"


def test_what_has_been_encoded_of_a_corpus_is_not_written_again(effbench, suite) -> None:
    finished(effbench("run", suite(SUITE)))
    (manifest,) = Path("cache").glob("encode/*/manifest.json")
    manifest.unlink()  # as a killed run leaves its shards
    shutil.rmtree("cache/run")
    shutil.rmtree("results")
    left = costs(effbench, suite(SUITE))
    assert (row_of(left, "words")["docs"], left["bytes_at_least"]) == (0, 0)
    assert not [line for line in bill(effbench, suite(SUITE)) if line.startswith("encode")]
    (shard,) = Path("cache").glob("encode/*/*.npy")
    shard.rename(shard.with_name(f".0123456789abcdef.part{shard.suffix}"))
    left = costs(effbench, suite(SUITE))
    assert row_of(left, "words")["docs"] == 600, "half a shard is none"


def test_a_plan_and_a_run_agree_after_the_cache_was_freed(effbench, suite) -> None:
    path = suite(SUITE)
    finished(effbench("run", path))
    for kind in Path("cache").iterdir():
        if kind.is_dir() and kind.name != FOLDER:
            shutil.rmtree(kind)
    lines = finished(effbench("plan", path)).stdout.splitlines()
    assert not bill(effbench, path)
    assert re.fullmatch(r"3 cells \(3 finished\), \d+ steps, 0 of them to do", lines[-1])
    assert sum(line.endswith("(finished)") for line in lines) == 3
    assert "3 finished already" in finished(effbench("run", path)).output
    elsewhere = costs(effbench, path, "--results", "elsewhere")
    assert elsewhere["steps"] > 0
    train = row_of(elsewhere, "table", "train")
    assert train["seconds"] > 0, "how much it reads is known, though that is gone"


def test_a_cell_without_its_latency_is_not_finished(effbench, suite) -> None:
    text = SUITE.replace("latency: false", "latency: {queries: 11, warmup: 6, processes: 1}")
    finished(effbench("run", suite(text)))
    assert costs(effbench, suite(text))["latency_sessions"] == 0
    shutil.rmtree("cache/retriever")
    assert costs(effbench, suite(text))["steps"] == 0
    (session,) = Path("results").glob("*/toys/latency/*.npz")
    session.unlink()
    now = costs(effbench, suite(text))
    assert now["latency_sessions"] == 1
    assert [row["row"] for row in now["rows"]] == ["scan"]


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_training_that_was_interrupted_tells_its_pace(
    effbench, suite, monkeypatch, interrupted: bool
) -> None:
    import effbench_stopping

    monkeypatch.setenv("STOPPING_LOG", "log")
    monkeypatch.setenv("TOY_LOG", "log")

    def wait() -> None:
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(effbench_stopping, "wait", wait)
    text = SUITE.replace(
        SUITE[SUITE.index("  table: {use: table, targets") : SUITE.index("encoders:")],
        "  table: {use: stopping}\n",
    ).replace("use: table, model", "use: stopping-model, model")
    text = text.replace(", passages: words}\nretr", "}\nretr")
    path = suite(text)
    effbench("run", path)
    finished(effbench("run", path))
    shutil.rmtree("results")
    shutil.rmtree("cache/model")
    assert row_of(costs(effbench, path), "table", "train")["steps_of_unknown_time"] == 0


def test_what_no_record_needs_refuses_no_run(effbench, suite, disk) -> None:
    path = suite(SUITE)
    finished(effbench("run", path))
    shutil.rmtree("cache/encode")
    disk(10_000)
    finished(effbench("run", path))
    shutil.rmtree("results")
    assert effbench("run", path).exit_code == 2, "its records tell the width of the vectors"


def test_a_plan_sees_damaged_artifacts(effbench, suite) -> None:
    path = suite(SUITE)
    finished(effbench("run", path))
    (run, *_) = Path("cache").glob("run/*/run.trec")
    with run.open("a") as file:
        file.write("\n")
    (vectors,) = Path("cache").glob("encode/*/00000.npy")
    vectors.unlink()
    lines = finished(effbench("plan", path)).stdout.splitlines()
    again = [line for line in lines if line.startswith("again")]
    assert len(again) == 2
    assert any(f"{run} is lost or damaged" in line for line in again)
    assert lines[-1].endswith(" 2 of them to do")
    steps = json.loads(effbench("plan", path, "--json").stdout)["steps"]
    assert sum(not step["done"] for step in steps) == sum(len(s["damaged"]) for s in steps) == 2


def test_a_run_that_will_not_fit_is_refused_before_any_work(effbench, suite, disk) -> None:
    finished(effbench("run", suite(SUITE)))
    before = sorted(Path().rglob("*"))
    disk(230_000)
    other = suite(OTHER, "suite.yaml")
    found = effbench("run", other)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert line == (
        f"Error: {Path.cwd()}/cache: what is left to be made takes at least "
        "240 kB there, and 230 kB are free (name another disk with --cache, free some with "
        "effbench cache, or take fewer rows)"
    )
    assert effbench("latency", other).exit_code == 2
    assert sorted(Path().rglob("*")) == before
    disk(10**9)
    assert effbench("run", other, "--only", "scan").exit_code == 0
    disk(230_000)
    assert effbench("run", other, "--only", "scan").exit_code == 0, "nothing is left of it"


def test_a_disk_that_does_not_count_refuses_nothing(effbench, suite, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    assert costs(effbench, suite(SUITE))["free_bytes"] is None
    finished(effbench("run", suite(SUITE)))


@pytest.mark.parametrize(("user", "code"), [(0, 0), (1000, 2)])
def test_root_may_fill_what_disks_keep_for_it(
    effbench, suite, monkeypatch, user: int, code: int
) -> None:
    monkeypatch.setattr(space.os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**11, 0))
    assert costs(effbench, suite(SUITE))["free_bytes"] == 0
    assert effbench("run", suite(SUITE)).exit_code == code


def test_what_another_run_puts_away_meanwhile_hides_no_other_part(tmp_path: Path) -> None:
    (tmp_path / "00000.npy").write_bytes(bytes(1000))
    (tmp_path / ".ab.part.npy").symlink_to("gone")

    class Gone(type(tmp_path)):  # type: ignore[misc]
        def is_file(self) -> bool:
            return self.name.startswith(".") or super().is_file()

    assert Artifact(Gone(tmp_path)).size_of_parts() == 1000


def test_an_export_that_will_not_fit_is_refused(effbench, suite, disk) -> None:
    path = suite(SUITE)
    finished(effbench("run", path))
    for kind in ("model", "queries"):
        shutil.rmtree(Path("cache", kind))
    disk(100_000)
    found = effbench("export", path, "table", "out")
    assert found.exit_code == 2
    assert "takes at least 155 kB there, and 100 kB are free" in found.stderr
    assert not Path("out").exists()


def test_results_that_will_not_fit_are_refused(effbench, suite, disk) -> None:
    disk(4_000)
    found = effbench("run", suite(SUITE), "--results", "results")
    assert found.exit_code == 2
    assert (
        "what is left to be made takes at least 7.2 kB there, and 4.0 kB are f" in found.stderr
    )
    disk(8_000)
    found = effbench("run", suite(SUITE), "--results", "results")
    assert found.exit_code == 1, "no guess refuses a run"
    sizes = [path.stat().st_size for path in Path("results").rglob("toy--*.json")]
    assert len(sizes) == 3


def test_an_encoding_that_will_not_fit_ends_at_once(effbench, suite, disk) -> None:
    disk(100_000)
    found = effbench("run", suite(SUITE), "--only", "words")
    assert found.exit_code == 1
    assert "FAILED toy--words--plain" in found.stderr
    assert "what is left to be made takes at least 155 kB there" in found.stderr
    assert not list(Path("cache").glob("encode/*/*.npy"))
    disk(10**9)
    assert effbench("run", suite(SUITE), "--only", "words").exit_code == 0


def test_features_of_domains_are_encoded_too(effbench, suite) -> None:
    two = "datasets: [{use: toy}, {use: toy, name: b, docs: 20}]"
    text = SUITE.replace("datasets: [{use: toy, docs: 600}]", two)
    near = "  near: {use: nearest, domains: {models: table, of: others, features: words}}\n"
    text = text.replace("{titles: {use: toy, docs: 600}}", "{titles: target}")
    text = text.replace("encoders:\n", f"{near}encoders:\n  near: {{use: table, model: near, "
                        "passages: words}\n")  # fmt: skip
    found = json.loads(finished(effbench("plan", suite(text), "--json")).stdout)
    words = row_of(found["costs"], "words")
    steps = [step for step in found["steps"] if step["label"].startswith("encode words")]
    features = [step for step in steps if step["kind"] == "domain"]
    assert len(features) == 2
    assert words["docs"] == 2 * (60 + 20), "the corpora, and the features of both"
    assert words["steps_of_unknown_time"] == len(steps)


def test_rows_that_encode_queries_alone_share_a_line(effbench, suite) -> None:
    light = "".join(
        f"  light{i}: {{use: words-queries, width: {i + 1}, passages: words}}\n"
        for i in range(6)
    )
    lines = bill(effbench, suite(SUITE.replace("retrievers:", f"{light}retrievers:")))
    assert (
        "encode with table, light0, light1 and 4 more: 7 sets of queries not read yet" in lines
    )
