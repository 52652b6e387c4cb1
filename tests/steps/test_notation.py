"""The notation of measures: what ir_measures reads, on every Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from effbench.steps.notation import measure_of

SPELLED = (
    "nDCG@10", "RR", "R@1000", "nDCG(dcg='exp-log2')@10", "RBP(p=0.5, rel=2)@20", "P(rel=2)@5",
    "nDCG(gains={0: 0, 1: 3})@10", "nDCG(judged_only=True)@10", "RR ", "RR\n",
    "nDCG(nothing=1)@10",
)  # fmt: skip
NONE = (
    "", "nDCG@", "nDCG@-1", "nDCG@[1]", "nDCG(10)", " RR", "none@10", "nDCG; RR",
    "nDCG = 1", "a.nDCG@10", "nDCG(**{'rel': 1})@10", "nDCG(rel=x)@10", "nDCG@10@10", "1@10",
    "nDCG(gains={**x})@10",
)  # fmt: skip


MISSPELLED = (NameError, ValueError, SyntaxError, TypeError)


def facts(read: Callable[[str], Any], text: str) -> tuple[str, dict[str, Any]] | None:
    """Return a measure's name and parameters, or None where there is none."""
    try:
        measure = read(text)
    except MISSPELLED:
        return None
    return measure.NAME, measure.params


@pytest.mark.parametrize("text", [*SPELLED, *NONE])
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="ir_measures cannot read there")
@pytest.mark.filterwarnings("ignore:.*ast:DeprecationWarning")
def test_it_reads_what_ir_measures_reads(text: str) -> None:
    import ir_measures

    assert facts(measure_of, text) == facts(ir_measures.parse_measure, text)
    assert (facts(measure_of, text) is not None) == (text in SPELLED)


def test_it_needs_nothing_that_python_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("ast.Num", raising=False)  # as in Python 3.14
    assert str(measure_of("nDCG(dcg='exp-log2')@10")) == "nDCG(dcg='exp-log2')@10"
