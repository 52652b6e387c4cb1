"""Compares the latencies of two folders of results (``effbench diff``): times and speed-ups."""

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


class FigureKind(NamedTuple):
    """A kind of latency figure: times or speed-ups."""

    tolerance: float
    """Two figures are equal if their ratio is not larger."""

    larger_is_worse: bool


TIME = FigureKind(1.15, larger_is_worse=True)
"""Times of three sessions within an hour differed by up to 1.064 at equal machine speed."""

SPEED_UP = FigureKind(1.10, larger_is_worse=False)
"""Speed-ups in these sessions differed by up to 1.11, but within their intervals."""

MARKED = 3.0
"""The tolerance for marked times: a busy machine has made a time 2.15 times as long."""

DIFFERENCES = 3
"""The number of differences between two machines that a message names."""


class Doubt(NamedTuple):
    """Why a figure is missing or not sure; empty if it is sure."""

    why: str = ""
    """The reason in a few words, which are the same for many rows."""

    detail: str = ""
    """The details of the reason for this row."""


class Figure(NamedTuple):
    """A row's time or speed-up in one of the two results."""

    value: Interval | None
    doubt: Doubt = Doubt()
    kernel_ms: float | None = None
    """The time of the calibration in the same sessions; only for times."""


class FigureName(NamedTuple):
    """The name of a latency figure."""

    suite: str
    row: str
    """The row and its index."""

    figure: str


