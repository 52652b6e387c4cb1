"""Progress of a run: pieces of work are counted, and a watcher shows them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Protocol

from effbench.store.reading import shown
from effbench.text.words import counted, lasting, paced

MOST = 10**15
"""The largest number of steps that a training may tell."""

FEWEST, SHORTEST_SECONDS = 10, 0.1
"""Fewest units, and seconds, for which the rate of finished work is shown."""

EARLY_SECONDS = 2.0
"""The first units are slow: fewer than `FEWEST` in less time give no estimate."""


class Tally:
    """A piece of work: how much of it is done, how fast, and how much is left."""

    def __init__(
        self,
        label: str,
        total: int | None,
        unit: str,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Begin; ``unit`` is a noun in the plural, ``total`` is None if nobody knows it."""
        self.label, self.total, self.unit, self.done = label, total, unit, 0
        self._clock = clock
        self._began = self._paced = self._counted = clock()
        self.before = 0
        """How many of the done units an earlier attempt has done."""

        self._told = False

    def __call__(self, units: int) -> None:
        """Count ``units`` more units as done."""
        self.reach(self.done + units)

    def skip(self, units: int) -> None:
        """Count units that an earlier attempt has done; they do not count for the rate."""
        self.done += units
        self.before += units

    def more(self, units: int) -> None:
        """Add units to the total, if it is known."""
        if self.total is not None:
            self.total += units

    def reach(self, done: int) -> None:
        """Set the number of units that are done."""
        self.done, self._counted = done, self._now

    def mirror(self, done: int, before: int, total: int | None, unit: str) -> None:
        """Take over how far a tally in another process has come."""
        if self.unit != unit:  # the work before the first step of a training does not count
            self._paced = self._now
        self.before, self.total, self.unit = before, total, unit
        self.reach(done)

    def steps(self, done: int, total: int) -> None:
        """Count steps from now on; the first call tells the steps of an earlier attempt."""
        done, total = operator.index(done), operator.index(total)
        if not (0 <= done <= MOST and 0 <= total <= MOST):
            numbers = f"{shown(done)} of {shown(total)} steps"
            raise ValueError(f"tell_steps: {numbers} (take numbers from 0 to {MOST:,})")
        self.reach(done)
        self.total, self.unit = total, "steps"
        # work before the first step, such as reading the model, does not count
        if not self._told:
            self._told, self.before, self._paced = True, self.done, self._counted

    @property
    def share(self) -> float:
        """Share of the done units, 0 to 1, that no earlier attempt has done."""
        return (self.done - self.before) / self.done if self.done else 1.0

    @property
    def _now(self) -> float:
        return max(self._clock(), self._counted)  # some machines' clocks go back

    @property
    def whole(self) -> int | None:
        """The total; None if it is unknown, or if more units are done than that."""
        return None if self.total is None or self.done > self.total else self.total

    @property
    def figures(self) -> str:
        """Return how far the work is: units done, units in total, the rate, the time left."""
        whole, now = self.whole, self._now
        parts = [counted(self.done, self.unit)]
        if whole is not None:
            parts = [f"{self.done:,}/{counted(whole, self.unit)}"]
        # the time ends with the last count: units come in batches, and a batch is under way
        new, seconds = self.done - self.before, self._counted - self._paced
        left = 0.0
        if seconds > 0 and (new >= FEWEST or (new > 0 and seconds >= EARLY_SECONDS)):
            parts.append(paced(new / seconds, self.unit))
            if whole is not None:
                left = (whole - self.done) * seconds / new - (now - self._counted)
        parts.append(
            f"{lasting(left)} left" if left >= 1 else f"{lasting(now - self._began)} so far"
        )
        return ", ".join(parts)

    @property
    def closing(self) -> str:
        """Return what was done, in what time, and at what rate."""
        seconds, new = self._now - self._began, self.done - self.before
        before = f" ({self.before:,} done before)" if self.before else ""
        rate = ""
        if new >= FEWEST and seconds >= SHORTEST_SECONDS:
            rate = f" ({paced(new / seconds, self.unit)})"
        return f"{self.label}: {counted(self.done, self.unit)}{before} in {seconds:.1f} s{rate}"


class Progress(Protocol):
    """A watcher: it is told of work and notes, and shows them."""

    def work(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Tally]:
        """Enter a piece of work; the block counts the done units with the tally."""

    def note(self, message: str) -> None:
        """Take one line for the user."""


class Silent:
    """A watcher that shows nothing."""

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Tally]:
        """Count, and show nothing."""
        yield Tally(label, total, unit)

    def note(self, message: str) -> None:
        """Do nothing."""


_watching: Progress = Silent()


@contextmanager
def watching(progress: Progress) -> Iterator[None]:
    """Show the work of each `tell_work` inside this block to ``progress``."""
    global _watching
    before, _watching = _watching, progress
    try:
        yield
    finally:
        _watching = before


def tell_work(label: str, total: int | None, unit: str) -> AbstractContextManager[Tally]:
    """Enter a piece of work, such as a download, and show it to the watcher of the run.

    Outside of a step nobody watches. Arguments and result are the same as in `Progress.work`.
    """
    return _watching.work(label, total, unit)


_training: Tally | None = None


@contextmanager
def training(work: Tally) -> Iterator[None]:
    """Count the steps of each `tell_steps` inside this block in ``work``."""
    global _training
    before, _training = _training, work
    try:
        yield
    finally:
        _training = before


def tell_steps(done: int, total: int) -> None:
    """Tell the watcher how many steps a training has done; a trainer calls this.

    Call it once before the first step, with the steps of an earlier attempt, and then after
    each step. Outside of a run it does nothing.

    Raises:
        TypeError: a number is not an integer.
        ValueError: a number is below 0, or above `MOST`.

    """
    if _training is not None:
        _training.steps(done, total)


_encoding: Callable[[int], None] | None = None


@contextmanager
def encoding(work: Tally, items: int) -> Iterator[None]:
    """Count ``items`` in ``work``: as `tell_encoded` tells them, and the others at the end."""
    global _encoding
    before, told = _encoding, 0

    def tell(count: int) -> None:
        nonlocal told
        new = min(count, items - told)
        told += new
        work(new)

    _encoding = tell
    try:
        yield
    finally:
        _encoding = before
    work(items - told)


def tell_encoded(count: int) -> None:
    """Tell the watcher that an encoder has encoded ``count`` more of its texts or docs.

    An encoder may call this while it works on a large list. Outside of a run it does nothing.

    Raises:
        TypeError: ``count`` is not an integer.
        ValueError: ``count`` is below 0.

    """
    count = operator.index(count)
    if count < 0:
        raise ValueError(f"tell_encoded: {shown(count)} (take a number from 0)")
    if _encoding is not None:
        _encoding(count)
