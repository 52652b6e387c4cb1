"""Progress on the terminal: bars with rates where there is one, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import IO, Any, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

from effbench import processes
from effbench.printing import harmless
from effbench.words import counted


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {task.fields['unit']}/s" if speed else "")


def _rate(count: int, seconds: float) -> str:
    """Return the rate where one means something: many units in a time that can be told."""
    return f" ({count / seconds:,.0f}/s)" if count >= 10 and seconds >= 0.1 else ""


class Terminal:
    """Shows work as bars that vanish when done, leaving a line each; notes in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # what plugins print there is shown with their names
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Terminal:
        self._bars.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bars.stop()

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        """Show a piece of work; yield what is called with the number of units done."""
        start, count = perf_counter(), 0
        bar = self._bars.add_task(escape(harmless(label)), total=total, unit=unit)

        def advance(units: int) -> None:
            nonlocal count
            count += units
            self._bars.advance(bar, units)

        try:
            yield advance
        finally:
            self._bars.remove_task(bar)
        seconds = perf_counter() - start
        self.note(f"{label}: {counted(count, unit)} in {seconds:.1f} s{_rate(count, seconds)}")

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
