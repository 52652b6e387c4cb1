"""The making of steps ahead: while one device works for a cell, others work for later cells."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from effbench.store.artifacts import Store
from effbench.work.failures import StepFailed
from effbench.work.step import Step, all_steps, key_of
from effbench.work.workbench import Workbench


@contextmanager
def ahead(bench: Workbench, steps: Sequence[Step]) -> Iterator[None]:
    """Make steps until the block ends: each when its inputs are made and a device is idle.

    With one device, or without a step, nothing is made ahead. A step that fails is left to the
    cell that needs it, which tells the user.
    """
    threads = bench.maker.at_once if bench.maker and steps else 1
    if threads < 2:
        yield
        return
    waiting = _Waiting(lacking(steps, bench.store))
    workers = [
        threading.Thread(target=_make_all, args=(waiting, bench), daemon=True)
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        waiting.end()


def lacking(steps: Iterable[Step], store: Store) -> dict[str, Step]:
    """Return key -> step for all steps that must be made for ``steps``, inputs first."""
    return all_steps(steps, lambda step: store.artifact(step.kind, key_of(step)).finished())


def _make_all(waiting: _Waiting, bench: Workbench) -> None:
    while (step := waiting.take()) is not None:
        with suppress(StepFailed):
            bench.artifact(step)
        waiting.settle(step)


class _Waiting:
    """The steps that nobody has begun to make."""

    def __init__(self, steps: dict[str, Step]) -> None:
        self._steps, self._unsettled = steps, set(steps)
        self._change = threading.Condition()

    def take(self) -> Step | None:
        """Return the first step whose inputs are settled; wait for one; None at the end."""
        with self._change:
            while self._steps:
                for key, step in self._steps.items():
                    if self._unsettled.isdisjoint(map(key_of, step.inputs)):
                        return self._steps.pop(key)
                self._change.wait()
            return None

    def settle(self, step: Step) -> None:
        """Note that a step is made, or has failed."""
        with self._change:
            self._unsettled.discard(key_of(step))
            self._change.notify_all()

    def end(self) -> None:
        """Let nobody begin another step."""
        with self._change:
            self._steps.clear()
            self._change.notify_all()
