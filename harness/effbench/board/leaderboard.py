"""Leaderboard: reads the records of a suite, orders its lines, compares them. No measuring."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from effbench.board.collected import Collected, collect
from effbench.board.latencies import latencies_of
from effbench.board.lines import Line, lines_of
from effbench.board.orders import order_remarks
from effbench.board.published import Published, read_published
from effbench.board.remarks import remarks_on
from effbench.board.standings import Standing, standings
from effbench.board.together import together
from effbench.run.recorded import SuiteFacts
from effbench.statistics.row_latency import RowLatency
from effbench.text.printing import one_line

MEAN = "mean"
"""The name of the unit that stands for all units together."""

MOST_NAMED = 10
"""Cells that are not run yet and have a remark of their own."""


@dataclass(frozen=True, eq=False)
class Board:
    """The leaderboard of one suite on one machine."""

    collected: Collected
    lines: Sequence[Line]
    """The lines, the best by the first measure first; lines that are not ranked are last."""

    latencies: Sequence[RowLatency]
    """The latency of each line; empty if one of the suite's datasets has none."""

    partial_latencies: Sequence[RowLatency]
    """The latency of each line on those datasets that have one."""

    missing: Sequence[Sequence[str]]
    """The datasets on which each line has no latency."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """Which files were left out, because they could not be read, and why."""

    chosen_baseline: str | None = None
    """The name of the row that the user chose as the baseline."""

    latency_remarks: Sequence[str] = ()
    """Those of the remarks that are on latencies."""

    published: Published = field(default_factory=Published)
    """The result files of mteb whose rows stand beside ours."""

    _standings: dict[tuple[str, str], Mapping[int, Standing]] = field(default_factory=dict)

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return self.collected.suite.suite

    @property
    def machine(self) -> str:
        """The name of the machine, which is that of its folder."""
        return self.collected.machine

    @property
    def measures(self) -> list[str]:
        """The measures of the suite; the first one orders the lines."""
        return self.collected.suite.measures

    @cached_property
    def recall_measures(self) -> list[str]:
        """The measures of the recall of approximate indexes, such as R@10; none without one."""
        return list(dict.fromkeys(m for line in self.lines for m in line.recall_measures))

    @cached_property
    def units(self) -> Mapping[str, Mapping[str, float]]:
        """Unit -> dataset -> weight. A unit is a dataset, or a group of datasets."""
        return _units(self.collected.suite)

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Dataset -> its weight in the mean over all units."""
        return _weights(self.units)

    @cached_property
    def baseline(self) -> int | None:
        """The number of the baseline's first line; None if the baseline has no record."""
        cells = self.collected.suite.cells
        row = self.chosen_baseline or _baseline(self.collected.suite, self.lines)
        numbers = (i for i, line in enumerate(self.lines) if line.row == row)
        return min(numbers, key=lambda i: self._place(i, cells), default=None)

    def _place(self, number: int, cells: Sequence[str]) -> int:
        """Return where a line's first cell stands in the suite."""
        records = self.lines[number].records.values()
        return min((cells.index(record.cell) for record in records), default=len(cells))

    @cached_property
    def baselines(self) -> Sequence[int | None]:
        """For each line the number of the line with which its score is compared.

        That is the baseline's line through the same index at the same setting, else the
        baseline's first line. The baseline's own lines are compared with its first line: they
        show what an index loses.
        """
        if self.baseline is None:
            return [None] * len(self.lines)
        row = self.lines[self.baseline].row
        by_index = {line.index: i for i, line in enumerate(self.lines) if line.row == row}
        return [
            self.baseline if line.row == row else by_index.get(line.index, self.baseline)
            for line in self.lines
        ]

    @cached_property
    def baseline_latency(self) -> RowLatency:
        """The latency of the baseline's first line, with which speed-ups are computed."""
        return RowLatency([]) if self.baseline is None else self.latencies[self.baseline]

    def standings(self, measure: str, unit: str = MEAN) -> Mapping[int, Standing]:
        """Return line number -> standing, for the lines with scores on all datasets."""
        known = self._standings
        if (measure, unit) not in known:
            weights = self.weights if unit == MEAN else self.units[unit]
            known[measure, unit] = standings(self.lines, self.baselines, measure, weights)
        return known[measure, unit]


