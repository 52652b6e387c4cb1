"""The watching of a worker: its events become work and notes of the main process."""

from __future__ import annotations

from contextlib import ExitStack

from effbench.making.messages import Begun, Counted, Event, Noted, Over
from effbench.work.progress import Progress, Tally


class Watched:
    """A context that shows the work of one order to a watcher; at its end no work is open."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: dict[int, tuple[ExitStack, Tally]] = {}

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *raised: object) -> None:
        for stack, _ in reversed(self._open.values()):
            stack.close()

    def take(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Begun():
                stack = ExitStack()
                work = self._progress.work(event.label, event.total, event.unit)
                self._open[event.work] = stack, stack.enter_context(work)
            case Counted() if event.work in self._open:
                _, tally = self._open[event.work]
                tally.mirror(event.done, event.before, event.total, event.unit)
            case Over() if event.work in self._open:
                stack, _ = self._open.pop(event.work)
                stack.close()
            case Noted():
                self._progress.note(event.text)
