"""Standard output is the program's alone: what plugins print goes to standard error, named.

What Python prints while a plugin is called gets the plugin's name before each line. File
descriptor 1 itself leads to standard error from the start, for C libraries and for programs
that a plugin starts; the program's own output goes to a copy of it that nobody else has.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from effbench.text.printing import say


class Output:
    """Stands in for `sys.stdout`: the program's own output, unless a plugin is at work."""

    def __init__(self, plain: Any, who: Callable[[], str | None]) -> None:
        """Send what is written to ``plain`` while ``who()`` is nobody."""
        self._plain, self._who = plain, who
        self._begun = ""

    def write(self, text: str) -> int:
        """Write text, or show it as what a plugin has printed."""
        who = self._who()
        if who is None:
            return int(self._plain.write(text))
        *lines, self._begun = re.split("[\r\n]+", self._begun + text)
        self._show(who, lines)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the program's own output, whoever asks."""
        self._plain.flush()

    def end(self) -> None:
        """Flush it for the last time; what a full disk has not taken is not tried again."""
        try:
            self._plain.flush()
        except (OSError, ValueError):
            self._plain = Path(os.devnull).open("w")  # noqa: SIM115 - until the program ends

    def end_line(self, who: str) -> None:
        """Show the line that a plugin has begun and not ended."""
        line, self._begun = self._begun, ""
        self._show(who, [line])

    def close(self) -> None:
        """Do nothing: it is not a plugin's to close."""

    def detach(self) -> Any:
        """Refuse, for the same reason."""
        raise io.UnsupportedOperation("detach")

    def __getattr__(self, name: str) -> Any:
        """Be in all else like the stream that is written to now."""
        return getattr(self._plain if self._who() is None else sys.stderr, name)

    @staticmethod
    def _show(who: str, lines: list[str]) -> None:
        say(*(f"{who}: {line}" for line in lines if line), err=True)


def own_stdout() -> Any:
    """Return a stream to where standard output leads now, and lead descriptor 1 elsewhere.

    None when `sys.stdout` is no descriptor 1.
    """
    try:
        if sys.stdout.fileno() != 1:
            return None
        sys.stdout.flush()
        copy = os.dup(1)
    except (AttributeError, OSError, ValueError):
        return None
    try:
        os.dup2(2, 1)
    except OSError:  # standard error is closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    binary = os.fdopen(copy, "wb", -1)
    return io.TextIOWrapper(
        binary,
        encoding=sys.stdout.encoding,
        errors="backslashreplace",  # a character that this terminal has not stops nothing
        line_buffering=bool(sys.stdout.line_buffering),
    )
