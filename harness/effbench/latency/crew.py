"""The crew of a round: a worker for each row, open and warm at the same time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from effbench.latency.place import Place
from effbench.latency.replies import Opened, Reply
from effbench.latency.workers import Worker, WorkerError, sweep
from effbench.machine import linux
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions

R = TypeVar("R", bound=Reply)


class Crew:
    """Workers by cell; whoever crashes, hangs or is killed leaves, its last error kept."""

    def __init__(
        self,
        cells: Mapping[str, Cell],
        place: Place,
        options: LatencyOptions,
        cpus: Sequence[int] | None,
        errors: dict[str, WorkerError],
    ) -> None:
        """Start with nobody."""
        self._cells, self._place, self._options = cells, place, options
        self._cpus, self._errors = cpus, errors
        self._workers: dict[str, Worker] = {}
        self._idle: list[Worker] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _end([*self._workers.values(), *self._idle])

    def __contains__(self, cell: str) -> bool:
        return cell in self._workers

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def processes(self) -> list[int]:
        """The numbers of the processes that measure: ours, too."""
        return [os.getpid(), *(worker.pid for worker in self._workers.values())]

    @property
    def full(self) -> bool:
        """Whether the suite, or the machine's memory, allows no further row beside these.

        A row and the baseline always have their place; beyond that, another process like the
        largest so far must leave as much memory as it takes.
        """
        if len(self) < 2:
            return False
        if self._options.together:
            return len(self) >= self._options.together
        largest = max(worker.resident_bytes for worker in self._workers.values())
        return linux.free_bytes() < 2 * largest

    def take_worst_place(self, cell: str) -> None:
        """Start a worker that is never timed, before the others; it stays until they end.

        Who starts first after a round has ended seems to get the scattered pages of memory that
        were freed then: on Linux in a virtual machine MiniLM was 3 to 9 % slower from there,
        whichever row it was, and not so with huge pages or with this worker before it.
        """
        try:
            worker = self._worker(cell)
        except WorkerError:  # the row itself will say
            return
        self._idle.append(worker)
        try:
            worker.ask("open", Opened, self._options.timeout, **self._opening(cell))
        except WorkerError:
            _end([self._idle.pop()])

    def start(self, cell: str) -> Opened | None:
        """Start a cell's worker and let it open its row; return what that took."""
        try:
            self._workers[cell] = self._worker(cell)
        except WorkerError as error:
            self._errors[cell] = error
            return None
        return self.ask(cell, "open", Opened, **self._opening(cell))

    def ask(
        self, who: str, what: str, reply: type[R], *, more_seconds: float = 0.0, **options: Any
    ) -> R | None:
        """Return a worker's answer; None if there is none in time, and then no worker."""
        if who not in self._workers:
            return None
        timeout = self._options.timeout + more_seconds
        try:
            return self._workers[who].ask(what, reply, timeout, **options)
        except WorkerError as error:
            self._errors[who] = error
            _end([self._workers.pop(who)])
            return None

    def _worker(self, cell: str) -> Worker:
        return Worker(self._cells[cell].row.who, self._options.threads, self._cpus)

    def _opening(self, cell: str) -> dict[str, Any]:
        return {"threads": self._options.threads, **self._place.spelled(self._cells[cell])}


def _end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.end()
    sweep(workers)
