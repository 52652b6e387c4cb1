"""What a user chooses of a leaderboard: its columns, and its baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from effbench.api.errors import EffbenchError
from effbench.board.collected import Collected
from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.run.recorded import SuiteFacts
from effbench.run.records import suite_facts
from effbench.statistics.row_latency import RowLatency
from effbench.text.suggestions import suggest
from effbench.text.words import plain_line
from effbench.views.render import BOUNDS, for_people, over_baseline
from effbench.views.tables import NAMES, Table, table

if TYPE_CHECKING:
    from effbench.plan.cells import Plan

ALL = "all"
"""Stands for every column that has something."""


def select(tables: Sequence[Table], asked: Sequence[str]) -> list[Table]:
    """Return tables of the columns asked for, each of those that it has; all if none is."""
    if ALL in asked:
        whole = [replace(own, details=("baseline",)) for own in tables]  # a line below says it
        return [replace(own, chosen=tuple(for_people(own))) for own in whole]
    return [_selected(own, asked) for own in tables] if asked else list(tables)


def check(asked: Sequence[str], known: Iterable[str]) -> None:
    """Refuse a column that no table has.

    Raises:
        EffbenchError: one of ``asked`` is not known.

    """
    names = {*known, ALL}
    figures = [name for name in names if not name.endswith(tuple(f" {end}" for end in BOUNDS))]
    for name in asked:
        if name not in names and _mean(name) not in names:
            said = f"--columns {plain_line(name, 60)}: no such column"
            raise EffbenchError(f"{said} ({suggest(name, figures)})")


def columns_to_come(plan: Plan) -> list[str]:
    """Return the columns that the leaderboard of a suite can have, before it has run."""
    facts = msgspec.convert(suite_facts(plan), SuiteFacts)
    nothing = Collected("", facts, [], {}, {}, [], [])
    board = Board(nothing, [Line("", "", {})], [RowLatency([])], [RowLatency([])], [[]], [], [])
    sizes = plan.suite.latency.batches if plan.suite.latency else ()
    return [*table(board).columns, *(f"queries/s at {size}" for size in sizes)]


def with_baseline(boards: Sequence[Board], row: str) -> list[Board]:
    """Return boards whose baseline is this row; one that lacks it keeps its own, and says so.

    Raises:
        EffbenchError: none has it.

    """
    known = {line.row: None for board in boards for line in board.lines}
    if row not in known:
        raise EffbenchError(
            f"--baseline {plain_line(row, 60)}: no such row ({suggest(row, known)})"
        )
    said = f"the baseline is the suite's: there is no row {row} here"
    return [
        replace(board, chosen_baseline=row, _standings={})
        if row in {line.row for line in board.lines}
        else replace(board, remarks=[*board.remarks, said])
        for board in boards
    ]


def _selected(table: Table, asked: Sequence[str]) -> Table:
    names = [name if name in table.columns else _mean(name) for name in asked]
    there = [name for name in names if name in table.columns]
    whose = [name for name in NAMES if any(line.get(name) for line in table.lines)]
    asked_for = {*NAMES} & {*there} == {*whose}  # then in the order asked for, else in ours
    chosen = tuple(dict.fromkeys(there if asked_for else (*whose, *there)))
    depends = any(map(over_baseline, chosen))
    baseline = [name for name in table.columns if depends and name == "baseline"]
    return replace(table, columns=(*chosen, *baseline), chosen=chosen)


def _mean(name: str) -> str:
    """Return what a measure's column is called where there are several datasets."""
    return f"mean {name}"
