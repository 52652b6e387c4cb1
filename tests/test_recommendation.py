"""Which row to take within a budget, on made-up results."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_records import write_results


@pytest.fixture
def ask(effbench, tmp_path: Path):
    write_results(tmp_path / "results", rows=["big", "middle", "small"], datasets=1, queries=99)
    return lambda *options: effbench("leaderboard", tmp_path / "results", *options)


def test_the_best_row_within_the_time(ask) -> None:
    found = ask("--budget", "6ms").stdout
    assert "made on a-machine: take middle through exact: nDCG@10 " in found
    assert "encode p50 5 [5, 5] ms" in found
    assert "sure: its 95 % intervals lie within what was asked" in found
    assert "effbench export made middle DIR" in found
    assert "take big" in ask("--budget", "0.1s").stdout
    assert "take small" in ask("--budget", "4000us").stdout


def test_the_fastest_row_that_keeps_enough(ask) -> None:
    assert "take small" in ask("--keep", "0.1").stdout
    assert "take big" in ask("--keep", "1").stdout
    doubtful = ask("--keep", "0.6")
    assert "likely, not sure: it may keep less than that" in doubtful.stdout


def test_both_at_once_and_neither(ask) -> None:
    assert "take middle" in ask("--keep", "0.5", "--budget", "6ms").stdout
    none = ask("--keep", "0.99", "--budget", "6ms")
    assert none.exit_code == 0
    assert "no row of 3 takes at most 6 ms (encode p50) and keeps 99.0% or more" in none.stdout
    assert "the fastest is small through exact (3.33 [3.33, 3.33] ms" in none.stdout


@pytest.mark.parametrize("budget", ["five", "-1ms", "0", "5 m"])
def test_a_time_that_is_none_is_one_line(ask, budget: str) -> None:
    found = ask("--budget", budget)
    assert found.exit_code == 2
    assert f"--budget {budget}: not a time" in found.stderr
