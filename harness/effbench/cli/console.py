"""Progress of the work: bars with rates on a terminal, plain lines elsewhere."""

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
"""Seconds between two lines about a piece of work, if the output is not a terminal."""

WIDE = 120
"""The least width of a terminal, in characters, on which bars are drawn.

On a narrower terminal they would leave too little room for the labels of the work.
"""


class _Bar(BarColumn):
    def render(self, task: Task) -> Any:
        work = task.fields["work"]
        task.completed, task.total = work.done, work.whole
        return super().render(task)


class _Figures(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.fields["work"].figures, no_wrap=True)


class Terminal:
    """Shows each piece of work as a bar; when the work is done, a line replaces the bar.

    Notes are printed above the bars. If the output is not a terminal, a line each minute
    replaces the bars.
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
            redirect_stdout=False,  # the guard shows what plugins print, with their names
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
        """Show a piece of work; yield a tally, to which the caller reports finished units."""
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
        """Print a line about each piece of work in progress."""
        for work in list(self._running):
            self.note(f"{work.label}: {work.figures}")

    def _tell(self) -> None:
        while not self._over.wait(self._every):
            self.tell()

    def note(self, message: str) -> None:
        """Print one line."""
        self._console.print(harmless(message), markup=False, highlight=False, soft_wrap=True)


class _ForgivingStderr:
    """Standard error for rich. If it cannot be written, the text is lost and work goes on."""

    def write(self, text: str) -> None:
        """Write a text, if standard error takes it."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush standard error, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def _stream(self) -> Any:
        # while bars are shown, sys.stderr is rich's proxy; a closed sys.stderr may be None
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr) or io.StringIO()


def stderr() -> Console:
    """Return the console for progress; of several processes, only the first prints."""
    stream = cast("IO[str]", _ForgivingStderr())
    return Console(file=stream, quiet=processes.rank() > 0)
