"""The results of ``effbench diff`` for single figures, and the lines that it prints of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from effbench.statistics.figures import Interval

NAMED = 12
"""The number of rows that a line names; JSON names all."""

SLIGHT = 0.02
"""A change of the machine's speed by less than this share is not mentioned."""


class Numbers(NamedTuple):
    """The old and the new value of a figure, and how they compare."""

    old: float | None = None
    new: float | None = None
    difference: Interval | None = None
    """For scores: the new value minus the old one."""

    ratio: Interval | None = None
    """For times and speed-ups: the new value over the old one, at equal machine speed."""

    p: float | None = None
    tolerance: float | None = None
    """A figure has not moved if its difference, ratio or inverse ratio is within this."""

    machine: float | None = None
    """The new time of the calibration over the old one; the ratio of times is divided by it."""

    def facts(self) -> dict[str, Any]:
        """Return the numbers as JSON data."""
        return {
            name: value._asdict() if isinstance(value, Interval) else value
            for name, value in self._asdict().items()
        }

    def times(self) -> str:
        """Say how many times as large as the old value the new one is."""
        text = f"{self.ratio.spelled()} times" if self.ratio else ""
        if self.machine and abs(self.machine - 1) >= SLIGHT:
            text += (
                f" at equal speed of the machine, which took {self.machine:.2f} times as long"
            )
        return text


class Change(NamedTuple):
    """A figure that moved, or a cell that is lost."""

    suite: str
    where: str
    """The cell, or the row and its index."""

    figure: str
    worse: bool
    message: str
    numbers: Numbers = Numbers()

    def facts(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        return {
            "suite": self.suite,
            "where": self.where,
            "what": self.figure,
            "worse": self.worse,
            "said": self.message,
            **self.numbers.facts(),
        }

    def line(self) -> str:
        """Return the line for people."""
        sign = "worse" if self.worse else "better"
        return f"{sign:6} {self.suite} {self.where}: {self.figure} {self.message}"


class Uncompared(NamedTuple):
    """A figure that could not be compared for sure."""

    suite: str
    where: str
    """The cell, or the row and its index."""

    figure: str
    why: str
    """The reason, in the same words for all rows that have it."""

    detail: str = ""
    """The details of the reason for this row."""

    numbers: Numbers = Numbers()
    perhaps: str = ""
    """"worse" or "better" if noise hardly explains the numbers."""

    def facts(self) -> dict[str, Any]:
        """Return the figure as JSON data."""
        return {
            "suite": self.suite,
            "where": self.where,
            "what": self.figure,
            "why": self.why,
            "detail": self.detail,
            "perhaps": self.perhaps,
            **self.numbers.facts(),
        }


def suspected(figures: Iterable[Uncompared]) -> Iterator[str]:
    """Yield a line for each marked figure that moved further than its marks explain."""
    for entry in figures:
        numbers = entry.numbers
        if (
            entry.perhaps
            and numbers.old
            and numbers.new
            and numbers.ratio
            and numbers.tolerance
        ):
            yield (
                f"perhaps {entry.perhaps} {entry.suite} {entry.where}: {entry.figure} "
                f"{numbers.old:.3g} -> {numbers.new:.3g} ({numbers.times()}): beyond "
                f"the {numbers.tolerance:g} times that a busy machine explains, but not sure "
                f"({entry.why})"
            )


def grouped(figures: Iterable[Uncompared]) -> Iterator[str]:
    """Yield a line for each reason, with the figures and rows that have it."""
    groups: dict[tuple[str, str], list[Uncompared]] = {}
    for entry in figures:
        groups.setdefault((entry.suite, entry.why), []).append(entry)
    for (suite, why), group in groups.items():
        detail = next((f" (such as {entry.detail})" for entry in group if entry.detail), "")
        yield f"not compared {suite}: {why}{detail}: {named(group)}"


def named(figures: Sequence[Uncompared]) -> str:
    """Return the names of figures and of their rows."""
    rows = list(dict.fromkeys(entry.where for entry in figures))
    names = ", ".join(dict.fromkeys(entry.figure for entry in figures))
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{names} of {', '.join(rows[:NAMED])}{more}"
