"""The leaderboard: reads records, compares only what may be compared, measures nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from effbench.board import latencies
from effbench.board import published as others
from effbench.board import remarks as said
from effbench.board.collected import Collected, collect
from effbench.board.lines import Line, lines_of
from effbench.board.standings import Standing, standings
from effbench.run.recorded import SuiteFacts
from effbench.statistics.row_latency import RowLatency
from effbench.text.printing import one_line

MEAN = "mean"
"""Stands for all units together."""


@dataclass(frozen=True, eq=False)
class Board:
    """One suite on one machine."""

    collected: Collected
    lines: Sequence[Line]
    """Best first by the first measure; those that are not ranked come last."""

    measured: Sequence[RowLatency]
    """Each line's latencies; none where one of the datasets lacks them."""

    timed: Sequence[RowLatency]
    """Each line's latencies on whichever datasets have them."""

    missing: Sequence[Sequence[str]]
    """The datasets on which each line has no latency."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    over: str | None = None
    """The row that a user chose as the baseline."""

    _standings: dict[tuple[str, str], Mapping[int, Standing]] = field(default_factory=dict)

    @property
    def suite(self) -> str:
        """Its name."""
        return self.collected.suite.suite

    @property
    def machine(self) -> str:
        """The machine's folder."""
        return self.collected.machine

    @property
    def measures(self) -> list[str]:
        """The suite's; the first one orders the lines."""
        return self.collected.suite.measures

    @cached_property
    def units(self) -> Mapping[str, Mapping[str, float]]:
        """What enters the mean: a dataset, or a group of them with their weights."""
        return _units(self.collected.suite)

    @cached_property
    def whole(self) -> Mapping[str, float]:
        """Each dataset's weight in the mean over units."""
        return _whole(self.units)

    @cached_property
    def baseline(self) -> int | None:
        """The number of the baseline's first line; None if it has no record."""
        cells = self.collected.suite.cells
        row = self.over or _baseline(self.collected.suite, self.lines)
        own = (i for i, line in enumerate(self.lines) if line.row == row)
        return min(own, key=lambda i: self._place(i, cells), default=None)

    def _place(self, number: int, cells: Sequence[str]) -> int:
        """Return where a line's first cell stands in the suite."""
        records = self.lines[number].records.values()
        return min((cells.index(record.cell) for record in records), default=len(cells))

    @cached_property
    def baselines(self) -> Sequence[int | None]:
        """The number of the line that the score of each line is compared with.

        It is the baseline's through the same index at the same setting if there is one, else
        its first.
        """
        if self.baseline is None:
            return [None] * len(self.lines)
        row = self.lines[self.baseline].row
        same = {line.index: i for i, line in enumerate(self.lines) if line.row == row}
        return [same.get(line.index, self.baseline) for line in self.lines]

    @cached_property
    def baseline_measured(self) -> RowLatency:
        """The latencies that speed-ups are over."""
        return RowLatency([]) if self.baseline is None else self.measured[self.baseline]

    def standings(self, measure: str, unit: str = MEAN) -> Mapping[int, Standing]:
        """Return how lines do: number -> standing, of those that have all the datasets."""
        known = self._standings
        if (measure, unit) not in known:
            weights = self.whole if unit == MEAN else self.units[unit]
            known[measure, unit] = standings(self.lines, self.baselines, measure, weights)
        return known[measure, unit]


def boards(roots: Iterable[Path], published: Sequence[Path] = ()) -> list[Board]:
    """Return a board for each suite under some folders, machines apart.

    ``published`` are folders of mteb's result files: rows of scores alone.

    Raises:
        EffbenchError: no suite has run there, or a folder has no such files.

    """
    results = others.read(published)
    return [_board(found, results) for found in collect(roots)]


def _board(found: Collected, published: others.Published) -> Board:
    remarks = [*found.remarks]
    names = [dataset.name for dataset in found.suite.datasets]
    records, unread = published.records(names, found.suite.measures)
    lines = lines_of([*found.records.values(), *records], remarks)
    whole, first = _whole(_units(found.suite)), found.suite.measures[0]

    def place(line: Line) -> tuple[bool, float, str, str]:
        score = line.score(first, whole)
        return bool(line.tested_on), math.inf if score is None else -score, line.row, line.index

    lines.sort(key=place)
    remarks += said.remarks(lines, found.suite)
    rows = [(line.row, line.records) for line in lines]
    timed = latencies.latencies(found.folders, rows, found.suite)
    return Board(
        found,
        lines,
        timed.lines,
        timed.timed,
        timed.missing,
        [one_line(one) for one in (*remarks, *timed.remarks)],
        [one_line(one) for one in (*found.unreadable, *unread, *timed.unreadable)],
    )


def _baseline(suite: SuiteFacts, lines: Sequence[Line]) -> str | None:
    """Return the row that others are compared with: the suite's, or the first with an index."""
    if suite.latency.baseline:
        return suite.latency.baseline
    indexed = {
        one.cell: line.row for line in lines if line.index for one in line.records.values()
    }
    return next((indexed[cell] for cell in suite.cells if cell in indexed), None)


def _units(suite: SuiteFacts) -> dict[str, dict[str, float]]:
    """Return a suite's units: a dataset, or a group of them, each dataset with its weight."""
    units: dict[str, list[str]] = {}
    for dataset in suite.datasets:
        units.setdefault(dataset.group or dataset.name, []).append(dataset.name)
    return {unit: dict.fromkeys(names, 1 / len(names)) for unit, names in units.items()}


def _whole(units: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {name: w / len(units) for own in units.values() for name, w in own.items()}
