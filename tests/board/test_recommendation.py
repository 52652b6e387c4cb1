"""Which row to take within a budget, on made-up results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_records import write_results
from made_sessions import write_session


@pytest.fixture
def ask(effbench, tmp_path: Path):
    write_results(tmp_path / "results", rows=["big", "middle", "small"], datasets=1, queries=99)
    return lambda *options: effbench("leaderboard", tmp_path / "results", *options)


def test_the_best_row_within_the_time(ask) -> None:
    found = ask("--budget", "6ms").stdout
    assert (
        "made on a-machine: Ship middle through exact: keeps 82.7% [74.7, 91.4] at 5.5 ms, "
        "1.91x [1.91, 1.91] faster; nothing faster is as good; "
        "next best small through exact (62.2% at 3.83 ms)\n" in found
    )
    assert "end to end p50 5.5 [5.5, 5.5] ms" in found
    assert "sure: its whole 95 % intervals are within what was asked" in found
    assert "effbench export SUITE-FILE middle DIR" in found
    assert "Ship big" in ask("--budget", "0.1s").stdout
    assert "Ship small" in ask("--budget", "4000us").stdout


def test_too_few_times_say_how_many_are_needed(ask) -> None:
    found = ask("--budget", "6ms", "--percentile", "95").stdout
    assert (
        "too few times for end to end p95 (each process needs 130: raise latency's q" in found
    )


def test_the_fastest_row_that_keeps_enough(ask) -> None:
    assert "Ship small" in ask("--keep", "0.1").stdout
    assert "Ship big" in ask("--keep", "1").stdout
    doubtful = ask("--keep", "0.6")
    assert "likely, not sure: it may keep less than that" in doubtful.stdout


def test_both_at_once_and_neither(ask) -> None:
    assert "Ship middle" in ask("--keep", "0.5", "--budget", "6ms").stdout
    none = ask("--keep", "0.99", "--budget", "6ms")
    assert none.exit_code == 0
    assert (
        "made on a-machine: No row is within 6 ms (end to end p50) and keeps 99% or more; the "
        "fastest that keeps it is big through exact (100.0% at 10.5 ms), the best within it is "
        "middle through exact (82.7% at 5.5 ms)\n" in none.stdout
    )


def test_a_share_may_be_per_cent(ask) -> None:
    assert ask("--keep", "60%").stdout == ask("--keep", "0.6").stdout
    assert "Ship big" in ask("--keep", "100 %").stdout


@pytest.mark.parametrize("share", ["90", "101%", "1.1", "0", "-1", "x", "nan", "", "\u0665%"])
def test_a_share_that_is_none_is_one_line(ask, share: str) -> None:
    found = ask("--keep", share)
    assert found.exit_code == 2
    assert (
        f"--keep {share}: not a share above 0 and up to 1 (write 0.97 or 97%)" in found.stderr
    )


@pytest.mark.parametrize(
    "budget", ["five", "-1ms", "0", "5 m", "", "nan", f"1{'0' * 30}s", "\u0665ms"]
)
def test_a_time_that_is_none_is_one_line(ask, budget: str) -> None:
    found = ask("--budget", budget)
    assert found.exit_code == 2
    assert f"--budget {budget}: not a time" in found.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--allow", "cut"], "--allow needs --budget, --keep or --rate"),
        (["--utilisation", "70%"], "--utilisation needs --rate (the queries a second)"),
        (["--price", "1"], "--price needs --rate (the queries a second)"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(effbench, tmp_path, options, said) -> None:
    write_results(tmp_path, rows=["big"], datasets=1)
    found = effbench("leaderboard", tmp_path, *options)
    assert found.exit_code == 2
    assert said in found.stderr


@pytest.fixture
def beside(effbench, tmp_path: Path):
    """Ask of two encoders and a retriever whose whole answer takes 4 ms."""
    rows, root = ["big", "small"], tmp_path / "beside"
    folder = write_results(root, rows=rows, datasets=1, retrievers={"scan": 4.0}, queries=99)
    return folder, lambda *options: effbench("leaderboard", root, *options).stdout


def test_a_budget_is_of_the_whole_answer_for_all_rows(beside) -> None:
    _, ask = beside
    found = ask("--budget", "5ms")
    assert "Ship scan: keeps 62.2% [" in found, "small takes 5.5 ms, encoding 5"
    assert found.endswith("  scan is a retriever, which has no encoder to export\n")
    assert "end to end p50 4 [4, 4] ms" in ask("--budget", "5ms")
    assert "left out" not in ask("--budget", "5ms")
    assert "Ship small through exact" in ask("--budget", "6ms")


def test_a_retriever_has_no_time_of_encoding(beside) -> None:
    _, ask = beside
    found = ask("--budget", "5ms", "--span", "encode")
    assert "Ship small through exact" in found
    assert "encode p50 5 [5, 5] ms" in found
    assert "  left out: no encode time: scan\n" in found


def test_the_best_encoder_beside_a_retriever_is_exported(effbench, tmp_path: Path) -> None:
    rows = ["small", "tiny"]
    write_results(tmp_path, rows=rows, datasets=1, retrievers={"scan": 4.0}, queries=99)
    for path in tmp_path.glob("*/*/*--2.json"):  # the retriever answers best
        best = {q: 0.95 for q in json.loads(path.read_text())["per_query"]["nDCG@10"]}
        record = json.loads(path.read_text())
        record |= {"per_query": {"nDCG@10": best}, "scores": {"nDCG@10": 0.95}}
        path.write_text(json.dumps(record))
    found = effbench("leaderboard", tmp_path, "--budget", "6ms").stdout
    assert "Ship scan: keeps 156.4% [" in found
    assert (
        "  scan is a retriever, which has no encoder to export; the best encoder within what "
        "was asked, tiny through exact: effbench export SUITE-FILE tiny DIR" in found
    )


def test_who_is_left_out_is_said(beside) -> None:
    folder, ask = beside
    (session,) = (folder / "latency").iterdir()
    session.unlink()
    cells = {f"data-0--{i}": {"end to end": [float(9 - i)] * 12} for i in range(2)}
    keys = {cell: f"key-{cell}" for cell in cells}
    write_session(folder, "data-0", cells, keys=keys, unsteady=["data-0--0"])
    found = ask("--keep", "0.1")
    assert "Ship small through exact" in found
    assert "  left out by a time that is not sure: big through exact (9 [9, 9] ms)\n" in found
    assert "  left out: no latency: scan\n" in found


def test_without_a_baseline_nothing_is_kept(effbench, tmp_path: Path) -> None:
    root = tmp_path / "alone"
    write_results(root, rows=[], datasets=1, retrievers={"scan": 4.0, "other": 3.0})
    found = effbench("leaderboard", root, "--budget", "5ms").stdout
    assert "Ship scan: nDCG@10 0." in found
    assert "baseline" not in found
    none = effbench("leaderboard", root, "--keep", "0.9").stdout
    assert "there is no baseline whose quality a row could keep" in none
