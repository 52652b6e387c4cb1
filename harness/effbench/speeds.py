"""The latencies of a suite's rows in two results: which of them moved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from effbench import fingerprint
from effbench.latency.figures import Interval
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.leaderboard import Board
from effbench.marks import time_of
from effbench.moves import Change, Numbers, Uncompared

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


class Figure(NamedTuple):
    """A row's time or speed-up in one of the results."""

    value: Interval | None
    why: str = ""
    """Why there is none, or why it is not sure."""

    detail: str = ""
    kernel_ms: float | None = None
    """What the calibration took meanwhile; of times alone."""


class Place(NamedTuple):
    """Which figure it is."""

    suite: str
    row: str
    what: str


class Side:
    """The figures of the old or of the new results."""

    def __init__(self, board: Board, name: str) -> None:
        self.board, self.where = board, f"in the {name} results"
        self.numbers = {
            f"{line.row} {line.index}".strip(): number
            for number, line in enumerate(board.lines)
        }
        self.baseline = next((n for n, i in self.numbers.items() if i == board.baseline), None)

    def time(self, row: str, span: str) -> Figure:
        """Return the median in ms of what a span takes a row."""
        number = self.numbers.get(row)
        if number is None:
            return Figure(None, f"no such row {self.where}")
        value, why = time_of(self.board, number, span, 50)
        if value is None:
            return Figure(None, f"{why} {self.where}")
        measured = self.board.measured[number]
        doubt = self._doubt(number, "latency") or self._few(value)
        return Figure(value, *(doubt or ("", "")), measured.kernel_ms())

    def speedup(self, row: str, span: str) -> Figure:
        """Return how many times as fast as the baseline a row is."""
        number, baseline = self.numbers.get(row), self.board.baseline
        if number is None:
            return Figure(None, f"no such row {self.where}")
        value = self.board.measured[number].speedup(self.board.baseline_measured, span)
        if value is not None:
            return Figure(value, *(self._few(value) or ()))
        doubt = self._doubt(number, "latency")
        if doubt is None and baseline is not None:
            doubt = self._doubt(baseline, "the baseline's latency")
        return Figure(None, *(doubt or (f"no speed-up {self.where}",)))

    def _doubt(self, number: int, whose: str) -> tuple[str, str] | None:
        """Return why a row's latency is marked, in short and as the row has it."""
        flags = self.board.measured[number].flags()
        if not flags:
            return None
        return f"{whose} {' and '.join(flags)} {self.where}", "; ".join(flags.values())

    def _few(self, value: Interval) -> tuple[str, str] | None:
        """Return why a figure has no interval."""
        why = f"fewer than 3 processes {self.where} (raise latency's processes)"
        return None if value.low else (why, "")


def speeds(old: Board, new: Board) -> Iterator[Change | Uncompared | None]:
    """Yield what became of each latency that either has; None of one that has not moved.

    Medians of times are compared on one machine, its own speed taken out, and speed-ups where
    the fingerprints are equal.
    """
    then, now = Side(old, "old"), Side(new, "new")
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
    side = Side(old, "old")
    for what, span in TIMES.items():
        for row in side.numbers:
            if value := side.time(row, span).value:
                why = "no such suite in the new results"
                yield Uncompared(old.suite, row, what, why, numbers=Numbers(value.value))


def _verdict(
    place: Place, old: Figure, new: Figure, kind: Kind, why: str
) -> Iterator[Change | Uncompared | None]:
    """Yield what became of a figure, if there is one."""
    numbers = _numbers(old, new)
    ratio, doubt = numbers.ratio, new if new.why else old
    if ratio is None:
        if old.value or new.value:
            lacks = old if old.value is None else new
            yield Uncompared(*place, lacks.why, lacks.detail, numbers)
        return
    tolerance = MARKED if doubt.why else kind.tolerance
    apart = max(ratio.value, 1 / ratio.value)
    worse = (ratio.value > 1) == kind.larger_is_worse
    if why:
        yield Uncompared(*place, why, "", numbers)
        return
    numbers = numbers._replace(tolerance=tolerance)
    if doubt.why:
        perhaps = ("worse" if worse else "better") if apart > tolerance else ""
        yield Uncompared(*place, doubt.why, doubt.detail, numbers, perhaps)
    elif apart <= tolerance or (ratio.low or 0) <= 1 <= (ratio.high or math.inf):
        yield None
    else:
        yield Change(*place, worse, _said(old, new, numbers), numbers)


def _numbers(old: Figure, new: Figure) -> Numbers:
    """Return both figures, and their ratio with a 95 % interval from theirs."""
    one, other = old.value, new.value
    if one is None or other is None:
        return Numbers(one and one.value, other and other.value)
    machine = new.kernel_ms / old.kernel_ms if new.kernel_ms and old.kernel_ms else None
    value, noise = (
        other.value / one.value / (machine or 1.0),
        math.hypot(_half(one), _half(other)),
    )
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
        next((session.header for own in board.measured for session, _ in own.cells), None)
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
