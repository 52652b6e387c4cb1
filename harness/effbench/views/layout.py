"""Tables on a terminal. No text is cut: columns that do not fit are named below the table."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from effbench.board.latencies import UNSTABLE
from effbench.machine import facts
from effbench.text.printing import say
from effbench.views.render import brief_columns, columns_for_people, legend
from effbench.views.tables import MARKED, NAMES, Table
from effbench.views.terminal_columns import Column, plain, texts_of

LEAST = 3
"""The least number of columns in a table. If they do not fit, each row is a paragraph."""

NARROW = 4
"""The most columns of single datasets that are named as not shown, each by its name."""

GAP = "  "

MORE = "--columns NAME,NAME or --columns all shows them"


def show(tables: Sequence[Table]) -> None:
    """Print tables as wide as the terminal, or of any width into a pipe or a file.

    Raises:
        DiskError: the standard output cannot be written.

    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf
    machines = [table.machine for table in tables]
    for number, table in enumerate(tables):
        repeated = any(UNSTABLE in earlier.remarks for earlier in tables[:number])
        remarks = (text for text in table.remarks if not (repeated and text == UNSTABLE))
        named = replace(
            table,
            machine=facts.spelled(table.machine, machines),
            remarks=tuple(remarks),
        )
        say(*([""] if number else []), *table_lines(named, width))


def table_lines(table: Table, width: float = math.inf) -> Iterator[str]:
    """Yield the lines of a table: one or more grids, or a list of rows if a grid is too wide.

    ``width`` is in characters.
    """
    names = brief_columns(table)
    if {*names} <= {*NAMES} and not table.chosen:  # no row has a figure
        yield from (plain(f"{table.title}: no figures"), *table.remarks)
        return
    grids = [[Column.whole(table, name) for name in names]]
    if _room(grids[0]) > width:
        columns = [Column.folded(table, name) for name in names]
        grids = (_stacked if table.chosen else _fitting)(table, columns, width)
    yield plain(table.title)
    for number, grid in enumerate(grids):
        yield from [""] if number else []
        yield from _grid(grid)
    if grids:
        names = [column.name for grid in grids for column in grid]
    else:
        yield from ("", *_listed(table, names))
    yield from map(plain, legend(table))
    if hidden := _hidden(table, names):
        yield f"not shown: {', '.join(map(plain, hidden))} ({MORE})"
    yield from table.remarks


_Grids: TypeAlias = list[list[Column]]
"""The columns of each grid; empty if the least number of columns does not fit."""


def _stacked(_table: Table, columns: Sequence[Column], width: float) -> _Grids:
    """Return all columns, in as many grids as needed; each grid begins with the row names."""
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


def _fitting(table: Table, columns: Sequence[Column], width: float) -> _Grids:
    """Return a grid of the columns that fit, chosen by importance.

    Times are only shown if the column with their marks fits too: otherwise they would look
    reliable.
    """
    ranked = sorted(columns, key=lambda column: table.importance.index(column.name))
    if _room(ranked[:LEAST]) > width:
        return []
    fitting: list[Column] = []
    unmarked = any(column.name == MARKED for column in columns)
    for column in ranked:
        if _room([*fitting, column]) <= width and not (unmarked and _is_time(column.name)):
            fitting.append(column)
            unmarked = unmarked and column.name != MARKED
    return [[column for column in columns if column in fitting]]


def _is_time(name: str) -> bool:
    return name.endswith(" ms") or name.startswith(("queries/s", "speed-up"))


def _room(columns: Sequence[Column]) -> int:
    """Return the width that columns take side by side."""
    return sum(column.width + len(GAP) for column in columns) - len(GAP)


def _grid(columns: Sequence[Column]) -> Iterator[str]:
    if not columns:
        return
    tallest = max(len(column.head) for column in columns)
    heads = [[""] * (tallest - len(column.head)) + [*column.head] for column in columns]
    yield from _side_by_side(columns, heads)
    yield GAP.join("-" * column.width for column in columns)
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield from _side_by_side(columns, cells)


def _side_by_side(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    tallest = max(map(len, cells))
    parts = [
        column.lines([*cell, *[""] * (tallest - len(cell))])
        for column, cell in zip(columns, cells, strict=True)
    ]
    for line in zip(*parts, strict=True):
        yield GAP.join(line).rstrip()


def _listed(table: Table, names: Sequence[str]) -> Iterator[str]:
    """Yield a paragraph for each row: its name, then a line for each figure."""
    texts = {name: texts_of(table, name) for name in names if name != "row"}
    for number, row in enumerate(texts_of(table, "row")):
        yield row
        for name, cells in texts.items():
            if cells[number]:
                yield f"  {plain(name)}: {cells[number]}"
        yield ""


def _hidden(table: Table, names: Sequence[str]) -> list[str]:
    """Return the names of the columns for people that are not shown.

    If many columns of single datasets are hidden, one phrase stands for all of them.
    """
    hidden = [name for name in columns_for_people(table) if name not in names]
    single = [name for name in hidden if name in table.of_datasets]
    if len(single) <= NARROW:
        return hidden
    return [*(name for name in hidden if name not in single), "figures of single datasets"]
