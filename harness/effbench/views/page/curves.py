"""The curves of a chart: a curve joins the rows of a sweep that differ in one option only.

That option is the one with the most values (the last of these), so that curves are long and
few. Each combination of the other options has its own curve, and all curves of a family have
one colour. A curve follows the order of the suite, not the order of the times: so it shows what
the option does, also where a larger value makes a row faster, or leaves its time as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.run.recorded import Sweep
from effbench.text.names import index_label


def looks(board: Board) -> list[dict[str, Any]]:
    """Return for each line what the chart shows of it wherever its point lies.

    These are its name, colour and kind; and the name of its curve with the place on it, which
    are None for a line of no sweep.
    """
    varied = _varied(board)
    several = len({line.index for line in board.lines if line.index}) > 1
    places = {cell: place for place, cell in enumerate(board.collected.suite.cells)}
    drawn = []
    for line in board.lines:
        swept = sweep_of(line)
        cells = (places.get(record.cell, len(places)) for record in line.records.values())
        by_index = line.sweep is None and line.index_sweep is not None
        drawn.append(
            {
                "name": line.row + f" ({line.index})" * by_index,
                "colour": f"{swept.family} (sweep)" if swept else line.index or "no index",
                "kind": "encoder" if line.index else "retriever",
                "curve": _curve(line, swept, varied[swept.family, by_index], several)
                if swept
                else None,
                "place": min(cells, default=len(places)) if swept else None,
            }
        )
    return drawn


def sweep_of(line: Line) -> Sweep | None:
    """Return the sweep whose curve has a line: that of its row, else that of its index."""
    return line.sweep or line.index_sweep


def _varied(board: Board) -> Mapping[tuple[str, bool], str]:
    """Return (family, whether of indexes) -> its option with the most values."""
    labels: dict[tuple[str, bool], dict[str, set[str]]] = {}
    for line in board.lines:
        if swept := sweep_of(line):
            of_family = labels.setdefault((swept.family, line.sweep is None), {})
            for option, label in swept.settings.items():
                of_family.setdefault(option, set()).add(label)
    return {
        family: max(reversed(known), key=lambda option: len(known[option]))
        for family, known in labels.items()
    }


def _curve(line: Line, swept: Sweep, varied: str, several: bool) -> str:
    """Return the name of a line's curve: the line's own without the option that varies.

    ``several`` tells whether the board has several indexes.
    """
    settings = {o: label for o, label in swept.settings.items() if o != varied}
    family = index_label(swept.family, settings)
    if line.sweep is None:
        rest = line.index.removeprefix(index_label(swept.family, swept.settings))
        return f"{line.row} ({family}{rest})"
    return f"{family} ({line.index})" if line.index and several else family
