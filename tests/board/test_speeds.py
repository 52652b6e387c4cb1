"""What moved of latencies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_changes import BUSY, edit, lowered, record, time
from made_records import write_results


@pytest.mark.parametrize(
    ("ms", "said", "code"),
    [
        (5.4, "10 figures compared, 0 moved", 0),
        (
            5.6,
            "worse  made small exact: speed-up encode 2 [2, 2] -> 1.79 [1.79, 1.79] (0.893 ",
            1,
        ),
        (5.8, "worse  made small exact: encode p50 ms 5 [5, 5] -> 5.8 [5.8, 5.8] (1.16 ", 1),
        (4.0, "better made small exact: speed-up encode", 0),
    ],
)
def test_speed_ups_move_by_more_than_ten_per_cent_and_times_by_fifteen(
    effbench, old: Path, new: Path, ms: float, said: str, code: int
) -> None:
    time(new, small=ms)
    found = effbench("diff", old, new)
    assert said in found.stdout
    assert ("small exact: encode p50 ms" in found.stdout) == (ms in (5.8, 4.0))
    assert found.exit_code == code


def test_a_baseline_that_slows_down_is_worse_and_no_other_row_is_better(
    effbench, old: Path, new: Path
) -> None:
    time(new, big=13.0)
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made big exact: encode p50 ms 10 [10, 10] -> 13 [13, 13]" in found.stdout
    assert "better" not in found.stdout
    assert (
        "not compared made: the baseline big exact moved itself: speed-up encode, speed-up end "
        "to end of small exact" in found.stdout
    )


def test_a_machine_that_slows_down_as_a_whole_is_taken_out(effbench, old, new) -> None:
    time(new, big=13.0, small=6.5, kernel_ns=1300)
    found = effbench("diff", old, new)
    assert (found.exit_code, found.stdout) == (0, "10 figures compared, 0 moved beyond noise\n")
    time(new, big=13.0, small=13.0, kernel_ns=1300, started="2026-11-26T01:00:00+00:00")
    found = effbench("diff", old, new)
    assert (
        "encode p50 ms 5 [5, 5] -> 13 [13, 13] (2 [2, 2] times at equal speed of the machine, "
        "which took 1.30 times as long)" in found.stdout
    )


def test_marked_latencies_are_not_compared_and_that_is_said(effbench, old, new) -> None:
    time(new, small=14.9, unsteady=BUSY)
    found = effbench("diff", old, new)
    assert found.exit_code == 0
    assert found.stdout == (
        "4 figures compared, 0 moved beyond noise; 6 could not be compared\n"
        "not compared made: latency unstable in the new results (such as in 100% of its blocks "
        "the machine's speed changed (data-0)): encode p50 ms, end to end p50 ms, speed-up "
        "encode, speed-up end to end of big exact, small exact\n"
    )
    back = effbench("diff", new, old).stdout
    assert "latency unstable in the old results" in back
    assert "latency unstable in both results" in effbench("diff", new, new).stdout


def test_what_noise_hardly_explains_is_said_of_marked_latencies(effbench, old, new) -> None:
    time(new, small=30.0, unsteady=BUSY)
    found = effbench("diff", old, new)
    assert found.exit_code == 0, "it is not sure"
    assert (
        "perhaps worse made small exact: encode p50 ms 5 -> 30 (6 [6, 6] times): beyond the 3 "
        "times that a busy machine explains, but not sure (latency unstable in the new results)"
        in found.stdout
    )
    told = json.loads(effbench("diff", old, new, "--json").stdout)["not_compared"]
    (one,) = [one for one in told if (one["where"], one["what"]) == WHICH]
    assert (one["perhaps"], one["old"], one["new"], one["tolerance"]) == ("worse", 5, 30, 3)
    assert one["ratio"] == {"value": 6, "low": 6, "high": 6}
    assert "perhaps better made small exact" in effbench("diff", new, old).stdout


WHICH = "small exact", "encode p50 ms"


def test_too_few_processes_for_an_interval_are_said(effbench, tmp_path: Path) -> None:
    for name, ms in (("old", 5.0), ("new", 9.0)):
        folder = write_results(tmp_path / name, rows=["big", "small"], datasets=1)
        shutil.rmtree(folder / "latency")
        time(tmp_path / name, small=ms, processes=2)
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    why = "fewer than 3 processes have steady times (raise latency's processes) in both results"
    assert why in found.stdout
    assert "4 figures compared, 0 moved beyond noise; 6 could not be compared" in found.stdout


def test_another_baseline_and_new_rows_are_said(effbench, old: Path, tmp_path: Path) -> None:
    write_results(tmp_path / "new", rows=["small", "big", "more"], datasets=1, queries=60)
    found = effbench("diff", old, tmp_path / "new")
    assert "over another baseline: big exact, now small exact: speed-up" in found.stdout
    assert "no such row in the old results: encode p50 ms, end to end p50 ms" in found.stdout
    assert "not done in the old results: nDCG@10 of data-0--2" in found.stdout


def test_another_machine_is_compared_by_scores_alone(effbench, old: Path, new: Path) -> None:
    (folder,) = new.iterdir()
    folder.rename(new / "another-machine")
    edit(record(new, 1), lowered(0.05))

    def change(content: dict) -> None:
        content["per_query"]["nDCG@10"]["q0"] += 0.01

    edit(record(new, 0), change)  # of the same key, but trained on another machine
    found = effbench("diff", old, new, "--json")
    facts = json.loads(found.stdout)
    assert [(one["where"], one["what"]) for one in facts["moved"]] == [("data-0--1", "nDCG@10")]
    reasons = {one["where"]: one["why"] for one in facts["not_compared"]}
    assert reasons["big exact"] == "measured on a-machine and on another-machine"


def test_a_retriever_that_slows_down_is_worse_end_to_end(effbench, tmp_path: Path) -> None:
    for name, ms in (("old", 2.0), ("new", 4.0)):
        write_results(tmp_path / name, rows=["big"], datasets=1, retrievers={"scan": ms})
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    assert "worse  made scan: speed-up end to end 5.25 [5.25, 5.25] -> 2.62" in found.stdout
    assert "worse  made scan: end to end p50 ms 2 [2, 2] -> 4 [4, 4]" in found.stdout
    assert "encode" not in found.stdout, "it never had a time of encoding"
