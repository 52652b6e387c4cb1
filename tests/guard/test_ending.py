"""A plugin that ends the program, or raises what nobody expects, fails its own cells alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from altered import altered, first_altered
from made_processes import MAIN, environment
from made_suites import TWO_ROWS

EXIT = "SystemExit: 0 (a plugin must not end the program: it raises an error)"
ROWS = {
    "encoder": (
        "words: {use: words}",
        "words: {use: words}, e: {use: ending, at: AT, how: HOW}",
    ),
    "index": ("plain: {use: plain}", "plain: {use: plain}, e: {use: ending, at: AT, how: HOW}"),
    "retriever": ("scan: {use: scan}", "scan: {use: scan}, e: {use: ending, at: AT, how: HOW}"),
    "dataset": ("[{use: toy}", "[{use: toy}, {use: ending, at: AT, how: HOW}"),
    "model": (
        "encoders: {",
        "models: {e: {use: ending, at: AT, how: HOW}}\n"
        "encoders: {t: {use: table, model: e, passages: words}, ",
    ),
}


def with_ending(what: str, at: str, how: str = "exit") -> str:
    old, new = ROWS[what]
    return first_altered(TWO_ROWS, old, new.replace("AT", at).replace("HOW", how))


@pytest.mark.parametrize(
    ("what", "at"),
    [
        *(("dataset", at) for at in ("docs", "docs_count", "queries", "qrels")),
        *(("encoder", at) for at in ("init", "encode_corpus", "encode_queries")),
        *(("index", at) for at in ("init", "build", "nbytes", "save", "load", "search")),
        *(("retriever", at) for at in ("init", "index", "search")),
        *(("model", at) for at in ("init", "train")),
    ],
)
def test_an_exit_in_a_plugin_fails_its_cells_and_it_is_named(ran, what: str, at: str) -> None:
    found, records = ran(with_ending(what, at))
    assert found.exit_code == 1
    name = "ending" if what == "dataset" else "e"
    failed = [record for record in records.values() if record["status"] == "failed"]
    assert failed
    for record in failed:
        assert record["error"] == f"{what} {name!r} (plugin ending): {EXIT}"
        assert f"FAILED {record['dataset']}--{record['row']['name']}" in found.stderr
    done = [r for r in records.values() if r["dataset"] == "toy" and r["row"]["name"] == "scan"]
    assert [record["status"] for record in done] == ["done"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("generator", "retriever 'e' (plugin ending): GeneratorExit"),
        ("stop", "retriever 'e' (plugin ending): StopIteration"),
        ("broken", "retriever 'e' (plugin ending): BrokenError: (its message cannot be shown)"),
        ("lines", "retriever 'e' (plugin ending): ValueError: one two"),
        (
            "short",
            "cannot write: OSError: 96000 requested and 31712 written (free ",
        ),
        ("disk", "cannot write: OSError: [Errno 28] No space left on device: 'a/file' (free "),
    ],
)
def test_whatever_is_raised_is_one_line(ran, how: str, said: str) -> None:
    found, records = ran(with_ending("retriever", "search", how))
    assert found.exit_code == 1
    (failed,) = (record for record in records.values() if record["status"] == "failed")
    assert failed["error"].startswith(said)
    assert f"FAILED toy--e: {said}" in found.stderr
    assert len(records) == 3


@pytest.mark.parametrize(
    ("what", "at", "place"),
    [("dataset", "init", ":2: datasets.1"), ("encoder", "check", ":4: encoders.e")],
)
def test_an_exit_while_planning_is_a_mistake_with_its_line(
    effbench, suite, what: str, at: str, place: str
) -> None:
    found = effbench("plan", suite(with_ending(what, at)))
    assert found.exit_code == 2
    name = "ending" if what == "dataset" else "e"
    call = "its check: " if at == "check" else ""
    assert f"{place}: {what} {name!r} (plugin ending): {call}{EXIT}\n" in found.stderr


def test_an_exit_while_a_row_is_exported_is_no_success(effbench, suite, tmp_path) -> None:
    text = with_ending("encoder", "export")
    found = effbench("export", suite(text), "e", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.endswith(f"Error: encoder 'e' (plugin ending): {EXIT}\n")
    assert not (tmp_path / "out").exists()


def test_an_exit_that_nobody_caught_is_no_success(effbench, suite, monkeypatch) -> None:
    monkeypatch.setattr("effbench.plan.planner.make", lambda *_: sys.exit(0))
    found = effbench("plan", suite(TWO_ROWS))
    assert found.exit_code == 1
    assert "Error: something ended the program: SystemExit: 0 in " in found.stderr
    assert "test_ending.py:" in found.stderr


@pytest.mark.parametrize("how", ["os", "within", "at exit", "straight at exit"])
def test_an_exit_that_cannot_be_caught_is_no_success(suite, tmp_path: Path, how: str) -> None:
    path = suite(with_ending("retriever", "search", how))
    found = subprocess.run(
        [sys.executable, "-c", MAIN, "run", str(path), "--results", str(tmp_path / "results")],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "Error: something ended the program: os._exit(0) in " in found.stderr
    assert (
        "effbench_ending.py:" if how != "straight at exit" else "an exit handler"
    ) in found.stderr


@pytest.mark.parametrize(("what", "cell"), [("encoder", "e--plain"), ("index", "words--e")])
def test_an_exit_in_a_latency_worker_fails_its_row(ran, what: str, cell: str) -> None:
    terms = "latency: {queries: 10, warmup: 6, processes: 1}"
    text = altered(with_ending(what, "alone"), "latency: false", terms)
    found, _ = ran(text)
    assert found.exit_code == 1
    assert f"FAILED toy--{cell}: latency: {what} 'e' (plugin ending): {EXIT}" in found.stderr
    assert "2 cells done" in found.stderr


def test_measuring_that_fails_fails_its_cell_alone(ran, monkeypatch) -> None:
    from effbench.run import records

    measure = records.values_by_query

    def broken(rankings, *others):
        kept = list(rankings)
        if len(kept[0][1]) < 60:  # the retriever's: the index returns all
            raise ValueError("nDCG@10 of query 'q0' is 1.2")
        return measure(kept, *others)

    monkeypatch.setattr("effbench.run.records.values_by_query", broken)
    found, kept = ran(TWO_ROWS)
    assert found.exit_code == 1
    statuses = {r["row"]["name"]: r["status"] for r in kept.values()}
    assert statuses == {"words": "done", "scan": "failed"}
    assert "FAILED toy--scan: measuring: ValueError: nDCG@10 of query 'q0'" in found.stderr


def test_a_disk_that_is_full_when_latency_is_written_fails_the_pass_alone(
    ran, monkeypatch
) -> None:
    def full(*_):
        raise OSError(28, "No space left on device", "a/file")

    monkeypatch.setattr("effbench.latency.measure.write", full)
    terms = "latency: {queries: 10, warmup: 6, processes: 1}"
    found, kept = ran(altered(TWO_ROWS, "latency: false", terms))
    assert found.exit_code == 1
    assert [record["status"] for record in kept.values()] == ["done", "done"]
    for cell in ("toy--scan", "toy--words--plain"):
        assert f"FAILED {cell}: latency: OSError: [Errno 28] No space left" in found.stderr
    assert "scan" in found.stdout
