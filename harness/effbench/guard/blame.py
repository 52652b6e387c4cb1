"""Errors of plugins: an error that a call into a plugin raises gets the name of its row.

A plugin may raise anything, even `SystemExit`, which would end a run with exit code 0 and no
record. So every exception except an interrupt becomes a `PluginError` here. An `EffbenchError`
that a plugin worded gets the name too where a run calls the plugin (`blamed_for_all`); an error
that already has the name of an inner row keeps it. In a plan (`blamed`) an `EffbenchError`
passes unchanged: the plan names the place. After the call, the state of the process that all
rows share is put back (`effbench.guard.containment`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from effbench.api.errors import DISK, DiskError, EffbenchError, NoDataError
from effbench.guard import containment
from effbench.guard.containment import Contained
from effbench.text.raised import message_of, trace_of

A = TypeVar("A")
T = TypeVar("T")


CODES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""The system's error numbers for a disk that is full, read-only or broken."""


class BlamedError(EffbenchError):
    """An error whose message names the plugin that caused it."""


class BlamedNoDataError(BlamedError, NoDataError):
    """The same for data that only the user can provide."""


class PluginError(BlamedError):
    """An error of a plugin that has no message for users; it keeps the traceback."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


class Blamed(Contained):
    """The context of a call into a plugin; see `blamed`."""

    __slots__ = ()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        _refuse(self.who, error)


class BlamedForAll(Contained):
    """The context of a call into a plugin; see `blamed_for_all`."""

    __slots__ = ()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        _blame(self.who, error)


class BlamedBriefly:
    """The context of a short call into a plugin; see `blamed_briefly`."""

    __slots__ = ("_outer", "_process", "_who")

    def __init__(self, who: str) -> None:
        self._who, self._process = who, containment.process_state()
        self._outer: str | None = None

    def __enter__(self) -> None:
        if self._process is not None:
            self._outer = self._process.touch(self._who)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._process is not None:
            self._process.who = self._outer
        _blame(self._who, error)


class Doing:
    """The context of work of effbench itself; see `doing`."""

    __slots__ = ("_work",)

    def __init__(self, work: str) -> None:
        self._work = work

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _refuse(self._work, error)


def _refuse(who: str, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, (EffbenchError, KeyboardInterrupt)):
        raise failure(who, error) from error


def _blame(who: str, error: BaseException | None) -> None:
    """Raise an error again under the name ``who``, unless it has a name, or is the disk's."""
    if not isinstance(error, EffbenchError):
        _refuse(who, error)
    elif not isinstance(error, BlamedError | DiskError):
        text = message_of(error)
        kind = BlamedNoDataError if isinstance(error, NoDataError) else BlamedError
        raise kind(text if text.startswith(who) else f"{who}: {text}") from error


def blamed(who: str) -> Blamed:
    """Return a context manager that turns errors inside into a `PluginError`.

    The error names ``who``. An interrupt and an `EffbenchError` pass unchanged.
    """
    return Blamed(who)


def blamed_for_all(who: str) -> BlamedForAll:
    """Return the same context; an `EffbenchError` gets the name too, unless it has one.

    An error of a full disk passes unchanged: it is nobody's fault.
    """
    return BlamedForAll(who)


def blamed_briefly(who: str) -> BlamedBriefly:
    """Return the context `blamed_for_all` for a short and frequent call.

    The shared state of the process is put back only before the next call into a plugin.
    """
    return BlamedBriefly(who)


def doing(work: str) -> Doing:
    """Return the same context for work of effbench itself; errors inside name ``work``.

    Each call into a plugin inside needs its own `blamed`.
    """
    return Doing(work)


def blamed_call(call: Callable[[A], T], who: str) -> Callable[[A], T]:
    """Return ``call`` with errors that name ``who``, for a timed path: it adds no context."""

    def called(given: A) -> T:
        try:
            return call(given)
        except BaseException as error:
            _blame(who, error)
            raise

    return called


def blamed_items(
    items: Callable[[], Iterable[Any]], who: str, take: Callable[[Any], T]
) -> Iterator[T]:
    """Yield ``take(item)`` for each item that a plugin yields; errors name ``who``.

    An item may be of any type: ``take`` checks it, and may raise an `EffbenchError`.
    """
    with blamed_for_all(who):
        iterator = iter(items())
    call, ended = blamed_briefly(who), object()
    while True:
        with call:
            item = next(iterator, ended)
            if item is ended:
                return
            taken = take(item)
        yield taken  # outside the context: an error of the consumer is not the plugin's


def failure(who: str, error: BaseException) -> PluginError:
    """Return the error that says in one line that ``who`` failed, or that the disk is full."""
    text, trace = message_of(error), trace_of(error)
    if _is_full_disk(error):
        advice = "(free some space, or name another --cache and --results)"
        return PluginError(f"cannot write: {text} {advice}", trace)
    return PluginError(f"{who}: {text}", trace)


def _is_full_disk(error: BaseException | None) -> bool:
    """Tell whether a full disk caused an error, directly or through other errors."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno is not None:
            full = error.errno in CODES
        else:
            full = bool(DISK.search(message_of(error)))
        if full:
            return True
        error = error.__cause__ or error.__context__
    return False