class BoardFigures:
    """The latency figures of a board, by the names of its rows."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.numbers = {
            f"{line.row} {line.index}".strip(): number
            for number, line in enumerate(board.lines)
        }
        self.baseline = next(
            (row for row, i in self.numbers.items() if i == board.baseline), None
        )

    def time(self, row: str, span: str) -> Figure:
        """Return the median of a span of a row in ms."""
        number = self.numbers.get(row)
        if number is None:
            return Figure(None, Doubt("no such row"))
        value, why = time_of(self.board, number, span, 50)
        if value is None:
            return Figure(None, Doubt(why))
        latency = self.board.latencies[number]
        return Figure(value, _doubt("latency", latency, value), latency.kernel_ms())

    def speedup(self, row: str, span: str) -> Figure:
        """Return how many times as fast as the baseline a row is."""
        number = self.numbers.get(row)
        if number is None:
            return Figure(None, Doubt("no such row"))
        latency, baseline = self.board.latencies[number], self.board.baseline_latency
        value = latency.speedup(baseline, span)
        if value is not None:
            return Figure(value, _doubt("latency", latency, value))
        doubts = self.time(row, span).doubt, _doubt("the baseline's latency", baseline)
        known = [doubt for doubt in doubts if doubt.why]
        return Figure(None, known[0] if known else Doubt("no latency of the baseline"))


def _doubt(name: str, latency: RowLatency, value: Interval | None = None) -> Doubt:
    """Return why a latency is not sure: it has flags, or its figure has no interval."""
    flags = latency.flags()
    if flags:
        return Doubt(f"{name} {' and '.join(flags)}", "; ".join(flags.values()))
    if value and value.low is None:
        return Doubt("fewer than 3 processes have steady times (raise latency's processes)")
    return Doubt()


def compare_latencies(old: Board, new: Board) -> Iterator[Change | Uncompared | None]:
    """Yield the result for each latency in either board; None if the latency has not moved.

    Median times are compared if both were measured on one machine, after dividing by the
    machine's speed. Speed-ups are compared if the machines have equal fingerprints.
    """
    before, after = BoardFigures(old), BoardFigures(new)
    rows = list(dict.fromkeys([*before.numbers, *after.numbers]))
    settings = _settings(old, new)
    elsewhere = f"measured on {old.machine} and on {new.machine}"
    machines = settings or ("" if old.machine == new.machine else elsewhere)
    moved: list[str] = []
    for figure, span in TIMES.items():
        for row in rows:
            pair = before.time(row, span), after.time(row, span)
            for result in _compare(FigureName(old.suite, row, figure), *pair, TIME, machines):
                if isinstance(result, Change) and row == before.baseline:
                    moved.append(span)
                yield result
    for span in TIMES.values():
        why = settings or _unlike_baselines(before, after, moved=span in moved)
        for row in rows:
            if row != before.baseline:
                pair = before.speedup(row, span), after.speedup(row, span)
                name = FigureName(old.suite, row, f"speed-up {span}")
                yield from _compare(name, *pair, SPEED_UP, why)


def lost_times(old: Board) -> Iterator[Uncompared]:
    """Yield the times of a suite that is not in the new results."""
    figures = BoardFigures(old)
    for figure, span in TIMES.items():
        for row in figures.numbers:
            if value := figures.time(row, span).value:
                why = f"no such suite {NEW}"
                yield Uncompared(old.suite, row, figure, why, numbers=Numbers(value.value))


def _compare(
    name: FigureName, old: Figure, new: Figure, kind: FigureKind, why: str
) -> Iterator[Change | Uncompared | None]:
    """Yield the result for a figure; nothing if neither board has it.

    ``why`` says why figures of this kind cannot be compared; it is empty if they can.
    """
    numbers = _numbers(old, new)
    ratio = numbers.ratio
    if ratio is None:
        if old.value:
            yield Uncompared(*name, f"{new.doubt.why} {NEW}", new.doubt.detail, numbers)
        elif new.value:
            yield Uncompared(*name, f"{old.doubt.why} {OLD}", old.doubt.detail, numbers)
        return
    if why:
        yield Uncompared(*name, why, "", numbers)
        return
    in_doubt = bool(old.doubt.why or new.doubt.why)
    tolerance = MARKED if in_doubt else kind.tolerance
    numbers = numbers._replace(tolerance=tolerance)
    factor = max(ratio.value, 1 / ratio.value)
    worse = (ratio.value > 1) == kind.larger_is_worse
    if in_doubt:
        perhaps = ("worse" if worse else "better") if factor > tolerance else ""
        detail = new.doubt.detail or old.doubt.detail
        yield Uncompared(*name, _doubts(old.doubt, new.doubt), detail, numbers, perhaps)
    elif factor <= tolerance or (ratio.low or 0) <= 1 <= (ratio.high or math.inf):
        yield None
    else:
        yield Change(*name, worse, _message(old, new, numbers), numbers)


def _doubts(old: Doubt, new: Doubt) -> str:
    """Say why a figure is not sure in the old, the new or both results."""
    if old.why == new.why:
        return f"{old.why} in both results"
    places = ((old, OLD), (new, NEW))
    return " and ".join(f"{doubt.why} {place}" for doubt, place in places if doubt.why)


def _numbers(old: Figure, new: Figure) -> Numbers:
    """Return both figures and their ratio, with a 95 % interval from their intervals."""
    before, after = old.value, new.value
    if before is None or after is None:
        return Numbers(before and before.value, after and after.value)
    machine = new.kernel_ms / old.kernel_ms if new.kernel_ms and old.kernel_ms else None
    value = after.value / before.value / (machine or 1.0)
    noise = math.hypot(_half_width(before), _half_width(after))
    ratio = Interval(value)
    if noise < math.inf:
        ratio = Interval(value, value / math.exp(noise), value * math.exp(noise))
    return Numbers(before.value, after.value, ratio=ratio, machine=machine)


def _half_width(value: Interval) -> float:
    """Return half the width of the interval of a figure's logarithm."""
    return math.log(value.high / value.low) / 2 if value.low and value.high else math.inf


def _message(old: Figure, new: Figure, numbers: Numbers) -> str:
    spelled = [figure.value.spelled() for figure in (old, new) if figure.value]
    return f"{' -> '.join(spelled)} ({numbers.times()})"


def _settings(old: Board, new: Board) -> str:
    """Say how the machines or conditions of the sessions differ; empty if they are equal."""
    before, after = (
        next((session.header for row in board.latencies for session, _ in row.cells), None)
        for board in (old, new)
    )
    if before is None or after is None:
        return ""
    unlike = [
        *fingerprint.differences(before.conditions, after.conditions),
        *fingerprint.differences(before.fingerprint, after.fingerprint),
    ]
    more = f" and {len(unlike) - DIFFERENCES} more" if len(unlike) > DIFFERENCES else ""
    named = "; ".join(unlike[:DIFFERENCES])
    return f"the machine or its settings differ: {named}{more}" if unlike else ""


def _unlike_baselines(old: BoardFigures, new: BoardFigures, *, moved: bool) -> str:
    """Say why speed-ups over the baselines cannot be compared; empty if they can."""
    if old.baseline != new.baseline:
        return f"over another baseline: {old.baseline}, now {new.baseline}"
    return f"the baseline {old.baseline} moved itself" if moved else ""
