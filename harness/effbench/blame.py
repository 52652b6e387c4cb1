"""Whose fault it was: what is raised where a plugin is called stands under its row's name.

A plugin may raise anything, `SystemExit` too, which would end a run with exit code 0 and no
record. So all but an interrupt is its failure here. Mistakes that it words itself
(`EffbenchError`) pass as they are, and so does what a row within has been named for already.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from effbench.errors import EffbenchError
from effbench.files import DISK

A = TypeVar("A")
T = TypeVar("T")

LONGEST = 300
"""Characters of what was raised that messages show."""


class PluginError(EffbenchError):
    """What a plugin raised and did not word for users; keeps the traceback."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


@contextmanager
def blamed(who: str) -> Iterator[None]:
    """Turn whatever is raised inside, an interrupt aside, into an error that names ``who``.

    Raises:
        PluginError: anything was raised but an `EffbenchError`, which passes.

    """
    try:
        yield
    except (EffbenchError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise failure(who, error) from error


def named(call: Callable[[A], T], who: str) -> Callable[[A], T]:
    """Return ``call``, whose errors name ``who``, for where every nanosecond counts."""

    def called(given: A) -> T:
        try:
            return call(given)
        except (EffbenchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise failure(who, error) from error

    return called


def drawn(items: Callable[[], Iterable[T]], who: str) -> Iterator[T]:
    """Yield from what a plugin yields; what it raises names ``who``."""
    with blamed(who):
        iterator = iter(items())
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            return
        except (EffbenchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise failure(who, error) from error
        yield item  # outside: what is raised in whoever takes it is not the plugin's


def failure(who: str, error: BaseException) -> PluginError:
    """Return the error that says in one line what ``who`` raised, or that the disk is full."""
    text, trace = said(error), "".join(traceback.format_exception(error))
    if DISK.search(text):
        advice = "(free some space, or name another --cache and --results)"
        return PluginError(f"cannot write: {text} {advice}", trace)
    return PluginError(f"{who}: {text}", trace)


def said(error: BaseException) -> str:
    """Return an error's name and message in one line of bounded length; of ours all it says."""
    if isinstance(error, EffbenchError):
        return " ".join(str(error).split())
    try:
        text = " ".join(str(error).split())[:LONGEST]
    except BaseException:  # a plugin's own error class may be broken too
        text = "(its message cannot be shown)"
    if isinstance(error, SystemExit):
        text = f"{text} (a plugin must not end the program: it raises an error)"
    return f"{type(error).__name__}: {text}"
