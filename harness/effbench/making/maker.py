"""The maker: makes steps of a suite by their keys, in a worker process of any kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.making.messages import Begun, Counted, Event, Made, Noted, Order, Over, Source
from effbench.offers import plugins
from effbench.plan import planner
from effbench.store.artifacts import Store
from effbench.store.digests import DIGESTS
from effbench.work.failures import StepFailed
from effbench.work.progress import Tally
from effbench.work.workbench import Workbench

SINCE = "has changed since the run began (run the suite again)"

EVERY_SECONDS = 0.25
"""The time between two messages on the progress of a piece of work."""


class Maker:
    """A suite's steps, and the workbench on which this process makes them."""

    def __init__(
        self, source: Source, device: str | None, tell: Callable[[Event], object]
    ) -> None:
        """Plan the suite; ``tell`` takes the events of all later orders.

        Raises:
            EffbenchError: the suite cannot be planned here.

        """
        store = Store(Path(source.cache))
        self._steps = planner.make(
            Path(source.path),
            plugins.load(),
            store.root / DIGESTS,
            Path(source.data),
            source.text,
        ).steps()
        self._bench = Workbench(store, Told(tell), device)

    def make(self, order: Order) -> Made:
        """Make a step whose inputs are finished, or a piece of it."""
        step = self._steps.get(order.key)
        if step is None:
            raise EffbenchError(f"what step {order.key} is made of {SINCE}")
        self._bench.trust(self._steps[key] for key in order.sound if key in self._steps)
        try:
            self._bench.make(step, order.piece)
        except StepFailed as failure:
            self._bench.close()
            return Made(failure.reason, self._bench.distrusts)
        return Made()

    def close(self) -> None:
        """Drop the open models and indexes, to free their memory."""
        self._bench.close()


class Told:
    """A watcher whose work and notes become events."""

    def __init__(self, tell: Callable[[Event], object]) -> None:
        self._tell, self._numbers = tell, count()
        self._running: dict[int, Tally] = {}

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Tally]:
        """Tell of the beginning, of the progress now and then, and of the end."""
        number, work = next(self._numbers), Tally(label, total, unit)
        self._tell(Begun(number, label, total, unit))
        self._running[number] = work
        self._clock  # noqa: B018 - it starts with the first work
        try:
            yield work
        finally:
            del self._running[number]
            self._count(number, work)
            self._tell(Over(number))

    def note(self, message: str) -> None:
        """Tell the user a line."""
        self._tell(Noted(message))

    @cached_property
    def _clock(self) -> threading.Thread:
        thread = threading.Thread(target=self._count_all, name="progress", daemon=True)
        thread.start()
        return thread

    def _count_all(self) -> None:
        told: dict[int, int] = {}
        pause = threading.Event()
        while not pause.wait(EVERY_SECONDS):
            for number, work in list(self._running.items()):
                if told.get(number) != work.done:
                    told[number] = work.done
                    self._count(number, work)

    def _count(self, number: int, work: Tally) -> None:
        self._tell(Counted(number, work.done, work.before, work.total, work.unit))
