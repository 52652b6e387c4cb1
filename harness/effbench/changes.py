"""What moved between two folders of results, beyond noise: ``effbench diff``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effbench.chosen import of_other_data
from effbench.latency.figures import Interval
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.leaderboard import Board, boards
from effbench.recorded import Done, Failed, Skipped
from effbench.remarks import one_line
from effbench.significance import SIGNIFICANT, Paired, holm, values_of

SPEED = 0.10
"""Speed-ups that lie no further apart are equal: so do those of two hours (docs/latency.md)."""


@dataclass(frozen=True)
class Change:
    """Something that is other in the new results than in the old."""

    suite: str
    where: str
    """A cell, or a row and its index."""

    what: str
    worse: bool
    said: str

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Changes:
    """What moved, and what could not be compared."""

    moved: Sequence[Change]
    compared: int
    """Scores and speed-ups that both have."""

    remarks: Sequence[str]
    unreadable: Sequence[str]


def changes(old: Path, new: Path) -> Changes:
    """Compare all suites that both folders have.

    Of scores, those moved whose paired difference is significant, corrected for their number by
    Holm's method; of speed-ups over the baseline those that lie more than 10 % and more than
    their intervals apart. Times themselves are not compared: they move with the machine.

    Raises:
        EffbenchError: no suite has run in one of them.

    """
    before, after = boards([old]), boards([new])
    pairs, remarks = _paired_boards(before, after)
    moved: list[Change] = []
    compared = 0
    for one, other in pairs:
        moved += _lost(one, other)
        scores = list(_scores(one, other))
        remarks += _of_other_data(one, other)
        p_values = holm([p for *_, p in scores])
        compared += len(scores)
        for (cell, measure, apart, same_key, _), p in zip(scores, p_values, strict=True):
            if p < SIGNIFICANT or same_key:
                moved.append(_score_change(one.suite, cell, measure, apart, p, same_key))
        speeds = list(_speeds(one, other, remarks))
        compared += len(speeds)
        moved += [change for change in speeds if isinstance(change, Change)]
    unreadable = dict.fromkeys(what for one in (*before, *after) for what in one.unreadable)
    return Changes(moved, compared, remarks, list(unreadable))


def _paired_boards(
    before: Sequence[Board], after: Sequence[Board]
) -> tuple[list[tuple[Board, Board]], list[str]]:
    pairs, remarks = [], []
    for board in before:
        same = [one for one in after if one.suite == board.suite]
        here = [one for one in same if one.machine == board.machine] or same[:1]
        pairs += [(board, one) for one in here]
        if not here:
            remarks.append(f"{board.suite} on {board.machine}: only in the old results")
    known = {one.suite for one in before}
    new = (one for one in after if one.suite not in known)
    return pairs, [
        *remarks,
        *(f"{b.suite} on {b.machine}: only in the new results" for b in new),
    ]


def _lost(old: Board, new: Board) -> Iterator[Change]:
    """Yield the cells that were done and are no more."""
    now = {record.cell for record in new.collected.done}
    for record in old.collected.done:
        if record.cell not in now:
            left = new.collected.records.get(record.cell)
            why = "no record"
            if isinstance(left, Failed):
                status = "skipped" if isinstance(left, Skipped) else "failed"
                why = f"{status}: {one_line(left.error)}"
            yield Change(old.suite, record.cell, "cell", True, f"was done, now {why}")


def _scores(old: Board, new: Board) -> Iterator[tuple[str, str, Interval, bool, float]]:
    """Yield cell, measure, difference, whether it should be none, p-value.

    Equal keys have equal scores on one machine; on another one training may end elsewhere.
    """
    now = {record.cell: record for record in new.collected.done}
    for record in old.collected.done:
        other = now.get(record.cell)
        for measure in old.measures if other else ():
            pair = [one.per_query.get(measure, {}) for one in (other, record) if one]
            if not pair[0].keys() & pair[1].keys():
                continue
            both = Paired([values_of(pair)])
            apart = both.differences(1)[0]
            same_key = old.machine == new.machine and _key(record) == _key(other)
            same = same_key and abs(apart.value) > 1e-9
            yield record.cell, measure, apart, same, both.p_values(1)[0]


def _of_other_data(old: Board, new: Board) -> Iterator[str]:
    """Yield what differences may be of, if not of the rows."""
    now = {record.cell: record for record in new.collected.done}
    found = {
        record.dataset: None
        for record in old.collected.done
        if (other := now.get(record.cell)) and of_other_data(record, other)
    }
    if found:
        yield (
            f"{old.suite}: {', '.join(found)}: the data differ from those of the old results, "
            "and differences in scores may come from that"
        )


def _key(record: Done | None) -> str:
    return record.key if record else ""


def _score_change(
    suite: str, cell: str, measure: str, apart: Interval, p: float, same_key: bool
) -> Change:
    said = f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}], p {p:.2g}"
    if same_key:
        said += "; of the same key, so it should be the same"
    return Change(suite, cell, measure, apart.value < 0, said)


def _speeds(old: Board, new: Board, remarks: list[str]) -> Iterator[Change | None]:
    """Yield for each row with a speed-up in both the change, or None where it did not move."""
    ids = [_fingerprints(board) for board in (old, new)]
    if ids[0] != ids[1]:
        if all(ids):
            remarks.append(f"{old.suite}: speed is not compared: machines or settings differ")
        return
    then, now = (_speedups(board) for board in (old, new))
    for (row, span), one in then.items():
        other = now.get((row, span))
        if other is None:
            continue
        apart = math.log(other.value / one.value)
        noise = math.hypot(_half(one), _half(other))
        if abs(apart) <= max(math.log1p(SPEED), noise):
            yield None
            continue
        said = f"{one.spelled()}x -> {other.spelled()}x over {_baseline(old)}"
        yield Change(old.suite, row, f"speed-up {span}", apart < 0, said)


def _speedups(board: Board) -> Mapping[tuple[str, str], Interval]:
    """Return row and index, span -> speed-up: a retriever's is end to end."""
    found = {}
    for line, measured in zip(board.lines, board.measured, strict=True):
        for span in (ENCODE, END_TO_END):
            ratio = measured.speedup(board.baseline_measured, span)
            if ratio and ratio.low is not None:
                found[f"{line.row} {line.index}".strip(), span] = ratio
    return found


def _half(ratio: Interval) -> float:
    """Return half the width of a ratio's interval, of its logarithm."""
    return math.log(ratio.high / ratio.low) / 2 if ratio.low and ratio.high else math.inf


def _baseline(board: Board) -> str:
    return "" if board.baseline is None else board.lines[board.baseline].row


def _fingerprints(board: Board) -> set[str]:
    """Return what decides speed, of all sessions that count."""
    headers = [session.header for own in board.measured for session, _ in own.cells]
    return {f"{one.fingerprint_id} {one.conditions}" for one in headers}
