"""What ``effbench plan`` shows of a suite's rows, and when it shows its steps."""

from __future__ import annotations

import json

from altered import altered
from made_suites import GROUPED

TRAINED = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: b, docs: 20}]
measures: [nDCG@10]
models:
  own: {use: centroids, data: {examples: [{training: target}], passages: words}}
encoders:
  words: {use: words}
  own: {use: table, model: own, passages: words}
indexes: {plain: {use: plain, search: {depth: [5, 20]}}}
latency: false
"""


def rows(effbench, path, *more) -> list[str]:
    found = effbench("plan", path, *more)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    return [line.removeprefix("row    ") for line in lines if line.startswith("row ")]


def test_each_row_is_a_line_with_its_datasets_and_cells(effbench, suite) -> None:
    assert rows(effbench, suite(GROUPED)) == [
        "scan (scan): 3 datasets",
        "words (words): 3 datasets, 6 cells",
    ]


def test_a_row_that_is_measured_on_what_it_was_trained_on_is_named(effbench, suite) -> None:
    own = "own (table): 2 datasets, 4 cells; trained on the test data of toy, b"
    assert rows(effbench, suite(TRAINED)) == ["words (words): 2 datasets, 4 cells", own]
    found = json.loads(effbench("plan", suite(TRAINED), "--json").stdout)
    assert [row["trained_on_judgments_of"] for row in found["rows"]] == [[], ["toy", "b"]]


def test_finished_cells_are_counted(effbench, suite, run, tmp_path) -> None:
    assert run(GROUPED, "--only", "scan").exit_code == 0
    results = ("--results", tmp_path / "results")
    assert rows(effbench, suite(GROUPED), *results)[0] == "scan (scan): 3 datasets, 3 finished"


def test_steps_and_cells_are_shown_when_they_are_asked_for(effbench, suite) -> None:
    path = suite(altered(GROUPED, "depth: [1, 10]", "depth: [1]"))
    short, whole = (effbench("plan", path, *more).stdout for more in ((), ("--steps",)))
    assert whole.endswith(short)
    details = whole.removesuffix(short).splitlines()
    assert {line[:6].strip() for line in details} == {"to do", "cell"}
    assert sum(line.startswith("cell ") for line in details) == 6
