"""Runs of other systems as rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
retrievers:
  scan: {use: scan}
  given: {use: trec-run, dataset: target, runs: runs}
indexes: {plain: {use: plain}}
latency: {queries: 12, warmup: 2, processes: 1}
"""


@pytest.fixture
def runs(effbench, suite, tmp_path: Path) -> Path:
    """The run of another suite, under the name of its dataset."""
    text = altered(SUITE, "  given: {use: trec-run, dataset: target, runs: runs}\n", "")
    alone = suite(altered(text, "{queries: 12, warmup: 2, processes: 1}", "false"))
    effbench("run", alone, "--results", tmp_path / "first")
    folder = tmp_path / "runs"
    folder.mkdir()
    (own,) = tmp_path.glob("first/*/toys/runs/toy--scan.trec.gz")
    (folder / "toy.trec.gz").write_bytes(own.read_bytes())
    return folder


def test_a_run_read_back_scores_as_it_did_and_is_not_timed(
    effbench, suite, runs: Path, tmp_path: Path
) -> None:
    found = effbench("run", suite(SUITE), "--results", tmp_path / "results", "--json")
    assert found.exit_code == 0, found.output
    (table,) = json.loads(found.stdout)
    lines = {line["row"]: line for line in table["lines"]}
    assert lines["given"]["nDCG@10"] == lines["scan"]["nDCG@10"]
    assert lines["given"]["rank"] == lines["scan"]["rank"]
    assert lines["scan"]["end to end p50 ms"] is not None
    assert lines["given"]["end to end p50 ms"] is None


def test_another_run_is_another_row(effbench, suite, runs: Path, tmp_path: Path) -> None:
    path = suite(altered(SUITE, "{queries: 12, warmup: 2, processes: 1}", "false"))
    options = ("--results", tmp_path / "results", "--only", "given", "--json")
    effbench("run", path, *options)
    (runs / "toy.trec.gz").unlink()
    (runs / "toy.trec").write_text("q0 Q0 d1 1 1.0 other\n")
    (table,) = json.loads(effbench("run", path, *options).stdout)
    (line,) = table["lines"]
    assert line["nDCG@10"] == 0


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            "nobody Q0 d0 1 1.0 other\n",
            "answers none of the queries of toy (is it a run of anoth",
        ),
        ("q0 Q0 d0 1 0.1 other\nq0 Q0 d1 2 0.2 other\n", "its scores rise with its ranks"),
        ("q0 Q0 nothing 1 1.0 other\n", "search returned 'nothing', which is no doc of toy"),
        ("q0 Q0 d0 1 1e39 other\n", "search returned a score that is no finite 32-bit float"),
        ("q0 Q0 d0 1 1e999 other\n", "toy.trec:1: '1e999' is not a number"),
    ],
)
def test_a_run_of_another_dataset_is_refused(
    effbench, suite, runs: Path, tmp_path: Path, run: str, message: str
) -> None:
    path = suite(altered(SUITE, "{queries: 12, warmup: 2, processes: 1}", "false"))
    (runs / "toy.trec.gz").unlink()
    (runs / "toy.trec").write_text(run)
    found = effbench("run", path, "--results", tmp_path / "results", "--only", "given")
    assert found.exit_code == 1
    assert message in found.stderr


def test_a_run_that_is_not_there_is_one_line(effbench, suite, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    found = effbench("run", suite(SUITE), "--results", tmp_path / "r", "--only", "given")
    assert "trec-run: no " in found.output
    assert "toy.trec (put the run there" in found.output
    assert "Traceback" not in found.output
