"""``effbench results prune``: records that their suite has no more."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from made_records import write_results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite's results, of which the suite has lost a row and a dataset since."""
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=2)
    for path in folder.glob("data-*.json"):
        record = json.loads(path.read_text())
        run, texts = f"runs/{path.stem}.trec.gz", f"queries/{record['dataset']}.json"
        for name in (run, texts):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("{}")
        record["files"] = dict.fromkeys((run, texts), EMPTY)
        path.write_text(json.dumps(record))
    facts = json.loads((folder / "suite.json").read_text())
    facts["cells"], facts["datasets"] = ["data-0--0"], facts["datasets"][:1]
    (folder / "suite.json").write_text(json.dumps(facts))
    return folder


def names(folder: Path) -> set[str]:
    """Return all files, less the number of a session."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix().split("--2026")[0] for path in files}


EMPTY = hashlib.sha256(b"{}").hexdigest()
GONE = {
    "data-0--1.json", "data-1--0.json", "data-1--1.json", "runs/data-0--1.trec.gz",
    "runs/data-1--0.trec.gz", "runs/data-1--1.trec.gz", "queries/data-1.json",
    "latency/data-1",
}  # fmt: skip


def test_what_the_suite_has_no_more_is_shown_and_then_removed(effbench, folder: Path) -> None:
    results, before = folder.parents[1], names(folder)
    drawn = effbench("leaderboard", results).stdout
    said = "left out, since the suite no longer has them: data-0--1, data-1--0, data-1--1"
    assert f"{said} (effbench results prune {results} --yes removes them)" in drawn
    shown = effbench("results", "prune", results)
    assert shown.exit_code == 0, shown.output
    assert "would remove 8 files, " in shown.stdout
    assert "3 records among them; now nothing is removed (give --yes)" in shown.stdout
    assert names(folder) == before
    listed = json.loads(effbench("results", "prune", results, "--json").stdout)
    assert len(listed["files"]) == 8
    found = effbench("results", "prune", results, "--yes")
    assert found.exit_code == 0, found.output
    assert before - names(folder) == GONE
    assert "no longer has them" not in effbench("leaderboard", results).stdout
    scores = json.loads(effbench("leaderboard", results, "--format", "json").stdout)
    assert [line["row"] for table in scores for line in table["lines"]] == ["big"]
    for words in (["--yes"], []):
        again = effbench("results", "prune", results, *words)
        assert (again.exit_code, again.stdout.startswith("nothing to remove: ")) == (0, True)
        assert "--yes" not in again.stdout


def test_what_cannot_be_read_is_named_and_stays(effbench, folder: Path) -> None:
    (folder / "data-1--1.json").write_text('{"schema": 1, "sta')
    (session,) = folder.glob("latency/data-1--*")
    session.write_bytes(b"damaged")
    found = effbench("results", "prune", folder.parents[1], "--yes")
    assert found.exit_code == 1
    for path in (folder / "data-1--1.json", session):
        assert f"left out: {path}" in found.stderr
    kept = {
        "data-1--1.json",
        "runs/data-1--1.trec.gz",
        "queries/data-1.json",
        "latency/data-1",
    }
    assert GONE & names(folder) == kept


def test_a_suite_that_cannot_be_read_keeps_all(effbench, folder: Path) -> None:
    other = write_results(folder.parents[1], rows=["big"], datasets=1, suite="other")
    (folder / "suite.json").write_text("{")
    before = names(folder), names(other)
    found = effbench("results", "prune", folder.parents[1], "--yes")
    assert found.exit_code == 1
    assert f"left out: {folder / 'suite.json'}" in found.stderr
    assert (names(folder), names(other)) == before


def test_a_cell_that_a_second_folder_of_the_suite_lists_stays(effbench, folder: Path) -> None:
    other = write_results(folder.parents[1] / "other", rows=["big", "small"], datasets=1)
    found = effbench("results", "prune", folder.parents[1], "--yes")
    assert found.exit_code == 0, found.output
    assert (folder / "data-0--1.json").exists()
    assert not (folder / "data-1--0.json").exists()
    assert (other / "data-0--1.json").exists()


def test_a_folder_without_results(effbench, tmp_path: Path) -> None:
    found = effbench("results", "prune", tmp_path)
    assert found.exit_code == 2
    assert "no results there" in found.stderr
