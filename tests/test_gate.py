"""The noise gate, queries and turns: what a session leaves to chance and to the machine."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from effbench.latency import drawing
from effbench.latency.gate import Load, read_system, unsteady
from effbench.latency.samples import Block, read_session
from effbench.statistics.figures import by_length
from effbench.statistics.trust import stability_of

STEADY = Block(0, 0, 0, 0, (1000, 1040), 0.01, 0, 3, 0.2)
QUERIES = {f"q{i}": f"text {i}" for i in range(20)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"kernel_ns": (1000, 1060)}, "the machine's speed changed"),
        ({"kernel_ns": (1060, 1000)}, "the machine's speed changed"),
        ({"stolen": 0.03}, "other virtual machines took the processor"),
        ({"throttled": 1}, "the processor was throttled"),
        ({"busy_cores": 0.3}, "other processes kept a core busy"),
    ],
)
def test_what_makes_a_block_unsteady(change, reason) -> None:
    assert unsteady(STEADY._replace(**change)) == reason


def test_what_other_processes_take_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        load, mine = Load(lambda: []), Load(lambda: [other.pid])
        time.sleep(1)
        found, without = load.busy_cores(), mine.busy_cores()
        other.kill()
    assert found > 0.2
    assert without < found, "those that measure are not counted"


def test_the_system_is_read_wherever_it_runs() -> None:
    reading = read_system()
    assert 0 <= reading.stolen <= reading.all


def test_no_query_comes_twice_before_all_have_come() -> None:
    timed, warm = drawing.draw(QUERIES, 50, 5)
    ids = [query for query, _ in timed]
    assert sorted(ids[:20]) == sorted(ids[20:40]) == sorted(QUERIES)
    assert len(set(ids[40:])) == 10
    assert all(QUERIES[query] == text for query, text in timed)
    assert drawing.draw(QUERIES, 50, 5) == (timed, warm)
    assert drawing.draw(dict(reversed(QUERIES.items())), 50, 5)[0] == timed


def test_the_warm_up_is_of_other_queries_where_there_are_enough() -> None:
    timed, warm = drawing.draw(QUERIES, 8, 12)
    assert len(warm) == 12
    assert not set(warm) & {text for _, text in timed}
    timed, warm = drawing.draw(QUERIES, 19, 12)
    assert len(warm) == 12
    assert set(warm) < {text for _, text in timed}


def test_equal_texts_are_one_query() -> None:
    timed, _ = drawing.draw({"a": "same", "b": "same", "c": "other"}, 2, 1)
    assert sorted(timed) == [("a", "same"), ("c", "other")]


def test_over_two_rounds_no_row_comes_earlier_than_another() -> None:
    first, second, third = (drawing.turns("ABCD", 3, block) for block in (4, 5, 6))
    assert first == second[::-1]
    assert sorted(third) == list("ABCD")
    assert len({tuple(drawing.turns("ABCD", process, 0)) for process in range(20)}) > 5


def test_arrivals_are_as_far_apart_as_asked_on_average() -> None:
    due = drawing.arrivals(5000, 1000.0, 1)
    assert due == sorted(due)
    assert due[-1] / 5000 == pytest.approx(1000, rel=0.05)
    assert due != drawing.arrivals(5000, 1000.0, 2)


def test_processes_that_differ_make_a_row_unstable(tmp_path) -> None:
    from made_sessions import write_session

    path = write_session(tmp_path, "toy", {"a": {"encode": [1.0] * 12}}, processes=4)
    session = read_session(path)
    assert stability_of(session, "a").complaint == ""
    slow = session.columns["process"] == 3
    session.columns["ns"][slow] *= 2
    assert stability_of(session, "a").complaint == "its processes differ by 50%"


def test_lengths_are_in_buckets_that_double(tmp_path) -> None:
    from made_sessions import write_session

    ms = [1.0] * 12 + [2.0] * 12 + [3.0] * 12 + [9.0] * 3
    words = [8] * 12 + [9] * 6 + [16] * 6 + [17] * 12 + [100] * 3
    path = write_session(tmp_path, "toy", {"a": {"encode": ms}}, words=words)
    found = by_length(read_session(path), "a", "encode")
    assert {bucket: one.value for bucket, one in found.items()} == {
        "1-8": 1.0,
        "9-16": 2.0,
        "17-32": 3.0,
    }
