"""Standard output: only effbench writes there; plugins' output goes to standard error.

Each line that Python code of a plugin prints gets the plugin's name. C libraries and programs
that a plugin starts write to file descriptor 1, so it leads to standard error from the start,
and effbench writes to a private copy of it.
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
    """Replaces `sys.stdout`: separates the output of effbench from the output of plugins."""

    def __init__(self, plain: Any, who: Callable[[], str | None]) -> None:
        """Write to ``plain`` while ``who()``, the plugin that runs, is None."""
        self._plain, self._who = plain, who
        self._begun = ""

    def write(self, text: str) -> int:
        """Write text, or show it with the name of the plugin that printed it."""
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
        """Flush the output of effbench, also when a plugin calls this."""
        self._plain.flush()

    def end(self) -> None:
        """Flush for the last time; when the disk is full, drop the text."""
        try:
            self._plain.flush()
        except (OSError, ValueError):
            self._plain = Path(os.devnull).open("w")  # noqa: SIM115 - until the program ends

    def end_line(self, who: str) -> None:
        """Show the unfinished line of the plugin ``who``."""
        line, self._begun = self._begun, ""
        self._show(who, [line])

    def close(self) -> None:
        """Do nothing, because a plugin must not close this stream."""

    def detach(self) -> Any:
        """Refuse, because a plugin must not take the stream away."""
        raise io.UnsupportedOperation("detach")

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the stream that is written to now."""
        return getattr(self._plain if self._who() is None else sys.stderr, name)

    @staticmethod
    def _show(who: str, lines: list[str]) -> None:
        say(*(f"{who}: {line}" for line in lines if line), err=True)


def private_stdout() -> Any:
    """Return a private stream to standard output, and lead descriptor 1 to standard error.

    Return None when `sys.stdout` is not descriptor 1.
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
        errors="backslashreplace",  # a character that the terminal lacks stops no output
        line_buffering=bool(sys.stdout.line_buffering),
    )
