"""Progress on the terminal: bars with rates where there is one, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import IO, Any, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from effbench.guard import processes
from effbench.text.printing import harmless
from effbench.work.progress import Tally

EVERY_SECONDS = 60.0
"""Between two lines about a piece of work, where the output is no terminal."""

WIDE = 120
"""Columns of a terminal where a bar takes none from the names of what is done."""


class _Bar(BarColumn):
    def render(self, task: Task) -> Any:
        work = task.fields["work"]
        task.completed, task.total = work.done, work.whole
        return super().render(task)


class _Figures(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.fields["work"].figures, no_wrap=True)


class Terminal:
    """Shows work as bars that vanish when done, leaving a line each; notes in between.

    Where the output is no terminal there is a line a minute instead of bars.
    """

    def __init__(
        self,
        console: Console,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._console, self._every, self._clock = console, every, clock
        self._running: list[Tally] = []
        self._over = threading.Event()
        self._lines = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1)),
            *([_Bar(bar_width=20)] if console.width >= WIDE else []),
            _Figures(),
            console=console,
            expand=True,
            transient=True,
            redirect_stdout=False,  # what plugins print there is shown with their names
            disable=not console.is_interactive,
        )

    def __enter__(self) -> Terminal:
        self._bars.start()
        if not self._console.is_interactive:
            self._lines.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bars.stop()
        self._over.set()

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Tally]:
        """Show a piece of work; yield what is told of the units that are done."""
        work = Tally(label, total, unit, self._clock)
        bar = self._bars.add_task(escape(harmless(label)), total=total, work=work)
        self._running.append(work)
        try:
            yield work
        finally:
            self._running.remove(work)
            self._bars.remove_task(bar)
        self.note(work.closing)

    def tell(self) -> None:
        """Print a line about each piece of work that is being done."""
        for work in list(self._running):
            self.note(f"{work.label}: {work.figures}")

    def _tell(self) -> None:
        while not self._over.wait(self._every):
            self.tell()

    def note(self, message: str) -> None:
        """Print one line."""
        self._console.print(harmless(message), markup=False, highlight=False, soft_wrap=True)


class _Heard:
    """Standard error for rich: where nobody takes what is said there, no work stops for it."""

    def write(self, text: str) -> None:
        """Write what can be written."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush it, if that can be."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def _stream(self) -> Any:
        # while bars are shown, rich stands there itself; who has closed it has none
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr) or io.StringIO()


def stderr() -> Console:
    """Return the console of progress and remarks; of several processes the first has one."""
    return Console(file=cast("IO[str]", _Heard()), quiet=processes.rank() > 0)
