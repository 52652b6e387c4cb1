"""The facts of a record as they are drawn."""

from __future__ import annotations

from rich.cells import cell_len

from effbench.views import showing


def test_facts_of_a_record_line_up() -> None:
    lines = showing.lines({"models": {"中文": {"loss": 0.5}, "plain": {"loss": 0.5}}})
    assert {cell_len(line.removesuffix("0.5000")) for line in lines} == {41}
