"""Whose fault it was: what is raised where a plugin is called stands under its row's name.

A plugin may raise anything, `SystemExit` too, which would end a run with exit code 0 and no
record. So all but an interrupt is its failure here. Mistakes that it words itself
(`EffbenchError`) pass as they are, and so does what a row within has been named for already.
What a plugin changes that belongs to all rows is put back (`effbench.guard.containment`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from effbench.api.errors import DISK, EffbenchError
from effbench.guard import containment
from effbench.guard.containment import Contained
from effbench.text.raised import said, trace_of

A = TypeVar("A")
T = TypeVar("T")


CODES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What the system says of a disk that takes no more, or is broken."""


class PluginError(EffbenchError):
    """What a plugin raised and did not word for users; keeps the traceback."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


class Blamed(Contained):
    """A call into a plugin, whose failure names it; see `blamed`."""

    __slots__ = ()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        _refuse(self.who, error)


class Glanced:
    """A look at an attribute, whose failure names its plugin; see `glanced`."""

    __slots__ = ("_outer", "_scope", "_who")

    def __init__(self, who: str) -> None:
        self._who, self._scope = who, containment.scope()
        self._outer: str | None = None

    def __enter__(self) -> None:
        if self._scope is not None:
            self._outer = self._scope.touch(self._who)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._scope is not None:
            self._scope.who = self._outer
        _refuse(self._who, error)


class Doing:
    """Work of our own, whose failure says what it was; see `doing`."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _refuse(self._what, error)


def _refuse(who: str, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, (EffbenchError, KeyboardInterrupt)):
        raise failure(who, error) from error


def blamed(who: str) -> Blamed:
    """Return a context manager that turns what is raised inside into an error naming ``who``.

    An interrupt passes, and so does an `EffbenchError`; all else becomes a `PluginError`.
    """
    return Blamed(who)


def glanced(who: str) -> Glanced:
    """Return the same for what is quick and frequent, such as looking at an attribute.

    What it changes for others is put back only when the next plugin is called.
    """
    return Glanced(who)


def doing(what: str) -> Doing:
    """Return the same for work of our own: plugins that it calls are contained one by one."""
    return Doing(what)


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


def drawn(
    items: Callable[[], Iterable[Any]], who: str, take: Callable[[Any], T]
) -> Iterator[T]:
    """Yield what ``take`` makes of each item of a plugin; what is raised names ``who``.

    ``take`` looks at an item, which may be anything, and may raise an `EffbenchError`.
    """
    with blamed(who):
        iterator = iter(items())
    call, ended = glanced(who), object()
    while True:
        with call:
            item = next(iterator, ended)
            if item is ended:
                return
            taken = take(item)
        yield taken  # outside: what is raised in whoever takes it is not the plugin's


def failure(who: str, error: BaseException) -> PluginError:
    """Return the error that says in one line what ``who`` raised, or that the disk is full."""
    text, trace = said(error), trace_of(error)
    if _of_disk(error):
        advice = "(free some space, or name another --cache and --results)"
        return PluginError(f"cannot write: {text} {advice}", trace)
    return PluginError(f"{who}: {text}", trace)


def _of_disk(error: BaseException | None) -> bool:
    """Tell whether an error says, or was raised for one that says, that the disk is full."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno is not None:
            full = error.errno in CODES
        else:
            full = bool(DISK.search(said(error)))
        if full:
            return True
        error = error.__cause__ or error.__context__
    return False
