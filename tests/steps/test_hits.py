"""Plugins whose answers would be misread: the right number, or a failed cell that says so."""

from __future__ import annotations

import pytest

from altered import altered
from made_suites import MANY_DOCS, TOYS


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("distances", "scores that rise from one hit to the next (inner products, the best"),
        ("swapped", "scores of int64 and positions of float32 (floats and integers"),
        ("mask", "scores of float32 and positions of bool (floats and integers"),
        ("float positions", "scores of float32 and positions of float32"),
        ("gap", "scores that rise from one hit to the next (inner products, the best"),
        ("masked", "a MaskedArray (arrays of numbers in host memory are wanted)"),
        ("short", "scores [749, 100] and positions [749, 100] for 750 queries"),
    ],
)
def test_an_index_that_would_be_misread_is_refused_and_named(ran, wrong, message) -> None:
    odd = f"odd: {{use: odd-index, wrong: {wrong}}}"
    found, records = ran(altered(MANY_DOCS, "indexes: {", f"indexes: {{{odd}, "))
    assert found.exit_code == 1
    error = records["toy--words--odd"]["error"]
    assert error.startswith(f"index 'odd' (plugin hostile): search returned {message}")
    assert records["toy--words--plain"]["status"] == "done"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("rising", "scores that rise from one hit to the next for query 'q2'"),
        ("numbers", "(0, 1.0) for query 'q0' (a ScoredDoc is wanted: doc_id, which"),
        ("triples", "('d0', 1.0, 0) for query 'q0' (a ScoredDoc is wanted: doc_id, which"),
        ("filled again", "one list for several queries (return a new list for each"),
        ("huge", "a score that is no finite 32-bit float for query 'q0'"),
    ],
)
def test_a_retriever_that_would_be_misread_is_refused_and_named(ran, wrong, message) -> None:
    odd = f"retrievers: {{odd: {{use: odd-retriever, wrong: {wrong}}}}}\n"
    found, records = ran(MANY_DOCS + odd)
    assert found.exit_code == 1
    error = records["toy--odd"]["error"]
    assert error.startswith("retriever 'odd' (plugin hostile): search returned ")
    assert message in error


def test_a_doc_returned_twice_is_refused(run, records) -> None:
    assert run(altered(TOYS, "{use: scan}", "{use: scan, twice: true}")).exit_code == 1
    assert "returned a doc twice" in records()["toy--scan"]["error"]
