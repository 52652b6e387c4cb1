"""Queries and turns: what a session leaves to chance."""

from __future__ import annotations

import pytest

from effbench.latency import drawing

QUERIES = {f"q{i}": f"text {i}" for i in range(20)}


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
    due = drawing.arrival_times(5000, 1000.0, 1)
    assert due == sorted(due)
    assert due[-1] / 5000 == pytest.approx(1000, rel=0.05)
    assert due != drawing.arrival_times(5000, 1000.0, 2)
