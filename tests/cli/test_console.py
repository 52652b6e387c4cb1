"""How progress is shown: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from effbench.cli.console import Terminal


def test_lines_come_by_themselves_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    with (
        Terminal(Console(file=file), every=0.01) as terminal,
        terminal.work("encode", 5, "docs") as work,
    ):
        work(2)
        while file.getvalue().count("\n") < 3:  # for ever, if none comes
            pass
    assert file.getvalue().startswith("encode: 2/5 docs, ")
    assert file.getvalue().endswith("\n")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_bar_cuts_no_figure(width: int) -> None:
    file, now = io.StringIO(), [0.0]
    to = Console(file=file, force_terminal=True, force_interactive=True, width=width)
    label = "encode sentence-transformers/all-MiniLM-L6-v2 corpus of beir/webis-touche2020/v2"
    with (
        Terminal(to, clock=lambda: now[0]) as terminal,
        terminal.work(label, 382_545, "docs") as w,
    ):
        now[0] = 250.0
        w(1000)
        with terminal.work("and so on", 1, "docs"):  # which draws both
            pass
    assert "1,000/382,545 docs, 4.0 docs/s, 26 h 30 min left" in file.getvalue()
    assert ("…" in file.getvalue()) == (width < 200)
