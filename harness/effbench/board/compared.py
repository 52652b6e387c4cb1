"""A row compared with another row: its figures, and what they say in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from effbench.statistics.figures import Interval
from effbench.statistics.significance import SIGNIFICANT
from effbench.text.words import counted


@dataclass(frozen=True)
class Comparison:
    """A row compared with another row on one dataset of one suite on one machine."""

    machine: str
    suite: str
    dataset: str
    row: str
    other: str
    through: str
    """The index of both rows with its search setting; empty if neither has an index."""

    measure: str
    queries: int
    score: float
    other_score: float
    difference: Interval
    """The difference of the scores; its 95 % interval is a bootstrap over queries."""

    kept: Interval | None
    """The row's share of the other row's score; None if that score is 0."""

    p: float
    """The p-value of a paired randomisation test, corrected by Holm for those of the suite."""

    span: str
    milliseconds: Interval | None
    """The row's median time in ms; None if no latency session has it."""

    other_milliseconds: Interval | None
    speedup: Interval | None
    saved: Interval | None
    """How many ms less than the other row the row takes for a query."""

    complaints: tuple[str, ...]
    """What speaks against the latencies."""

    def facts(self) -> dict[str, Any]:
        """Return the comparison as JSON data."""
        return {
            name: value._asdict() if isinstance(value, Interval) else value
            for name, value in vars(self).items()
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines for people: the figures and a sentence."""
        through = f", through {self.through}" if self.through else ""
        yield (
            f"{self.suite} on {self.machine}, {self.dataset} "
            f"({counted(self.queries, 'queries')}){through}"
        )
        yield (
            f"  {self.measure}: {self.row} {self.score:.4f}, "
            f"{self.other} {self.other_score:.4f}; difference {self.difference.value:+.4f} "
            f"[{self.difference.low:+.4f}, {self.difference.high:+.4f}], p {self.p:.4f}"
        )
        if self.milliseconds and self.other_milliseconds and self.speedup and self.saved:
            ratio = f"; ratio {self.speedup.spelled()}, ms saved {self.saved.spelled()}"
            ratio = "" if self.complaints else ratio  # marked times have no ratio
            yield (
                f"  {self.span} p50 ms: {self.row} {self.milliseconds.spelled()}, {self.other} "
                f"{self.other_milliseconds.spelled()}{ratio}"
            )
        yield f"  {self.sentence()}"
        yield from (f"  note: {complaint}" for complaint in self.complaints)

    def sentence(self) -> str:
        """Say in one sentence how the row compares with the other row."""
        return f"{self.row} {_quality(self)}{_speed(self)}."


def _quality(result: Comparison) -> str:
    """Say which share of the other row's score the row has."""
    if result.kept is None:
        return f"cannot be compared with {result.other}, which scores no more than 0"
    value, low, high = result.kept
    bounds = "" if low is None or high is None else f" [{low:.1%}, {high:.1%}]"
    share = f"{value:.1%}{bounds} of {result.other}'s {result.measure}"
    if result.p >= SIGNIFICANT:
        return f"has {share}, which may be chance (p {result.p:.2f})"
    return f"{'keeps' if result.difference.value < 0 else 'reaches'} {share}"


def _speed(result: Comparison) -> str:
    """Say how fast the row is, or why the speed is not compared."""
    ratio = result.speedup
    if result.complaints:
        return "; its speed is not compared: a latency is marked"
    if ratio is None or ratio.low is None or ratio.high is None:
        return f"; its speed cannot be compared: no latency session has enough of {result.span}"
    if ratio.low <= 1 <= ratio.high:
        return (
            f", and no difference in speed could be shown ({ratio.spelled()}x, {result.span})"
        )
    if ratio.value > 1:
        return f", and is {ratio.spelled()} times as fast ({result.span})"
    inverse = Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    return f", and takes {inverse.spelled()} times as long ({result.span})"
