"""Who watches a run: told of work and of notes, never printing by itself."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Protocol

from effbench.store.reading import shown
from effbench.text.words import counted, lasting, paced

MOST = 10**15
"""Steps that a training may tell of."""

FEWEST, SHORTEST_SECONDS = 10, 0.1
"""Units and time of which a finished work's rate means something."""

EARLY_SECONDS = 2.0
"""The first units are slow: fewer than `FEWEST` in less time foretell nothing."""


class Tally:
    """A piece of work while it is done: how much of it, how fast, and what is left."""

    def __init__(
        self,
        label: str,
        total: int | None,
        unit: str,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Begin; ``unit`` is a noun in the plural, ``total`` None where nobody knows it."""
        self.label, self.total, self.unit, self.done = label, total, unit, 0
        self._clock = clock
        self._began = self._paced = self._counted = clock()
        self._before = 0
        self._told = False

    def __call__(self, units: int) -> None:
        """Count units that are done now."""
        self.reach(self.done + units)

    def skip(self, units: int) -> None:
        """Count units that an earlier attempt has done: they say nothing of the rate."""
        self.done += units
        self._before += units

    def more(self, units: int) -> None:
        """Let there be more to do than was known."""
        if self.total is not None:
            self.total += units

    def reach(self, done: int) -> None:
        """Be where so many units are done."""
        self.done, self._counted = done, self._now

    def steps(self, done: int, total: int) -> None:
        """Count steps from now on; the first call says where an earlier attempt has ended."""
        done, total = operator.index(done), operator.index(total)
        if not (0 <= done <= MOST and 0 <= total <= MOST):
            told = f"{shown(done)} of {shown(total)} steps"
            raise ValueError(f"tell_steps: {told} (take numbers from 0 to {MOST:,})")
        self.reach(done)
        self.total, self.unit = total, "steps"
        if not self._told:  # what came before, such as reading the model, is no step
            self._told, self._before, self._paced = True, self.done, self._counted

    @property
    def share(self) -> float:
        """How much of what is done was not done by an earlier attempt."""
        return (self.done - self._before) / self.done if self.done else 1.0

    @property
    def _now(self) -> float:
        return max(self._clock(), self._counted)  # some machines' clocks go back

    @property
    def whole(self) -> int | None:
        """The total; None where it is unknown, or has turned out to be wrong."""
        return None if self.total is None or self.done > self.total else self.total

    @property
    def figures(self) -> str:
        """Say how far it is: what is done of how many, the rate, and the time left."""
        whole, now = self.whole, self._now
        said = [counted(self.done, self.unit)]
        if whole is not None:
            said = [f"{self.done:,}/{counted(whole, self.unit)}"]
        # until it was counted last: units come in batches, and one is under way
        new, seconds = self.done - self._before, self._counted - self._paced
        left = 0.0
        if seconds > 0 and (new >= FEWEST or (new > 0 and seconds >= EARLY_SECONDS)):
            said.append(paced(new / seconds, self.unit))
            if whole is not None:
                left = (whole - self.done) * seconds / new - (now - self._counted)
        said.append(
            f"{lasting(left)} left" if left >= 1 else f"{lasting(now - self._began)} so far"
        )
        return ", ".join(said)

    @property
    def closing(self) -> str:
        """Say what was done, and in what time."""
        seconds, new = self._now - self._began, self.done - self._before
        before = f" ({self._before:,} done before)" if self._before else ""
        rate = ""
        if new >= FEWEST and seconds >= SHORTEST_SECONDS:
            rate = f" ({paced(new / seconds, self.unit)})"
        return f"{self.label}: {counted(self.done, self.unit)}{before} in {seconds:.1f} s{rate}"


class Progress(Protocol):
    """Somebody who watches."""

    def work(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Tally]:
        """Enter a piece of work; tell what comes out of the units that are done."""

    def note(self, message: str) -> None:
        """Take one line for the user."""


class Silent:
    """Nobody watches."""

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Tally]:
        """Show nothing of it."""
        yield Tally(label, total, unit)

    def note(self, message: str) -> None:
        """Forget it."""


_watching: Progress = Silent()


@contextmanager
def watching(progress: Progress) -> Iterator[None]:
    """Let what `tell_work` tells inside be shown to who watches a run."""
    global _watching
    before, _watching = _watching, progress
    try:
        yield
    finally:
        _watching = before


def tell_work(label: str, total: int | None, unit: str) -> AbstractContextManager[Tally]:
    """Enter a piece of work, such as a download, that whoever watches is to see.

    Outside of a step nobody sees it. Arguments and result are those of `Progress.work`.
    """
    return _watching.work(label, total, unit)


_training: Tally | None = None


@contextmanager
def training(work: Tally) -> Iterator[None]:
    """Let what trainers tell inside count for a piece of work."""
    global _training
    before, _training = _training, work
    try:
        yield
    finally:
        _training = before


def tell_steps(done: int, total: int) -> None:
    """Tell whoever watches how many steps of all a training has done; a trainer calls it.

    It is called once before the first step, with those that were done before a kill, and after
    each step. Outside of a run it does nothing.

    Raises:
        TypeError: one of them is no integer.
        ValueError: one of them is less than 0, or more than a training has.

    """
    if _training is not None:
        _training.steps(done, total)
