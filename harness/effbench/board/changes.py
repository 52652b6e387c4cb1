"""Compares two folders of results (``effbench diff``): the scores and cells that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from effbench.board.chosen import data_differ
from effbench.board.leaderboard import Board, boards
from effbench.board.moves import Change, Numbers, Uncompared
from effbench.board.sizes import compare_sizes
from effbench.board.speeds import TIMES, compare_latencies, lost_times
from effbench.run.recorded import ROUNDING, Done, Failed, Skipped
from effbench.statistics.significance import SIGNIFICANT, PairedValues, holm, values_of
from effbench.text.printing import one_line

CELL = "cell"
"""The figure of a `Change` that is the loss of a whole cell."""


class Changes(NamedTuple):
    """The figures that moved, and those that could not be compared."""

    moved: Sequence[Change]
    uncompared: Sequence[Uncompared]
    compared: int
    """The number of figures that both results have, and that were compared."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """Which files could not be read, and why."""

    @property
    def gone(self) -> int:
        """The number of cells that were done and no longer are; ``moved`` holds them too."""
        return sum(change.figure == CELL for change in self.moved)

    @property
    def times_missed(self) -> list[Uncompared]:
        """The times in the old results that could not be compared."""
        return [
            entry for entry in self.uncompared if entry.figure in TIMES and entry.numbers.old
        ]


class CellPair(NamedTuple):
    """The record of a cell that is done in both results."""

    old: Done
    new: Done

    @property
    def data_differ(self) -> bool:
        """Whether the two were measured on different data."""
        return data_differ(self.old, self.new)


def changes(old: Path, new: Path) -> Changes:
    """Compare all suites that both folders have.

    A score has moved if its paired difference is significant, corrected by Holm's method for
    the number of scores. A latency has moved if it changed by more than noise
    (`effbench.board.speeds`).

    Raises:
        EffbenchError: a folder has no results.

    """
    before, after = boards([old]), boards([new])
    pairs = list(_pairs(before, after))
    only_old = [board for board in before if all(board is not pair[0] for pair in pairs)]
    only_new = [board for board in after if all(board is not pair[1] for pair in pairs)]
    remarks = [
        f"{board.suite} on {board.machine}: only in the {name} results"
        for name, unpaired in (("old", only_old), ("new", only_new))
        for board in unpaired
    ]
    moved: list[Change] = []
    uncompared = [time for board in only_old for time in lost_times(board)]
    compared = 0
    for old_board, new_board in pairs:
        moved += _lost_cells(old_board, new_board)
        cells = _cell_pairs(old_board, new_board)
        remarks += (*_data_remark(old_board, cells), *_row_remark(old_board, cells))
        scores = _compare_scores(old_board, new_board, cells)
        sizes = compare_sizes(old_board.suite, cells)
        for result in (*scores, *sizes, *compare_latencies(old_board, new_board)):
            if isinstance(result, Uncompared):
                uncompared.append(result)
            else:
                compared += 1
                moved += [result] if result else []
    unreadable = dict.fromkeys(text for board in (*before, *after) for text in board.unreadable)
    return Changes(moved, uncompared, compared, remarks, list(unreadable))


def _pairs(before: Sequence[Board], after: Sequence[Board]) -> Iterator[tuple[Board, Board]]:
    """Yield the old and the new board of each suite, of the same machine if possible."""
    for board in before:
        same_suite = [new for new in after if new.suite == board.suite]
        same_machine = [new for new in same_suite if new.machine == board.machine]
        for new in same_machine or same_suite[:1]:
            yield board, new


def _lost_cells(old: Board, new: Board) -> Iterator[Change]:
    """Yield the cells that were done and no longer are."""
    now = {record.cell for record in new.collected.done}
    for record in old.collected.done:
        if record.cell not in now:
            failed = new.collected.records.get(record.cell)
            why = next(_left_out(record.cell, new.collected.remarks), "no record")
            if isinstance(failed, Failed):
                status = "skipped" if isinstance(failed, Skipped) else "failed"
                why = f"{status}: {one_line(failed.error)}"
            yield Change(old.suite, record.cell, CELL, True, f"was done, now {why}")


def _left_out(cell: str, remarks: Sequence[str]) -> Iterator[str]:
    """Yield why a cell's record does not count, from the remarks on records left out."""
    for remark in remarks:
        reason, _, cells = remark.partition(": ")
        if reason.startswith("left out") and cell in cells.partition(" (")[0].split(", "):
            yield reason


