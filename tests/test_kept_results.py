"""Results: what is damaged is named, left out, and made again by the next run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from effbench.api.errors import EffbenchError
from effbench.latency.samples import read_session
from effbench.run.records import read
from effbench.store.disk import listed
from made_records import write_results
from made_sessions import write_session

ROOT = Path(__file__).parents[1]
PUBLISHED = sorted((ROOT / "results").glob("*/*/*--*.json"))
SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, RR@10]
encoders: {words: {use: words}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
CELL = "toy--words--plain"


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run the suite."""
    return lambda: effbench("run", suite(SUITE), "--results", tmp_path / "results")


@pytest.fixture
def folder(run, tmp_path: Path) -> Path:
    """The suite's folder of a run."""
    assert run().exit_code == 0
    (found,) = tmp_path.glob("results/*/toys")
    return found


def table(effbench, folder: Path):
    return effbench("leaderboard", folder, "--format", "json")


def lasting(path: Path) -> dict:
    """Return a record less what time decides."""
    record = json.loads(path.read_text())
    return {n: v for n, v in record.items() if n not in ("created", "costs", "sha256")}


def change_digit(path: Path, key: str, number: int = 0) -> None:
    """Change a digit of a float in the line of a top-level key."""
    lines = path.read_text().split("\n")
    line = next(i for i, text in enumerate(lines) if text.startswith(f'"{key}"'))
    start, _, end = lines[line].partition("0.")
    lines[line] = f"{start}0.{(int(end[0]) + 1) % 10}{end[1:]}"
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("key", ["scores", "per_query", "costs"])
def test_a_digit_of_a_record_is_noticed_by_all_who_read_it(
    effbench, run, folder: Path, tmp_path: Path, key: str
) -> None:
    record = folder / f"{CELL}.json"
    true = lasting(record)
    old = tmp_path / "old"
    shutil.copytree(tmp_path / "results", old)
    change_digit(record, key)
    said = f"{record}: its checksum does not hold (run the suite again)"
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert said in found.stderr
    assert [line["row"] for line in json.loads(found.stdout)[0]["lines"]] == ["scan"]
    moved = effbench("diff", old, tmp_path / "results")
    assert moved.exit_code == 1
    assert said in moved.output
    assert said in effbench("show", record).stderr
    again = run()
    assert "1 cell done, 1 finished already, 0 failed; 0 steps made" in again.stderr
    assert lasting(record) == true
    assert table(effbench, folder).exit_code == 0


def test_older_records_count_if_their_scores_are_those_of_their_queries(
    effbench, tmp_path: Path
) -> None:
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=1)
    path = folder / "data-0--0.json"
    assert table(effbench, folder).exit_code == 0, "they had no checksum"
    record = json.loads(path.read_text())
    record["scores"]["nDCG@10"] += 0.1
    path.write_text(json.dumps(record))
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"{path}: its nDCG@10 is {record['scores']['nDCG@10']}, and the mean" in found.stderr


def test_values_without_a_score_are_refused(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["big"], datasets=1)
    path = folder / "data-0--0.json"
    more = {"per_query": {"R@1": {"q": 1.0}}}
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    with pytest.raises(EffbenchError, match="are not of the same measures"):
        read(path)


def test_what_we_publish_carries_checksums() -> None:
    for path in PUBLISHED:
        assert json.loads(path.read_text())["schema"] == 2
        assert read(path)


def test_records_under_each_others_names_are_refused(effbench, run, folder: Path) -> None:
    one, other = folder / f"{CELL}.json", folder / "toy--scan.json"
    true = lasting(one)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"{one}: this is the record of toy--scan (rename the file" in found.stderr
    run()
    assert lasting(one) == true


def test_temporary_files_are_never_read(effbench, run, folder: Path) -> None:
    write_session(folder, "toy", {CELL: {"encode": [1.0] * 12}})
    true = table(effbench, folder)
    planted = []
    for path in [*folder.glob("*.json"), *folder.glob("*/*")]:
        for name in (f".4711.{path.name}", f".0123456789abcdef.part{path.suffix}"):
            planted.append(path.with_name(name))
            shutil.copy(path, planted[-1])
    assert table(effbench, folder).stdout == true.stdout
    assert table(effbench, folder).exit_code == 0
    assert effbench("show", CELL, "--results", folder).exit_code == 0
    for path in planted[::2]:
        os.utime(path, (0, 0))
    run()
    assert [path for path in planted if path.exists()] == planted[1::2], "the old ones are gone"


@pytest.mark.parametrize("what", ["damaged", "gone"])
@pytest.mark.parametrize("name", [f"runs/{CELL}.trec.gz", "queries/toy.json"])
def test_exported_files_are_exported_again(run, folder: Path, name: str, what: str) -> None:
    path, record = folder / name, folder / f"{CELL}.json"
    true, kept = path.read_bytes(), lasting(record)
    path.write_bytes(true[:-9] + b"x" + true[-8:])
    if what == "gone":
        path.unlink()
    found = run()
    assert found.exit_code == 0
    assert f": {name}: lost or damaged, exporting again" in found.stderr
    assert "0 steps made" in found.stderr
    assert path.read_bytes() == true
    assert lasting(record) == kept
    assert "0 cells done" in run().stderr


def test_damaged_texts_of_queries_are_named_and_not_shown(effbench, folder, tmp_path) -> None:
    from effbench.board.leaderboard import boards

    (board,) = boards([folder])
    assert board.collected.texts["toy"]["q0"].startswith("apple")
    path = folder / "queries" / "toy.json"
    path.write_text(path.read_text().replace("apple", "amber"))
    (board,) = boards([folder])
    assert board.collected.texts == {}
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"left out: {path}: its checksum does not hold" in found.stderr


def test_a_damaged_plan_of_the_suite_is_written_again(effbench, run, folder: Path) -> None:
    path = folder / "suite.json"
    true = path.read_bytes()
    path.write_bytes(true.replace(b"nDCG@10", b"nDCG@20"))
    assert "its checksum does not hold" in table(effbench, folder).stderr
    assert run().exit_code == 0
    assert path.read_bytes() == true


def test_a_session_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    path = write_session(tmp_path, "toy", {"cell": {"encode": [1.0, 2.0, 3.0] * 9}})
    true, content = read_session(path), path.read_bytes()
    refused = 0
    for place in range(0, len(content), 3):
        changed = content[place] ^ 1 << place % 8
        path.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
        try:
            found = read_session(path)
        except EffbenchError:
            refused += 1
        else:
            assert found.header == true.header
            assert found.blocks == true.blocks
            for name, column in true.columns.items():
                assert (found.columns[name] == column).all()
    assert refused > len(content) / 3 / 2


def test_two_processes_of_one_number_share_a_results_folder(run, tmp_path: Path, monkeypatch):
    """As in two containers: names of temporary files hang on no process's number."""
    names = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        names.append(path.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert run().exit_code == 0
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "results")
    assert run().exit_code == 0
    ours = [name for name in names if name.startswith(".")]
    assert len(ours) == len(set(ours)) > 20
    assert list(listed(tmp_path, "results/*/toys/*.json"))
