"""The sentence of a recommendation: ties, several machines, and rows that lack a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from made_answers import change, time_rows, values_of, write_every_case
from made_records import write_results


@pytest.fixture
def ask(effbench, tmp_path: Path):
    return lambda *options: effbench("leaderboard", tmp_path, *options).stdout


def nearly(values: Mapping[str, float], loss: float) -> dict[str, float]:
    """Return values that differ from these by chance, and in their mean by a little."""
    shifted = {query: 0.01 * (-1) ** at for at, query in enumerate(values)}
    mean = sum(shifted.values()) / len(shifted)
    return {query: value + shifted[query] - mean - loss for query, value in values.items()}


def test_ties_within_noise_are_said(ask, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "middle", "small"], datasets=1, queries=99)
    change(folder, 2, per_query={"nDCG@10": nearly(values_of(folder, 1), 1e-6)})
    time_rows(folder, {0: 10.5, 1: 5.5, 2: 3.5})
    small = "small through exact (82.7% at 3.5 ms)"
    assert ask("--budget", "6ms").splitlines()[0] == (
        "made on a-machine: Ship middle through exact: keeps 82.7% [74.7, 91.4] at 5.5 ms, "
        f"1.91x [1.91, 1.91] faster; faster and as good within noise: {small}; "
        "next best small through exact"
    )


def test_equal_scores_give_the_faster_row(ask, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "middle", "small"], datasets=1, queries=99)
    change(folder, 2, per_query={"nDCG@10": values_of(folder, 1)})
    time_rows(folder, {0: 10.5, 1: 5.5, 2: 3.5})
    said = ask("--budget", "6ms").splitlines()[0]
    assert "Ship small through exact: keeps 82.7%" in said
    assert (
        "; nothing faster is as good; next best middle through exact (82.7% at 5.5 ms)" in said
    )


def test_many_ties_are_counted(ask, tmp_path: Path) -> None:
    rows = ["big", *(f"row-{i}" for i in range(6))]
    folder = write_results(tmp_path, rows=rows, datasets=1, queries=99)
    best = values_of(folder, 1)
    for number in range(2, 7):
        change(folder, number, per_query={"nDCG@10": nearly(best, number * 1e-6)})
    time_rows(folder, {0: 10.5, **{number: 7.0 - number for number in range(1, 7)}})
    said = ask("--budget", "6ms").splitlines()[0]
    assert "Ship row-0 through exact" in said
    assert "noise: row-5 through exact (" in said, "the fastest first"
    assert " and 2 more; next best row-1 through exact (" in said, "it is not named before"


def test_each_machine_has_its_answer(ask, tmp_path: Path) -> None:
    write_every_case(tmp_path)
    lines = [line for line in ask("--suite", "plain", "--budget", "4ms").splitlines()]
    answers = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert answers == ["plain on a-machine", "plain on b-machine"]


def test_an_untimed_row_is_no_answer(ask, tmp_path: Path) -> None:
    folder = write_results(
        tmp_path, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0}
    )
    time_rows(folder, {1: 3.5, 2: 2.0})
    (facts,) = json.loads(ask("--budget", "99ms", "--format", "json"))
    assert facts["taken"]["row"] == "small"
    assert {one["row"]: one["why"] for one in facts["left_out"]} == {"big": "no latency"}


def test_the_slower_row_is_not_called_faster(ask, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "middle"], datasets=1, queries=99)
    change(folder, 1, per_query={"nDCG@10": dict.fromkeys(values_of(folder, 1), 0.9)})
    time_rows(folder, {0: 5.0, 1: 10.0})
    assert " at 10 ms, 0.5x [0.5, 0.5] as fast; nothing faster" in ask("--budget", "20ms")