def _cell_pairs(old: Board, new: Board) -> list[CellPair]:
    """Return the records of the cells that are done in both results."""
    now = {record.cell: record for record in new.collected.done}
    done = old.collected.done
    return [CellPair(record, now[record.cell]) for record in done if record.cell in now]


def _compare_scores(
    old: Board, new: Board, cells: Sequence[CellPair]
) -> Iterator[Change | Uncompared | None]:
    """Yield the result for each score; None if the score has not moved."""
    tests: list[tuple[CellPair, str, PairedValues]] = []
    for cell in cells:
        for measure in dict.fromkeys([*old.measures, *new.measures]):
            values = [record.per_query.get(measure, {}) for record in (cell.new, cell.old)]
            if values[0].keys() & values[1].keys():
                tests.append((cell, measure, PairedValues([values_of(values)])))
            elif any(values):
                lacks = "old" if values[0] else "new"
                why = "no query of both" if all(values) else f"no score in the {lacks} results"
                yield Uncompared(old.suite, cell.old.cell, measure, why)
    p_values = holm([paired.p_values(1)[0] for *_, paired in tests])
    for (cell, measure, paired), p in zip(tests, p_values, strict=True):
        scores = cell.old.scores[measure], cell.new.scores[measure]
        numbers = Numbers(*scores, paired.differences(1)[0], p=p)
        # equal keys give equal scores on one machine; on another a training may end elsewhere
        if (old.machine, cell.old.key) == (new.machine, cell.new.key):
            numbers = numbers._replace(tolerance=ROUNDING)
        yield _moved_score(old.suite, cell.old.cell, measure, numbers)
    known = {record.cell for record in old.collected.done}
    for record in new.collected.done:
        if record.cell not in known:
            why = "not done in the old results"
            yield Uncompared(old.suite, record.cell, ", ".join(record.scores), why)


def _moved_score(suite: str, cell: str, measure: str, numbers: Numbers) -> Change | None:
    """Return the change of a score, or None if it has not moved."""
    difference, p, tolerance = numbers.difference, numbers.p, numbers.tolerance
    if difference is None or p is None:
        return None
    value, low, high = difference
    message = f"{value:+.4f} [{low:+.4f}, {high:+.4f}], p {p:.2g}"
    if tolerance is not None and abs(value) > tolerance:
        message += "; of the same key, so it should be the same"
    elif p >= SIGNIFICANT:
        return None
    return Change(suite, cell, measure, value < 0, message, numbers)


def _data_remark(old: Board, cells: Sequence[CellPair]) -> Iterator[str]:
    """Yield a remark if scores may differ because datasets have other data."""
    datasets = dict.fromkeys(cell.old.dataset for cell in cells if cell.data_differ)
    if datasets:
        yield (
            f"{old.suite}: {', '.join(datasets)}: the data differ from those of the old "
            "results, and differences in scores may come from that"
        )


def _row_remark(old: Board, cells: Sequence[CellPair]) -> Iterator[str]:
    """Yield a remark if rows of the same name differ in their options or models."""
    rows = dict.fromkeys(
        cell.old.row.name
        for cell in cells
        if cell.old.key != cell.new.key and not cell.data_differ
    )
    if rows:
        yield (
            f"{old.suite}: {', '.join(rows)}: made otherwise than in the old results (their "
            "options, models or versions differ), and what moved may come from that"
        )
