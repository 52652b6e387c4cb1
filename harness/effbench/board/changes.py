"""What moved between two folders of results, beyond noise: ``effbench diff``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from effbench.board.chosen import of_other_data
from effbench.board.leaderboard import Board, boards
from effbench.board.moves import Change, Numbers, Uncompared
from effbench.board.speeds import TIMES, lost, speeds
from effbench.run.recorded import ROUNDING, Done, Failed, Skipped
from effbench.statistics.significance import SIGNIFICANT, PairedValues, holm, values_of
from effbench.text.printing import one_line

CELL = "cell"
"""What moved, where it is a whole cell and no figure of it."""


class Changes(NamedTuple):
    """What moved, and what could not be compared."""

    moved: Sequence[Change]
    uncompared: Sequence[Uncompared]
    compared: int
    """Figures that both have and of which something sure can be said."""

    remarks: Sequence[str]
    unreadable: Sequence[str]

    @property
    def gone(self) -> int:
        """How many cells were done and are no more: they are among those that moved."""
        return sum(one.what == CELL for one in self.moved)

    @property
    def times_missed(self) -> list[Uncompared]:
        """The times of the old results that were not compared."""
        return [one for one in self.uncompared if one.what in TIMES and one.numbers.old]


def changes(old: Path, new: Path) -> Changes:
    """Compare all suites that both folders have.

    Of scores, those moved whose paired difference is significant, corrected for their number by
    Holm's method; of latencies those further apart than noise (`effbench.board.speeds`).

    Raises:
        EffbenchError: no suite has run in one of them.

    """
    before, after = boards([old]), boards([new])
    pairs = list(_pairs(before, after))
    alone = [
        [one for one in some if all(one is not pair[side] for pair in pairs)]
        for side, some in enumerate((before, after))
    ]
    remarks = [
        f"{one.suite} on {one.machine}: only in the {name} results"
        for name, some in zip(("old", "new"), alone, strict=True)
        for one in some
    ]
    moved: list[Change] = []
    uncompared = [verdict for one in alone[0] for verdict in lost(one)]
    compared = 0
    for one, other in pairs:
        moved += _lost(one, other)
        remarks += (*_of_other_data(one, other), *_made_otherwise(one, other))
        for verdict in (*_scores(one, other), *speeds(one, other)):
            if isinstance(verdict, Uncompared):
                uncompared.append(verdict)
            else:
                compared += 1
                moved += [verdict] if verdict else []
    unreadable = dict.fromkeys(what for one in (*before, *after) for what in one.unreadable)
    return Changes(moved, uncompared, compared, remarks, list(unreadable))


def _pairs(before: Sequence[Board], after: Sequence[Board]) -> Iterator[tuple[Board, Board]]:
    """Yield the old and the new board of each suite: of one machine where there is one."""
    for board in before:
        same = [one for one in after if one.suite == board.suite]
        for one in [one for one in same if one.machine == board.machine] or same[:1]:
            yield board, one


def _lost(old: Board, new: Board) -> Iterator[Change]:
    """Yield the cells that were done and are no more."""
    now = {record.cell for record in new.collected.done}
    for record in old.collected.done:
        if record.cell not in now:
            left = new.collected.records.get(record.cell)
            why = next(_left_out(record.cell, new.collected.remarks), "no record")
            if isinstance(left, Failed):
                status = "skipped" if isinstance(left, Skipped) else "failed"
                why = f"{status}: {one_line(left.error)}"
            yield Change(old.suite, record.cell, CELL, True, f"was done, now {why}")


def _left_out(cell: str, remarks: Sequence[str]) -> Iterator[str]:
    """Yield what was said of records that are there and do not count, if it is of a cell."""
    for said in remarks:
        what, _, cells = said.partition(": ")
        if what.startswith("left out") and cell in cells.partition(" (")[0].split(", "):
            yield what


def _both(old: Board, new: Board) -> list[tuple[Done, Done]]:
    """Return the records of the cells that are done in both: the old one, the new one."""
    now = {record.cell: record for record in new.collected.done}
    return [(one, now[one.cell]) for one in old.collected.done if one.cell in now]


def _scores(old: Board, new: Board) -> Iterator[Change | Uncompared | None]:
    """Yield what became of each score; None if it has not moved."""
    pairs: list[tuple[Done, Done, str, PairedValues]] = []
    for one, other in _both(old, new):
        for measure in dict.fromkeys([*old.measures, *new.measures]):
            values = [record.per_query.get(measure, {}) for record in (other, one)]
            if values[0].keys() & values[1].keys():
                pairs.append((one, other, measure, PairedValues([values_of(values)])))
            elif any(values):
                lacks = "old" if values[0] else "new"
                why = "no query of both" if all(values) else f"no score in the {lacks} results"
                yield Uncompared(old.suite, one.cell, measure, why)
    p_values = holm([both.p_values(1)[0] for *_, both in pairs])
    for (one, other, measure, both), p in zip(pairs, p_values, strict=True):
        apart = both.differences(1)[0]
        numbers = Numbers(one.scores[measure], other.scores[measure], apart, p=p)
        # equal keys have equal scores here; on another machine a training may end elsewhere
        if (old.machine, one.key) == (new.machine, other.key):
            numbers = numbers._replace(tolerance=ROUNDING)
        yield _moved(old.suite, one.cell, measure, numbers)
    known = {record.cell for record in old.collected.done}
    for record in new.collected.done:
        if record.cell not in known:
            why = "not done in the old results"
            yield Uncompared(old.suite, record.cell, ", ".join(record.scores), why)


def _moved(suite: str, cell: str, measure: str, numbers: Numbers) -> Change | None:
    apart, p, tolerance = numbers.difference, numbers.p, numbers.tolerance
    if apart is None or p is None:
        return None
    said = f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}], p {p:.2g}"
    if tolerance is not None and abs(apart.value) > tolerance:
        said += "; of the same key, so it should be the same"
    elif p >= SIGNIFICANT:
        return None
    return Change(suite, cell, measure, apart.value < 0, said, numbers)


def _of_other_data(old: Board, new: Board) -> Iterator[str]:
    """Yield what differences may be of, if not of the rows."""
    found = dict.fromkeys(
        one.dataset for one, other in _both(old, new) if of_other_data(one, other)
    )
    if found:
        yield (
            f"{old.suite}: {', '.join(found)}: the data differ from those of the old results, "
            "and differences in scores may come from that"
        )


def _made_otherwise(old: Board, new: Board) -> Iterator[str]:
    """Yield which rows are not what they were under the same name, on the same data."""
    found = dict.fromkeys(
        one.row.name
        for one, other in _both(old, new)
        if one.key != other.key and not of_other_data(one, other)
    )
    if found:
        yield (
            f"{old.suite}: {', '.join(found)}: made otherwise than in the old results (their "
            "options, models or versions differ), and what moved may come from that"
        )
