"""The options --columns and --baseline of leaderboards: what the user chooses to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from effbench.api.errors import EffbenchError
from effbench.board.collected import Collected
from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.run.recall import measures_of
from effbench.run.recorded import SuiteFacts, Sweep
from effbench.run.records import suite_facts
from effbench.statistics.row_latency import RowLatency
from effbench.text.suggestions import naming, suggest
from effbench.text.words import plain_line
from effbench.views.render import BOUNDS, columns_for_people, depends_on_baseline
from effbench.views.sweeps import merged
from effbench.views.tables import NAMES, Table, exact_hits, table
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.plan.cells import Plan

ALL = "all"
"""The word that stands for all columns that are not empty."""


def select(tables: Sequence[Table], asked: Sequence[str]) -> list[Table]:
    """Return tables with the columns in ``asked`` that they have; unchanged if it is empty.

    A part of a leaderboard that has none of the columns is left out.
    """
    if ALL in asked:
        # a line below the table names the baseline
        whole = [replace(table, details=("baseline",)) for table in tables]
        return [replace(table, chosen=tuple(columns_for_people(table))) for table in whole]
    chosen = [_selected(table, asked) for table in tables] if asked else list(tables)
    figures = {*asked} - {*NAMES}
    return [t for t in chosen if not (t.part and figures and {*t.chosen} <= {*NAMES})]


def check(asked: Sequence[str], known: Iterable[str]) -> None:
    """Refuse a column that no table has.

    Raises:
        EffbenchError: a name in ``asked`` is not in ``known``.

    """
    names = {*known, ALL}
    figures = [name for name in names if not name.endswith(tuple(f" {end}" for end in BOUNDS))]
    for name in asked:
        if name not in names and _mean(name) not in names:
            problem = f"--columns {plain_line(name, 60)}: no such column"
            raise EffbenchError(f"{problem} ({suggest(name, figures)})")


def columns_to_come(plan: Plan) -> list[str]:
    """Return the columns that the leaderboard of a suite can have after the suite has run."""
    facts = msgspec.convert(suite_facts(plan), SuiteFacts)
    nothing = Collected("", facts, [], {}, {}, [], [])
    rows = [cell.row for cell in plan.cells]
    indexes = [cell.index for cell in plan.cells if cell.index]
    line = Line("", "", {}, merged(map(_sweep, rows)), merged(map(_sweep, indexes)))
    board = Board(nothing, [line], [RowLatency([])], [RowLatency([])], [[]], [], [])
    recall = [exact_hits(measure) for measure in measures_of(plan)]
    sizes = plan.suite.latency.batches if plan.suite.latency else ()
    return [*table(board).columns, *recall, *(f"queries/s at {size}" for size in sizes)]


def _sweep(row: Row) -> Sweep:
    return Sweep(row.family, dict(row.settings))


def with_baseline(boards: Sequence[Board], row: str) -> list[Board]:
    """Return boards with this row as baseline.

    A board without the row keeps the suite's baseline, and gets a remark.

    Raises:
        EffbenchError: no board has the row.

    """
    known = {
        line.row: line.sweep.family if line.sweep else line.row
        for board in boards
        for line in board.lines
    }
    if row not in known:
        raise EffbenchError(
            f"--baseline {plain_line(row, 60)}: no such row ({naming(row, known)})"
        )
    remark = f"the baseline is the suite's: there is no row {row} here"
    return [
        replace(board, chosen_baseline=row, _standings={})
        if row in {line.row for line in board.lines}
        else replace(
            board,
            remarks=[*board.remarks, remark],
            latency_remarks=[*board.latency_remarks, remark],
        )
        for board in boards
    ]


def _selected(table: Table, asked: Sequence[str]) -> Table:
    """Return a table with the columns in ``asked`` that it has, and with the names of its rows.

    The names come first, unless the user chose a place for all of them.
    """
    names = [name if name in table.columns else _mean(name) for name in asked]
    present = [name for name in names if name in table.columns]
    row_names = [name for name in NAMES if any(line.get(name) for line in table.lines)]
    placed = {*NAMES} & {*present} == {*row_names}
    chosen = tuple(dict.fromkeys(present if placed else (*row_names, *present)))
    depends = any(map(depends_on_baseline, chosen))
    baseline = [name for name in table.columns if depends and name == "baseline"]
    return replace(table, columns=(*chosen, *baseline), chosen=chosen)


def _mean(name: str) -> str:
    """Return the name of a measure's column if there are several datasets."""
    return f"mean {name}"
