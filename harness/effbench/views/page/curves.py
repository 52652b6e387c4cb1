"""What the chart shows of each line wherever its point lies: name, colour, mark and curve.

A colour stands for a method: a row, or all rows of a sweep. A mark stands for an index.

A curve joins the rows of a sweep that differ in one option only. That option is the one with
the most values (the last of these), so that curves are long and few. Each combination of the
other options has its own curve, and all curves of a family have one colour. A curve follows the
order of the suite, not the order of the times: so it shows what the option does, also where a
larger value makes a row faster, or leaves its time as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.run.recorded import Sweep
from effbench.text.names import index_label

HUES = (
    "#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#439894", "#9e765f", "#d67195",
    "#b79a20", "#9ecae9", "#ffbf79", "#88d27a", "#ff9d98", "#d6a5c9", "#83bcb6", "#d8b5a5",
    "#fcbfd2", "#f2cf5b",
)  # fmt: skip
"""The colours of methods: those of Vega's scheme tableau20 without greys, dark ones first."""

OTHERS, GREY = "other rows", "#8b8b8b"
"""What a legend calls the methods that have no colour of their own, and their colour."""

SHAPES = (
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
    "triangle-left",
)  # fmt: skip
"""The marks of indexes; with more indexes than marks, they repeat."""

NO_INDEX = "no index"


class Palette(NamedTuple):
    """The methods in the order of `HUES`, and the indexes in the order of `SHAPES`."""

    methods: Sequence[str] = ()
    indexes: Sequence[str] = ()

    def applied(self, look: Mapping[str, Any]) -> dict[str, Any]:
        """Return the look of a line with the method by which it is coloured."""
        method = look["method"]
        return {**look, "method": method if method in self.methods else OTHERS}


def palette(looks: Sequence[Mapping[str, Any]], first: Collection[int] = ()) -> Palette:
    """Return the colours and the marks of lines.

    ``first`` are the numbers of the lines that get a colour before the others, if there are
    more methods than colours.
    """
    order = sorted(range(len(looks)), key=lambda number: number not in first)
    methods = list(dict.fromkeys(looks[number]["method"] for number in order))
    if len(methods) > len(HUES):
        methods = [*methods[: len(HUES)], OTHERS]
    return Palette(methods, sorted({look["index"] for look in looks}))


def looks(board: Board) -> list[dict[str, Any]]:
    """Return for each line its name, method and index, and its curve with the place on it.

    The last two are None for a line of no sweep.
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
                "method": line.sweep.family if line.sweep else line.row,
                "index": _index(line),
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


def _index(line: Line) -> str:
    """Return what the mark of a line stands for: its index, or the family of its index."""
    return line.index_sweep.family if line.index_sweep else line.index or NO_INDEX


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
