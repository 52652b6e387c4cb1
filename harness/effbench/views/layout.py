"""Tables on a terminal. Nothing is cut: columns for which there is no room are named below."""

from __future__ import annotations

import math
import shutil
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from rich.cells import cell_len

from effbench.board.latencies import UNSTABLE
from effbench.machine import facts
from effbench.text.printing import harmless, say
from effbench.views.render import TEXTS, baseline_said, for_people, shown
from effbench.views.tables import MARKED, NAMES, Table

LEAST = 3
"""The most important columns: where they have no room, rows are listed one after another."""

LINES = 2
"""Of a cell of words: it is broken at blanks where there is no room for all columns."""

HEAD = 3
"""Lines of a heading, likewise."""

NARROW = 4
"""Columns of single datasets beyond which none is shown unless it is asked for."""

GAP = "  "

MORE = "--columns NAME,NAME or --columns all shows them"


def show(tables: Sequence[Table]) -> None:
    """Print tables, as wide as the terminal is; a pipe or a file has no width.

    Raises:
        DiskError: the standard output takes no more.

    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf
    machines = [table.machine for table in tables]
    for number, table in enumerate(tables):
        said = [one for before in tables[:number] for one in before.remarks if one == UNSTABLE]
        named = replace(
            table,
            machine=facts.spelled(table.machine, machines),
            remarks=tuple(one for one in table.remarks if one not in said),
        )
        say(*([""] if number else []), *drawn(named, width))


def drawn(table: Table, width: float = math.inf) -> Iterator[str]:
    """Yield the lines of a table: a grid or some, or a list of rows where that is too wide."""
    names = _ordinary(table)
    if {*names} <= {*NAMES} and not table.chosen:  # no row has a figure
        yield from (_plain(f"{table.suite} on {table.machine}: no figures"), *table.remarks)
        return
    grids = [[_Column.whole(table, name) for name in names]]
    if _room(grids[0]) > width:
        columns = [_Column.folded(table, name) for name in names]
        grids = (_stacked if table.chosen else _fitting)(table, columns, width)
    yield _plain(f"{table.suite} on {table.machine}")
    for number, grid in enumerate(grids):
        yield from [""] if number else []
        yield from _grid(grid)
    if grids:
        names = [column.name for grid in grids for column in grid]
    else:
        names = [name for name in names if name in (table.chosen or table.importance)]
        yield from ("", *_listed(table, names))
    yield from map(_plain, baseline_said(table))
    if hidden := _hidden(table, names):
        yield f"not shown: {', '.join(map(_plain, hidden))} ({MORE})"
    yield from table.remarks


@dataclass(frozen=True)
class _Column:
    """A heading and cells, each of some lines."""

    name: str
    head: Sequence[str]
    cells: Sequence[Sequence[str]]

    @classmethod
    def whole(cls, table: Table, name: str) -> _Column:
        """Return a column whose cells are one line each."""
        return cls(name, [_plain(name)], [[text] for text in _texts(table, name)])

    @classmethod
    def folded(cls, table: Table, name: str) -> _Column:
        """Return a narrow column: an interval stands below its figure; no name is broken."""
        texts, head = _texts(table, name), _plain(name)
        if name in TEXTS and name != "row":
            room = max(_narrowest(text, LINES) for text in (*texts, ""))
            cells = [_broken(text, room) for text in texts]
        else:
            cells = [text.replace(" [", "\n[").split("\n") for text in texts]
            room = _widest(cells)
        return cls(name, _broken(head, max(room, _narrowest(head, HEAD))), cells)

    @cached_property
    def width(self) -> int:
        """Characters of its widest line; one of Chinese takes two."""
        return _widest([self.head, *self.cells])

    def lines(self, cell: Sequence[str]) -> list[str]:
        """Return the lines of a cell, all as wide as the column."""
        blanks = [" " * (self.width - cell_len(line)) for line in cell]
        left = self.name in TEXTS
        return [
            line + blank if left else blank + line
            for line, blank in zip(cell, blanks, strict=True)
        ]


_Grids: TypeAlias = list[list[_Column]]
"""None where the least does not fit."""


def _stacked(_table: Table, columns: Sequence[_Column], width: float) -> _Grids:
    """Return all columns, in further grids where one has no room; each says the rows."""
    heads = [column for column in columns if column.name in NAMES]
    grids = [heads]
    for column in columns:
        if column in heads:
            continue
        if _room([*grids[-1], column]) > width and grids[-1] != heads:
            grids.append(heads)
        grids[-1] = [*grids[-1], column]
    few = len(grids) == 1 or 2 * len(grids) <= len(columns) - len(heads)
    return grids if few and all(_room(grid) <= width for grid in grids) else []


def _fitting(table: Table, columns: Sequence[_Column], width: float) -> _Grids:
    """Return the columns for which there is room, the more important ones first.

    No time is shown where its mark has no room: it would look sure.
    """
    means = (column.name for column in columns if column.name not in table.of_datasets)
    order = list(dict.fromkeys((*table.importance, *means, *table.of_datasets)))
    ranked = sorted(columns, key=lambda column: order.index(column.name))
    if _room(ranked[:LEAST]) > width:
        return []
    fitting: list[_Column] = []
    unmarked = any(column.name == MARKED for column in columns)
    for column in ranked:
        if _room([*fitting, column]) <= width and not (unmarked and _is_time(column.name)):
            fitting.append(column)
            unmarked = unmarked and column.name != MARKED
    return [[column for column in columns if column in fitting]]


def _is_time(name: str) -> bool:
    return name.endswith(" ms") or name.startswith(("queries/s", "speed-up"))


def _room(columns: Sequence[_Column]) -> int:
    return sum(column.width + len(GAP) for column in columns) - len(GAP)


def _grid(columns: Sequence[_Column]) -> Iterator[str]:
    if not columns:
        return
    tallest = max(len(column.head) for column in columns)
    heads = [[""] * (tallest - len(column.head)) + [*column.head] for column in columns]
    yield from _side_by_side(columns, heads)
    yield GAP.join("-" * column.width for column in columns)
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield from _side_by_side(columns, cells)


def _side_by_side(columns: Sequence[_Column], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    tallest = max(map(len, cells))
    parts = [
        column.lines([*cell, *[""] * (tallest - len(cell))])
        for column, cell in zip(columns, cells, strict=True)
    ]
    for line in zip(*parts, strict=True):
        yield GAP.join(line).rstrip()


def _listed(table: Table, names: Sequence[str]) -> Iterator[str]:
    """Yield a paragraph a row: its name, and a line a figure."""
    texts = {name: _texts(table, name) for name in names if name != "row"}
    for number, row in enumerate(_texts(table, "row")):
        yield row
        for name, own in texts.items():
            if own[number]:
                yield f"  {_plain(name)}: {own[number]}"
        yield ""


def _ordinary(table: Table) -> list[str]:
    """Return the columns that are shown if there is room."""
    names = for_people(table)
    single = [name for name in names if name in table.of_datasets]
    few = table.chosen or len(single) <= NARROW
    return [name for name in names if few or name not in single]


def _hidden(table: Table, names: Sequence[str]) -> list[str]:
    """Return what to call the columns for people that are not shown."""
    hidden = [name for name in for_people(table) if name not in names]
    single = [name for name in hidden if name in table.of_datasets]
    if len(single) <= NARROW:
        return hidden
    return [*(name for name in hidden if name not in single), "figures of single datasets"]


def _texts(table: Table, name: str) -> list[str]:
    return [_plain(shown(table, line, name)) for line in table.lines]


def _plain(text: str) -> str:
    return harmless(" ".join(text.split()))


def _widest(parts: Sequence[Sequence[str]]) -> int:
    return max((cell_len(line) for part in parts for line in part), default=0)


def _narrowest(text: str, lines: int) -> int:
    """Return the width at which a text, broken at blanks, has no more lines."""
    least = max(map(cell_len, text.split(" ")))
    widths = range(least, cell_len(text))
    return least + bisect_left(widths, True, key=lambda w: len(_broken(text, w)) <= lines)


def _broken(text: str, width: int) -> list[str]:
    """Return the lines of a text that is broken at blanks; no word is broken."""
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
