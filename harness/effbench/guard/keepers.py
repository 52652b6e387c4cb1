"""The keepers of the shared state of the process: Python's, the system's and numpy's.

A keeper copies a part of the state and puts it back. If the module of a keeper is not imported
yet, the state is copied right after its import: an unneeded import of torch takes seconds.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import sys
import warnings
from typing import Any

from effbench.guard.keeper import Keeper, attribute, pair
from effbench.guard.torch_keepers import of_torch


def _put_folder(_: Any, was: str) -> None:
    try:
        gone = os.getcwd() != was  # noqa: PTH109 - Path.cwd is five times slower
    except OSError:
        gone = True
    if gone:
        os.chdir(was)


def _take_mask(_: Any) -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _take_environment(_: Any) -> dict[Any, Any]:
    return dict(os.environ._data)  # type: ignore[attr-defined] # decoding it takes 20 us


def _put_environment(_: Any, was: dict[Any, Any]) -> None:
    if os.environ._data != was:  # type: ignore[attr-defined]
        names = {os.fsdecode(name): os.fsdecode(value) for name, value in was.items()}
        for name in os.environ.keys() - names.keys():
            del os.environ[name]
        os.environ.update(names)


def _finders(name: str) -> Keeper:
    """Return the keeper of a list in `sys` that every import needs."""

    def put(at: Any, was: list[Any]) -> None:
        now = getattr(at, name)
        if any(finder not in now for finder in was):
            now[:] = [*(finder for finder in now if finder not in was), *was]

    return Keeper("sys", lambda at: list(getattr(at, name)), put)


def _put_path(_: Any, was: list[str]) -> None:
    """Put the earlier folders first, so that a plugin's folder hides no module."""
    if sys.path != was:
        sys.path = [*was, *(folder for folder in sys.path if folder not in was)]


def _put_filters(_: Any, was: list[Any]) -> None:
    """Put the earlier filters first; of new filters keep only those that ignore warnings."""
    now: Any = warnings.filters
    if now != was:
        new = [entry for entry in now if entry[0] == "ignore" and entry not in was]
        now[:] = [*was, *new]
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _put_affinity(_: Any, was: set[int]) -> None:
    if os.sched_getaffinity(0) != was:
        os.sched_setaffinity(0, was)


_TIMERS = [
    getattr(signal, f"ITIMER_{name}")
    for name in ("REAL", "VIRTUAL", "PROF")
    if hasattr(signal, f"ITIMER_{name}")
]
_handler = getattr(signal, "_signal", signal).getsignal  # without an enum: ten times as fast


def _take_signals(_: Any) -> dict[int, Any]:
    names = ("INT", "TERM", "HUP", "QUIT", "PIPE", "CHLD", "ALRM", "USR1", "USR2")
    known = [getattr(signal, f"SIG{name}") for name in names if hasattr(signal, f"SIG{name}")]
    return {number: _handler(number) for number in known}


def _put_signals(_: Any, was: dict[int, Any]) -> None:
    for number, handler in was.items():
        if handler is not None and _handler(number) != handler:
            signal.signal(number, handler)


def _take_limits(resource: Any) -> dict[int, int]:
    """Return the soft limits; a hard limit cannot be raised again."""
    names = [f"RLIMIT_{name}" for name in ("AS", "CPU", "DATA", "FSIZE", "NOFILE", "STACK")]
    kinds = [getattr(resource, name) for name in names if hasattr(resource, name)]
    return {kind: resource.getrlimit(kind)[0] for kind in kinds}


def _put_limits(resource: Any, was: dict[int, int]) -> None:
    for kind, soft in was.items():
        now, hard = resource.getrlimit(kind)
        if now != soft:
            resource.setrlimit(kind, (soft, hard))


def _take_timers(_: Any) -> list[int]:
    """Return the running timers; each would send a signal that ends the process."""
    return [which for which in _TIMERS if any(signal.getitimer(which))]


def _put_timers(_: Any, was: list[int]) -> None:
    for which in _take_timers(None):
        if which not in was:  # an earlier timer goes on
            signal.setitimer(which, 0)


