"""What was raised, as text: one line of bounded length, a bounded traceback, its place."""

from __future__ import annotations

import traceback
from types import TracebackType

from effbench.api.errors import EffbenchError

LONGEST, LONGEST_TRACE = 300, 20_000
"""Characters of what was raised that messages show, and that records keep of its traceback."""


def said(error: BaseException) -> str:
    """Return an error's name and message in one line of bounded length; of ours all it says."""
    ours = isinstance(error, EffbenchError)
    try:
        text = " ".join(str(error).split())
    except BaseException:  # a plugin's own error class may be broken too
        text = "(its message cannot be shown)"
    if isinstance(error, SystemExit):
        text = f"{text} (a plugin must not end the program: it raises an error)"
    name = type(error).__name__
    return _whole(text if ours else f"{name}: {text[:LONGEST]}" if text else name)


def trace_of(error: BaseException) -> str:
    """Return an error's traceback, its end where it is long."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:  # of a broken class, or of one that takes no traceback
        return "(its traceback cannot be shown)"
    return _whole(text if len(text) <= LONGEST_TRACE else f"[...]\n{text[-LONGEST_TRACE:]}")


def _whole(text: str) -> str:
    """Return a text that files can hold: half characters are spelled."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def raised_in(trace: TracebackType | None) -> str:
    """Return the file and line that raised."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown code"
