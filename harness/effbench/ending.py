"""How the program ends: never with success because something else ended it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn

ENDED = 1
"""The exit code when something ended the program that had no business to."""


@contextmanager
def no_silent_end() -> Iterator[None]:
    """Turn ``os._exit(0)`` of this process into `ENDED` and a line: nothing can catch it.

    Children that a library forks end by it as they should.
    """
    really, ours = os._exit, os.getpid()

    def end(status: int) -> NoReturn:
        if status == 0 and os.getpid() == ours:
            frame = traceback.extract_stack()[-2]
            sys.stdout.flush()
            sys.stderr.write(ended(f"os._exit(0) in {frame.filename}:{frame.lineno}") + "\n")
            sys.stderr.flush()
            status = ENDED
        really(status)

    os._exit = end
    try:
        yield
    finally:
        os._exit = really


def ended(how: str) -> str:
    """Return the line that says so."""
    return f"Error: something ended the program: {how} (a plugin must raise an error instead)"


def raised_in(trace: TracebackType | None) -> str:
    """Return the file and line that raised."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown code"
