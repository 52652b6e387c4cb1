"""Exceptions as text: a message of one line, a bounded traceback, the place that raised."""

from __future__ import annotations

import traceback
from types import TracebackType

from effbench.api.errors import EffbenchError

LONGEST, LONGEST_TRACE = 300, 20_000
"""The most characters of an error in a message, and of its traceback in a record."""


def message_of(error: BaseException) -> str:
    """Return the name and message of an error in one line of bounded length.

    An `EffbenchError` gives its whole message, without a name.
    """
    try:
        text = " ".join(str(error).split())
    except BaseException:  # the error class of a plugin may be broken, too
        text = "(its message cannot be shown)"
    if isinstance(error, SystemExit):
        text = f"{text} (a plugin must not end the program: it raises an error)"
    name = type(error).__name__
    if isinstance(error, EffbenchError):
        return _encodable(text)
    return _encodable(f"{name}: {text[:LONGEST]}" if text else name)


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error, or the end of a long traceback."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:  # the class is broken, or accepts no traceback
        return "(its traceback cannot be shown)"
    return _encodable(text if len(text) <= LONGEST_TRACE else f"[...]\n{text[-LONGEST_TRACE:]}")


def _encodable(text: str) -> str:
    """Return a text that files can hold: half characters become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def raised_in(trace: TracebackType | None) -> str:
    """Return ``file:line`` of the code that raised an error."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown code"
