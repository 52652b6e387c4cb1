"""Cores and cost a month for a rate of queries, on made records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_answers import change, time_rows
from made_records import write_results

ASKED = ("--rate", "300", "--price", "0.05")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three rows that take 10.5, 5.5 and 3.5 ms, and twice as long for a tenth of queries."""
    folder = write_results(tmp_path, rows=["big", "middle", "small"], datasets=1, queries=99)
    time_rows(folder, {0: 10.5, 1: 5.5, 2: 3.5})
    return folder


@pytest.fixture
def ask(effbench, results: Path):
    def asked(*options: str, code: int = 0) -> str:
        found = effbench("leaderboard", results, *options)
        assert found.exit_code == code, found.output
        return found.stdout if code < 2 else found.stderr

    return asked


def test_cores_follow_from_the_mean_time_and_the_utilisation(ask) -> None:
    found = ask(*ASKED)
    # the means are 11.55, 6.05 and 3.85 ms: 300 queries keep 3.47, 1.82 and 1.16 cores busy
    assert "    big through exact: 7 cores, 255.50 a month (closed loop, 50% busy)\n" in found
    assert (
        "    middle through exact: 4 cores, 146.00 a month (closed loop, 50% busy)\n" in found
    )
    assert "    small through exact: 3 cores, 109.50 a month (closed loop, 50% busy)\n" in found
    assert "; for 300 queries/s: 7 cores, 255.50 a month\n" in found, "the best row, big"
    busier = ask(*ASKED, "--utilisation", "100%")
    assert (
        "    small through exact: 2 cores, 73.00 a month (closed loop, 100% busy)\n" in busier
    )
    assert "    small through exact: 3 cores (closed loop, 50% busy)\n" in ask("--rate", "300")


def test_a_row_has_one_process_at_least_with_all_its_threads(ask, results: Path) -> None:
    time_rows(results, {0: 10.5, 1: 5.5, 2: 3.5}, threads=4)
    assert "    small through exact: 4 cores (closed" in ask("--rate", "1")
    assert "    small through exact: 12 cores (closed" in ask("--rate", "300")


def test_a_measured_open_loop_counts_up_to_the_utilisation(ask, results: Path) -> None:
    time_rows(results, {0: 10.5, 1: 5.5, 2: 3.5}, open_loop=True)  # 40 queries/s at 50 %
    measured = "(open loop at 50%, response p50 7 ms, p95 14 ms)"
    assert f"    small through exact: 8 cores {measured}\n" in ask("--rate", "300")
    less = ask("--rate", "300", "--utilisation", "0.4")
    assert "    small through exact: 3 cores (closed loop, 40% busy)\n" in less
    more = ask("--rate", "300", "--utilisation", "0.9")
    assert f"    small through exact: 8 cores {measured}\n" in more


def test_where_no_core_can_be_counted_the_reason_stands(ask, results: Path) -> None:
    time_rows(results, {0: 10.5, 1: 5.5}, caching=[1])
    found = ask(*ASKED)
    assert "    middle through exact: latency keeps answers\n" in found
    assert "    small through exact: no latency\n" in found
    time_rows(results, {0: 10.5}, device="cuda")
    found = ask("--rate", "300")
    assert "    big through exact: measured with a GPU, whose price no core has\n" in found
    assert "queries/s: measured with a GPU" in found


def test_programs_get_numbers(ask, results: Path) -> None:
    time_rows(results, {0: 10.5, 1: 5.5})
    (facts,) = json.loads(ask("--keep", "0.7", *ASKED, "--format", "json"))
    assert facts["asked"]["rate"] == 300
    assert facts["asked"]["utilisation"] == 0.5
    needs = {
        one["row"]: (one["cores"], one["cost_a_month"], one["source"]) for one in facts["needs"]
    }
    assert needs["middle"] == (4, pytest.approx(146), "closed loop, 50% busy")
    assert needs["small"] == (None, None, "no latency")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--rate", "9/s"),
            "--rate 9/s: not a number above 0 (write the queries a second: 250)",
        ),
        (("--rate", "nan"), "--rate nan: not a number above 0"),
        (("--rate", "9", "--price", "2EUR"), "--price 2EUR: not a number above 0 (write 0.04)"),
        (
            ("--rate", "9", "--utilisation", "2"),
            "--utilisation 2: not a share above 0 and up to 1 (write 0.5 or 50%)",
        ),
        (("--price", "2"), "--price needs --rate (the queries a second)"),
        (("--rate", "9", "--columns", "kept"), "--budget, --keep and --rate name a row"),
    ],
)
def test_what_is_no_demand_is_one_line(ask, options: tuple[str, ...], problem: str) -> None:
    assert problem in ask(*options, code=2)


def test_a_process_that_is_just_enough_is_enough(ask, results: Path) -> None:
    time_rows(results, {0: 10 / 1.1})  # a mean of 10 ms: at 50 %, 50 queries/s a process
    change(results, 0)
    assert "big through exact: 3 cores (closed" in ask("--rate", "150")
    assert "big through exact: 4 cores (closed" in ask("--rate", "150.1")
