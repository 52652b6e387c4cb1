"""The latencies of a suite's rows in two results: which of them moved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from effbench.board.leaderboard import Board
from effbench.board.marks import time_of
from effbench.board.moves import Change, Numbers, Uncompared
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.machine import fingerprint
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import RowLatency

OLD, NEW = "in the old results", "in the new results"

TIMES = {f"{span} p50 ms": span for span in (ENCODE, END_TO_END)}
"""Name of a time that is compared -> its span."""


class Kind(NamedTuple):
    """A kind of figure."""

    tolerance: float
    """Figures whose ratio is no larger are equal."""

    larger_is_worse: bool


TIME = Kind(1.15, larger_is_worse=True)
"""Three sessions of one hour were up to 1.064 apart, the machine's speed taken out."""

SPEED_UP = Kind(1.10, larger_is_worse=False)
"""They were up to 1.11 apart, which their intervals explain (docs/latency.md)."""

MARKED = 3.0
"""What a busy machine may make of a time, which is marked then: it has made 2.15 of it."""

DIFFERENCES = 3
"""Of two machines' facts that many are named."""


class Doubt(NamedTuple):
    """Why there is no figure, or why it is not sure; nothing if it is sure."""

    why: str = ""
    """In few words, which are the same for many rows."""

    detail: str = ""
    """As this row has it."""


class Figure(NamedTuple):
    """A row's time or speed-up in one of the results."""

    value: Interval | None
    doubt: Doubt = Doubt()
    kernel_ms: float | None = None
    """What the calibration took meanwhile; of times alone."""


class Place(NamedTuple):
    """Which figure it is."""

    suite: str
    row: str
    what: str