def _take_logging(_: Any) -> tuple[int, list[logging.Handler], int]:
    root = logging.getLogger()
    return root.level, list(root.handlers), root.manager.disable


def _put_logging(_: Any, was: tuple[int, list[logging.Handler], int]) -> None:
    if _take_logging(None) != was:
        level, handlers, least = was
        root = logging.getLogger()
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.disable(least)


def _put_collector(_: Any, was: tuple[bool, tuple[int, int, int]]) -> None:
    enabled, thresholds = was
    gc.set_threshold(*thresholds)
    (gc.enable if enabled else gc.disable)()


def _put_locale(locale: Any, was: str) -> None:
    if locale.setlocale(locale.LC_ALL) != was:
        locale.setlocale(locale.LC_ALL, was)


def _put_decimal(decimal: Any, was: Any) -> None:
    now = decimal.getcontext()
    if (now.prec, now.rounding) != (was.prec, was.rounding):
        decimal.setcontext(was.copy())


def _of_numpy() -> list[Keeper]:
    return [
        Keeper(
            "numpy.random",
            lambda chance: chance.get_state(),
            lambda chance, was: chance.set_state(was),
        ),
        Keeper("numpy", lambda np: np.geterr(), lambda np, was: np.seterr(**was)),
        Keeper(
            "numpy",
            lambda np: np.get_printoptions(),
            lambda np, was: np.get_printoptions() == was or np.set_printoptions(**was),
        ),
    ]


def _of_python() -> list[Keeper]:
    hooks = ("excepthook", "unraisablehook", "displayhook", "__stdout__", "__stderr__")
    return [
        Keeper("sys", lambda _: list(sys.path), _put_path),
        *(attribute("sys", name) for name in (*hooks, "executable")),
        attribute("threading", "excepthook"),
        pair("sys", "getrecursionlimit", "setrecursionlimit"),
        _finders("meta_path"),
        _finders("path_hooks"),
        pair("sys", "get_int_max_str_digits", "set_int_max_str_digits"),
        pair("sys", "gettrace", "settrace"),
        pair("threading", "gettrace", "settrace"),
        pair("threading", "stack_size", "stack_size"),
        Keeper(
            "tempfile",
            lambda tempfile: tempfile.gettempdir(),
            lambda tempfile, was: setattr(tempfile, "tempdir", was),
        ),
        pair("sys", "getprofile", "setprofile"),
        pair("sys", "getswitchinterval", "setswitchinterval"),
        Keeper("warnings", lambda _: list(warnings.filters), _put_filters),
        attribute("warnings", "showwarning"),
        Keeper("logging", _take_logging, _put_logging),
        Keeper("gc", lambda _: (gc.isenabled(), gc.get_threshold()), _put_collector),
        Keeper("random", lambda _: random.getstate(), lambda _, was: random.setstate(was)),
        Keeper("decimal", lambda decimal: decimal.getcontext().copy(), _put_decimal),
    ]


def keepers() -> list[Keeper]:
    """Return the keepers of all state that the rows of a process share."""
    every = [
        Keeper("os", lambda _: os.getcwd(), _put_folder),  # noqa: PTH109
        attribute("os", "environ"),
        Keeper("os", _take_environment, _put_environment),
        Keeper("os", _take_mask, lambda _, was: os.umask(was)),
        Keeper("signal", _take_signals, _put_signals),
        Keeper("locale", lambda at: at.setlocale(at.LC_ALL), _put_locale),
        pair("socket", "getdefaulttimeout", "setdefaulttimeout"),
        Keeper("resource", _take_limits, _put_limits),
        *_of_python(),
        *_of_numpy(),
        *of_torch(),
    ]
    if hasattr(os, "sched_getaffinity"):
        every.append(Keeper("os", lambda _: os.sched_getaffinity(0), _put_affinity))
    if hasattr(signal, "setitimer"):
        every.append(Keeper("signal", _take_timers, _put_timers))
    return every
