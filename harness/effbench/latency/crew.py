"""The workers of a round: a process for each row, all of them open and warm at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from effbench.latency.cell_source import CellSource
from effbench.latency.replies import Opened, Reply
from effbench.latency.workers import Worker, WorkerError
from effbench.machine import linux
from effbench.making.leftovers import end_leftovers
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions

R = TypeVar("R", bound=Reply)


class Crew:
    """The workers by cell.

    A worker that crashes, hangs or is killed leaves the crew, and ``errors`` keeps its last
    error.
    """

    def __init__(
        self,
        cells: Mapping[str, Cell],
        source: CellSource,
        options: LatencyOptions,
        cpus: Sequence[int] | None,
        errors: dict[str, WorkerError],
    ) -> None:
        """Start without a worker; workers stay on ``cpus`` (None: on any)."""
        self._cells, self._source, self._options = cells, source, options
        self._cpus, self._errors = cpus, errors
        self._free = linux.free_bytes()
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
        """The numbers of the processes that measure, with our own."""
        return [os.getpid(), *(worker.pid for worker in self._workers.values())]

    @property
    def full(self) -> bool:
        """Whether the suite or the machine's memory allows no further row beside these rows.

        A row and the baseline always get a process. A third row gets one if the machine has
        free memory for two processes like the largest so far, and still has a third of the
        memory that was free before: other programs need some, too.
        """
        if len(self) < 2:
            return False
        if self._options.together:
            return len(self) >= self._options.together
        largest = max(worker.resident_bytes for worker in self._workers.values())
        return linux.free_bytes() < max(2 * largest, self._free / 3)

    def take_worst_place(self, cell: str) -> None:
        """Start a worker that is never timed, before all others; it ends with them.

        The process that starts first after a round seems to get the scattered pages of memory
        that the round has freed. On Linux in a virtual machine, MiniLM was 3 to 9 % slower in
        that process, whichever row it was. It was not slower with huge pages, nor with this
        worker before it.
        """
        try:
            worker = self._worker(cell)
        except WorkerError:  # the row's own worker will tell
            return
        self._idle.append(worker)
        try:
            worker.ask("open", Opened, self._options.timeout, **self._opening(cell))
        except WorkerError:
            _end([self._idle.pop()])

    def start(self, cell: str) -> Opened | None:
        """Start a cell's worker and let it open its row; None if that failed."""
        try:
            self._workers[cell] = self._worker(cell)
        except WorkerError as error:
            self._errors[cell] = error
            return None
        return self.ask(cell, "open", Opened, **self._opening(cell))

    def ask(
        self,
        cell: str,
        command: str,
        reply: type[R],
        *,
        more_seconds: float = 0.0,
        **options: Any,
    ) -> R | None:
        """Return the answer of a cell's worker; end the worker if it gives no answer in time.

        Return None then, and where the cell has no worker.
        """
        if cell not in self._workers:
            return None
        timeout = self._options.timeout + more_seconds
        try:
            return self._workers[cell].ask(command, reply, timeout, **options)
        except WorkerError as error:
            self._errors[cell] = error
            _end([self._workers.pop(cell)])
            return None

    def _worker(self, cell: str) -> Worker:
        return Worker(self._cells[cell].row.who, self._options.threads, self._cpus)

    def _opening(self, cell: str) -> dict[str, Any]:
        return {"threads": self._options.threads, **self._source.described(self._cells[cell])}


def _end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.end()
    end_leftovers({worker.mark for worker in workers})