class Side:
    """The figures of the old or of the new results."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.numbers = {
            f"{line.row} {line.index}".strip(): number
            for number, line in enumerate(board.lines)
        }
        self.baseline = next((n for n, i in self.numbers.items() if i == board.baseline), None)

    def time(self, row: str, span: str) -> Figure:
        """Return the median in ms of what a span takes a row."""
        number = self.numbers.get(row)
        if number is None:
            return Figure(None, Doubt("no such row"))
        value, why = time_of(self.board, number, span, 50)
        if value is None:
            return Figure(None, Doubt(why))
        measured = self.board.latencies[number]
        return Figure(value, _doubt("latency", measured, value), measured.kernel_ms())

    def speedup(self, row: str, span: str) -> Figure:
        """Return how many times as fast as the baseline a row is."""
        number = self.numbers.get(row)
        if number is None:
            return Figure(None, Doubt("no such row"))
        measured, baseline = self.board.latencies[number], self.board.baseline_latency
        value = measured.speedup(baseline, span)
        if value is not None:
            return Figure(value, _doubt("latency", measured, value))
        known = self.time(row, span).doubt, _doubt("the baseline's latency", baseline)
        marks = [one for one in known if one.why]
        return Figure(None, marks[0] if marks else Doubt("no latency of the baseline"))


def _doubt(whose: str, measured: RowLatency, value: Interval | None = None) -> Doubt:
    """Return why a latency is not sure: it is marked, or its figure has no interval."""
    flags = measured.flags()
    if flags:
        return Doubt(f"{whose} {' and '.join(flags)}", "; ".join(flags.values()))
    if value and value.low is None:
        return Doubt("fewer than 3 processes have steady times (raise latency's processes)")
    return Doubt()


def speeds(old: Board, new: Board) -> Iterator[Change | Uncompared | None]:
    """Yield what became of each latency that either has; None of one that has not moved.

    Medians of times are compared on one machine, its own speed taken out, and speed-ups where
    the fingerprints are equal.
    """
    then, now = Side(old), Side(new)
    rows = list(dict.fromkeys([*then.numbers, *now.numbers]))
    settings = _settings(old, new)
    elsewhere = f"measured on {old.machine} and on {new.machine}"
    machines = settings or ("" if old.machine == new.machine else elsewhere)
    moved: list[str] = []
    for what, span in TIMES.items():
        for row in rows:
            pair = then.time(row, span), now.time(row, span)
            for verdict in _verdict(Place(old.suite, row, what), *pair, TIME, machines):
                if isinstance(verdict, Change) and row == then.baseline:
                    moved.append(span)
                yield verdict
    for span in TIMES.values():
        why = settings or _other_baseline(then, now, moved=span in moved)
        for row in rows:
            if row != then.baseline:
                pair = then.speedup(row, span), now.speedup(row, span)
                place = Place(old.suite, row, f"speed-up {span}")
                yield from _verdict(place, *pair, SPEED_UP, why)


def lost(old: Board) -> Iterator[Uncompared]:
    """Yield the times of a suite that the new results lack."""
    side = Side(old)
    for what, span in TIMES.items():
        for row in side.numbers:
            if value := side.time(row, span).value:
                why = f"no such suite {NEW}"
                yield Uncompared(old.suite, row, what, why, numbers=Numbers(value.value))


def _verdict(
    place: Place, old: Figure, new: Figure, kind: Kind, why: str
) -> Iterator[Change | Uncompared | None]:
    """Yield what became of a figure, if there is one."""
    numbers = _numbers(old, new)
    ratio = numbers.ratio
    if ratio is None:
        if old.value:
            yield Uncompared(*place, f"{new.doubt.why} {NEW}", new.doubt.detail, numbers)
        elif new.value:
            yield Uncompared(*place, f"{old.doubt.why} {OLD}", old.doubt.detail, numbers)
        return
    one, other = old.doubt, new.doubt
    tolerance = MARKED if one.why or other.why else kind.tolerance
    apart = max(ratio.value, 1 / ratio.value)
    worse = (ratio.value > 1) == kind.larger_is_worse
    if why:
        yield Uncompared(*place, why, "", numbers)
        return
    numbers = numbers._replace(tolerance=tolerance)
    if one.why or other.why:
        perhaps = ("worse" if worse else "better") if apart > tolerance else ""
        said, detail = _both(one, other), other.detail or one.detail
        yield Uncompared(*place, said, detail, numbers, perhaps)
    elif apart <= tolerance or (ratio.low or 0) <= 1 <= (ratio.high or math.inf):
        yield None
    else:
        yield Change(*place, worse, _said(old, new, numbers), numbers)


def _both(old: Doubt, new: Doubt) -> str:
    """Say why a figure is not sure that both results have."""
    if old.why == new.why:
        return f"{old.why} in both results"
    return " and ".join(f"{one.why} {at}" for one, at in ((old, OLD), (new, NEW)) if one.why)


def _numbers(old: Figure, new: Figure) -> Numbers:
    """Return both figures, and their ratio with a 95 % interval from theirs."""
    one, other = old.value, new.value
    if one is None or other is None:
        return Numbers(one and one.value, other and other.value)
    machine = new.kernel_ms / old.kernel_ms if new.kernel_ms and old.kernel_ms else None
    value = other.value / one.value / (machine or 1.0)
    noise = math.hypot(_half(one), _half(other))
    ratio = Interval(value)
    if noise < math.inf:
        ratio = Interval(value, value / math.exp(noise), value * math.exp(noise))
    return Numbers(one.value, other.value, ratio=ratio, machine=machine)


def _half(value: Interval) -> float:
    """Return half the width of a figure's interval, of its logarithm."""
    return math.log(value.high / value.low) / 2 if value.low and value.high else math.inf


def _said(old: Figure, new: Figure, numbers: Numbers) -> str:
    spelled = [one.value.spelled() for one in (old, new) if one.value]
    return f"{' -> '.join(spelled)} ({numbers.times()})"


def _settings(old: Board, new: Board) -> str:
    """Say in what the machines or the terms of the sessions differ; nothing if in nothing."""
    headers = [
        next((session.header for own in board.latencies for session, _ in own.cells), None)
        for board in (old, new)
    ]
    one, other = headers
    if one is None or other is None:
        return ""
    found = [
        *fingerprint.differences(one.conditions, other.conditions),
        *fingerprint.differences(one.fingerprint, other.fingerprint),
    ]
    more = f" and {len(found) - DIFFERENCES} more" if len(found) > DIFFERENCES else ""
    named = "; ".join(found[:DIFFERENCES])
    return f"the machine or its settings differ: {named}{more}" if found else ""


def _other_baseline(old: Side, new: Side, *, moved: bool) -> str:
    """Say why speed-ups over the baseline do not tell how fast rows are."""
    if old.baseline != new.baseline:
        return f"over another baseline: {old.baseline}, now {new.baseline}"
    return f"the baseline {old.baseline} moved itself" if moved else ""