def boards(roots: Iterable[Path], published: Sequence[Path] = ()) -> list[Board]:
    """Return a board for each suite on each machine, from the records under ``roots``.

    ``published`` are folders of mteb's result files: these become rows with scores only.

    Raises:
        EffbenchError: no suite has run there, or a folder has no such files.

    """
    results = read_published(published)
    return [_board(collected, results) for collected in collect(roots)]


def shared_board(boards: Sequence[Board]) -> Board:
    """Return a board of the quality of a suite's rows on several machines, without latency."""
    board = _of_quality(together([board.collected for board in boards]), boards[0].published)
    chosen = [each.chosen_baseline for each in boards if each.chosen_baseline]
    unreadable = dict.fromkeys(text for each in boards for text in each.unreadable)
    return replace(board, chosen_baseline=next(iter(chosen), None), unreadable=list(unreadable))


def _board(collected: Collected, published: Published) -> Board:
    board = _of_quality(collected, published)
    rows = [(line.row, line.records) for line in board.lines]
    latencies = latencies_of(collected.folders, rows, collected.suite)
    on_latency = [one_line(remark) for remark in latencies.remarks]
    return replace(
        board,
        latencies=latencies.complete,
        partial_latencies=latencies.partial,
        missing=latencies.missing,
        remarks=[*board.remarks, *on_latency],
        latency_remarks=on_latency,
        unreadable=[*board.unreadable, *map(one_line, latencies.unreadable)],
    )


def _not_run(cells: Sequence[str]) -> list[str]:
    """Return a remark on each of the first cells that are to be run, and one on the rest."""
    remarks = [f"{cell}: not run yet" for cell in cells[:MOST_NAMED]]
    more = len(cells) - MOST_NAMED
    return remarks if more <= 0 else [*remarks, f"{more:,} more cells: not run yet"]


def _of_quality(collected: Collected, published: Published) -> Board:
    """Return a board without latencies."""
    suite = collected.suite
    remarks = [*collected.remarks, *_not_run(collected.not_run)]
    names = [dataset.name for dataset in suite.datasets]
    records, unread = published.records(names, suite.measures)
    lines = lines_of([*collected.records.values(), *records], remarks)
    weights, first = _weights(_units(suite)), suite.measures[0]

    def place(line: Line) -> tuple[bool, float, str, str]:
        score = line.score(first, weights)
        return line.apart, math.inf if score is None else -score, line.row, line.index

    lines.sort(key=place)
    remarks += remarks_on(lines, suite)
    remarks += order_remarks(lines, first, weights)
    none = [RowLatency([])] * len(lines)
    return Board(
        collected,
        lines,
        latencies=none,
        partial_latencies=none,
        missing=[[*weights]] * len(lines),
        remarks=[one_line(remark) for remark in remarks],
        unreadable=[one_line(reason) for reason in (*collected.unreadable, *unread)],
        published=published,
    )


def _baseline(suite: SuiteFacts, lines: Sequence[Line]) -> str | None:
    """Return the baseline's row: the suite's baseline, else the first row with an index."""
    if suite.latency.baseline:
        return suite.latency.baseline
    indexed = {
        record.cell: line.row
        for line in lines
        if line.index
        for record in line.records.values()
    }
    return next((indexed[cell] for cell in suite.cells if cell in indexed), None)


def _units(suite: SuiteFacts) -> dict[str, dict[str, float]]:
    """Return unit -> dataset -> its weight in the unit's mean."""
    units: dict[str, list[str]] = {}
    for dataset in suite.datasets:
        units.setdefault(dataset.group or dataset.name, []).append(dataset.name)
    return {unit: dict.fromkeys(names, 1 / len(names)) for unit, names in units.items()}


def _weights(units: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return dataset -> its weight in the mean over all units."""
    return {name: w / len(units) for unit in units.values() for name, w in unit.items()}
