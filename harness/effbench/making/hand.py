"""A hand: a device of this machine, with the worker processes that make steps on it."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from effbench.making.messages import Made, Order, Ready, Source
from effbench.making.process import Died, Limits, Process
from effbench.work.progress import Progress

Group: TypeAlias = frozenset[str]
"""The plugins whose code a worker may run beside effbench's own."""

MOST_WORKERS = 3
"""Workers that a hand keeps. All but one have dropped their models."""

START = Limits(600.0, 2**62, "it was still planning the suite, does a plugin hang?")
"""What the plan of a suite may take: its datasets may be large."""


@dataclass
class Hand:
    """The workers of a device: one for each group of plugins. They make one step at a time."""

    source: Source
    device: str | None
    threads: int | None
    """The threads of each library; None for the libraries' own choice."""

    limits: Limits
    progress: Progress
    starter: ThreadPoolExecutor
    """The thread that starts processes: Linux ends a worker with the thread that started it."""

    _workers: OrderedDict[Group, Process] = field(default_factory=OrderedDict)
    _ready: set[Group] = field(default_factory=set)

    def make(self, group: Group, order: Order) -> Made:
        """Let the worker of a group make a step, or a piece of it.

        Raises:
            Died: the worker has ended, hangs, or takes too much memory; it is ended then.

        """
        self._make_room(group)
        self.start(group)
        try:
            worker = self.ready(group)
            self._workers.move_to_end(group)
            worker.send("make", order=order)
            return worker.answer(Made, self.limits)
        except BaseException as error:
            self._end(group, soft=isinstance(error, KeyboardInterrupt))
            raise

    def ready(self, group: Group) -> Process:
        """Return the worker of a group after it has planned the suite; raise `Died` if not."""
        self.start(group)
        worker = self._workers[group]
        if group not in self._ready:
            worker.answer(Ready, START)
            self._ready.add(group)
        return worker

    def start(self, group: Group) -> None:
        """Start the worker of a group, which plans the suite; do not wait for it.

        A worker that has died since its last step, such as by a thread that the step left, is
        replaced: the next step has no part in that.
        """
        if group in self._workers and not self._workers[group].alive:
            self._end(group)
        if group not in self._workers:
            begun = self.starter.submit(Process, self.threads, self.progress)
            self._workers[group] = worker = begun.result()
            worker.send("open", source=self.source, device=self.device)

    def end(self, *, soft: bool = False) -> None:
        """End all workers; with ``soft``, a training may first save its work."""
        for group in list(self._workers):
            self._end(group, soft=soft)

    def _make_room(self, group: Group) -> None:
        """Let the worker that made the last step drop its models, if it is another one."""
        others = [name for name in self._workers if name != group]
        for oldest in others[: max(0, len(others) + 1 - MOST_WORKERS)]:
            self._end(oldest)
        last = next(reversed(self._workers), group)
        if last != group and last in self._ready:
            try:
                self._workers[last].send("close")
                self._workers[last].answer(Ready, START)
            except Died:  # the step to come has no part in that
                self._end(last)

    def _end(self, group: Group, *, soft: bool = False) -> None:
        self._ready.discard(group)
        worker = self._workers.pop(group, None)  # another thread may be ending all
        if worker is not None:
            worker.end(soft=soft)
