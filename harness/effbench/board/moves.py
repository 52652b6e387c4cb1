"""What ``effbench diff`` says of single figures: those that moved, those not compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from effbench.statistics.figures import Interval

NAMED = 12
"""Rows that a line names; JSON has all."""

SLIGHT = 0.02
"""Share by which the machine's speed may differ without a word."""


class Numbers(NamedTuple):
    """What is known of a figure, old and new."""

    old: float | None = None
    new: float | None = None
    difference: Interval | None = None
    """Of scores: the new one less the old one."""

    ratio: Interval | None = None
    """Of times and speed-ups: the new one over the old one, at equal speed of the machine."""

    p: float | None = None
    tolerance: float | None = None
    """What the difference may be, or the ratio (or its inverse), without having moved."""

    machine: float | None = None
    """What the calibration took, new over old: the ratio of times is divided by it."""

    def facts(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        return {
            name: value._asdict() if isinstance(value, Interval) else value
            for name, value in self._asdict().items()
        }

    def times(self) -> str:
        """Say how many times as large as the old figure the new one is."""
        said = f"{self.ratio.spelled()} times" if self.ratio else ""
        if self.machine and abs(self.machine - 1) >= SLIGHT:
            said += (
                f" at equal speed of the machine, which took {self.machine:.2f} times as long"
            )
        return said


class Change(NamedTuple):
    """A figure that moved, or a cell that is lost."""

    suite: str
    where: str
    """A cell, or a row and its index."""

    what: str
    worse: bool
    said: str
    numbers: Numbers = Numbers()

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**_plain(self), **self.numbers.facts()}

    def line(self) -> str:
        """Return what a person reads."""
        sign = "worse" if self.worse else "better"
        return f"{sign:6} {self.suite} {self.where}: {self.what} {self.said}"


class Uncompared(NamedTuple):
    """A figure of which nothing sure can be said."""

    suite: str
    where: str
    what: str
    why: str
    """In words that all rows share that have this reason."""

    detail: str = ""
    """The reason as this row has it."""

    numbers: Numbers = Numbers()
    perhaps: str = ""
    """Worse or better, where noise hardly explains the numbers."""

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**_plain(self), **self.numbers.facts()}


def _plain(one: Change | Uncompared) -> dict[str, Any]:
    return {name: value for name, value in one._asdict().items() if name != "numbers"}


def suspected(every: Iterable[Uncompared]) -> Iterator[str]:
    """Yield a line for each figure that has moved so far that its marks hardly explain it."""
    for one in every:
        numbers = one.numbers
        if one.perhaps and numbers.old and numbers.new and numbers.ratio and numbers.tolerance:
            yield (
                f"perhaps {one.perhaps} {one.suite} {one.where}: {one.what} "
                f"{numbers.old:.3g} -> {numbers.new:.3g} ({numbers.times()}): beyond "
                f"the {numbers.tolerance:g} times that a busy machine explains, but not sure "
                f"({one.why})"
            )


def grouped(every: Iterable[Uncompared]) -> Iterator[str]:
    """Yield a line for each reason, with the figures and rows that have it."""
    groups: dict[tuple[str, str], list[Uncompared]] = {}
    for one in every:
        groups.setdefault((one.suite, one.why), []).append(one)
    for (suite, why), some in groups.items():
        detail = next((f" (such as {one.detail})" for one in some if one.detail), "")
        yield f"not compared {suite}: {why}{detail}: {named(some)}"


def named(some: Sequence[Uncompared]) -> str:
    """Return which figures of which rows they are."""
    rows = list(dict.fromkeys(one.where for one in some))
    figures = ", ".join(dict.fromkeys(one.what for one in some))
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{figures} of {', '.join(rows[:NAMED])}{more}"
