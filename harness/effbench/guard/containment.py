"""Calls into plugins: the state that all rows of the process share stays unchanged.

The first call into a plugin copies the shared state of the process (`keepers`), and effbench
puts it back after each call. So the result of a row depends on no other row: a plugin may seed,
change the folder or make float64 the default, and the next plugin does not notice. The output
of a plugin is shown with the plugin's name (`effbench.guard.output`).

This holds inside `contained_process`, which every command enters. Other calls are not
contained.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from effbench.guard import ending, interruption
from effbench.guard.keeper import ABSENT, Imports, Keeper
from effbench.guard.keepers import keepers
from effbench.guard.output import Output, private_stdout
from effbench.text.printing import harmless_lines, say
from effbench.text.raised import message_of, raised_in

LEFT = "what a plugin left behind"
"""The name for output and errors between two calls, and after the command has ended."""


class ProcessState:
    """The state of the process before a command, and the plugin that runs now."""

    def __init__(self) -> None:
        self.who: str | None = None
        """The name of the plugin that runs now; None while effbench itself runs."""

        self._thread = threading.get_ident()
        self._depth, self._touched, self._over = 0, False, False
        self._before: dict[Keeper, Any] = {}
        self._imports = Imports((), lambda _: None)
        self._streams = sys.stdout, sys.stderr, sys.stdin
        self._known: WeakSet[threading.Thread] = WeakSet()
        self._threads: WeakKeyDictionary[threading.Thread, str] = WeakKeyDictionary()

    def enter(self, who: str) -> str | None:
        """Begin a call into the plugin ``who``; return the outer plugin, for `leave`."""
        if threading.get_ident() != self._thread:  # a plugin's thread, which reads a dataset
            return self.who
        if self._depth == 0:
            if not self._before:
                self._begin()
            elif self._touched:
                self._put_back()
            else:  # a destructor or a thread may have changed something since
                self._restore()
            self._known.update(threading.enumerate())
            self._streams = sys.stdout, sys.stderr, sys.stdin
        self._depth += 1
        outer, self.who = self.who, who
        return outer

    def leave(self, outer: str | None) -> None:
        """End a call; put the shared state back after the outermost call."""
        if threading.get_ident() != self._thread:
            return
        self._depth -= 1
        if self._depth == 0:
            self._put_back()
            sys.stdout, sys.stderr, sys.stdin = self._streams
        self.end_line()
        self.who = outer
        interruption.check()  # the plugin may have caught the exception of a signal

    def touch(self, who: str | None) -> str | None:
        """Begin a short call for one item of many; return the outer plugin.

        The shared state is put back at the next `enter`: a check of each item is too slow.
        """
        self._touched = True
        outer, self.who = self.who, who
        return outer

    def end_line(self) -> None:
        """Show the unfinished line of the plugin that runs now."""
        if isinstance(sys.stdout, Output) and self.who is not None:
            sys.stdout.end_line(self.who)

    def printing(self) -> str | None:
        """Return the plugin whose code prints now, or None for effbench itself."""
        if threading.get_ident() == self._thread:
            return LEFT if self._over else self.who
        thread = threading.current_thread()
        return self._threads.get(thread) or self.who or f"thread {thread.name!r}"

    def end(self) -> None:
        """End the command: all later output comes from what plugins left behind."""
        self._over = True

    def left(self) -> list[str]:
        """Return a message for each thread of a plugin that keeps the program alive."""
        return [
            f"{who}: it left a thread running, {thread.name!r} (it ends with the program)"
            for thread, who in list(self._threads.items())
            if thread.is_alive() and not thread.daemon
        ]

    def raised(self, args: threading.ExceptHookArgs) -> None:
        """Print the error of a thread in one line, with the plugin that started the thread."""
        who = self._threads.get(args.thread) if args.thread else None
        if args.exc_value is not None and args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "unknown"
            whose = f"{who or self.who or 'a plugin'}: its thread {name!r}"
            say(f"{whose} raised {message_of(args.exc_value)}", err=True)

    def unraisable(self, args: Any) -> None:
        """Print an error that no code can catch, such as that of a ``__del__``, in one line."""
        if args.exc_value is not None:
            place = raised_in(args.exc_value.__traceback__)
            text = message_of(args.exc_value)
            say(f"{self.who or LEFT}: {text} (ignored; in {place})", err=True)

    def close(self) -> None:
        """Put the shared state back for the last time."""
        if self._before:
            self._put_back()
            with contextlib.suppress(ValueError):  # a plugin has removed it already
                sys.meta_path.remove(self._imports)

    def _begin(self) -> None:
        every = keepers()

        def imported(module: str) -> None:
            for keeper, before in self._before.items():
                if keeper.module == module and before is ABSENT:
                    self._before[keeper] = keeper.taken()

        self._imports = Imports({keeper.module for keeper in every}, imported)
        sys.meta_path.insert(0, self._imports)
        self._before = {keeper: keeper.taken() for keeper in every}

    def _restore(self) -> None:
        for keeper, before in self._before.items():
            keeper.put_back(before)

    def _put_back(self) -> None:
        self._restore()
        self._touched = False
        for thread in threading.enumerate():
            if thread not in self._known:
                self._known.add(thread)
                self._threads[thread] = self.who or "a plugin"


_process: ProcessState | None = None


class Contained:
    """The context of a call into a plugin; see `contained`."""

    __slots__ = ("_outer", "_process", "who")

    def __init__(self, who: str) -> None:
        self.who, self._process = who, _process
        self._outer: str | None = None

    def __enter__(self) -> None:
        if self._process is not None:
            self._outer = self._process.enter(self.who)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._process is not None:
            self._process.leave(self._outer)


def contained(who: str) -> Contained:
    """Return the context manager for a call into the plugin ``who``."""
    return Contained(who)


def process_state() -> ProcessState | None:
    """Return the state of the process while a command runs, else None."""
    return _process


@contextmanager
def contained_process(*, alone: bool = False) -> Iterator[None]:
    """Contain the calls into plugins while a command runs.

    ``alone`` means that the process has no other purpose than this command. Then descriptor 1
    leads to standard error until the process ends, and threads that plugins leave behind do
    not keep the process alive.
    """
    global _process
    if _process is not None:  # a plugin's command calls another command
        yield
        return
    _process = process = ProcessState()
    before, hook, unraisable = sys.stdout, threading.excepthook, sys.unraisablehook
    stream = private_stdout() if alone else None
    plain: Any = before or io.StringIO() if stream is None else stream  # None: it is closed
    sys.stdout = output = Output(plain, process.printing)
    threading.excepthook, sys.unraisablehook = process.raised, process.unraisable
    form = warnings.formatwarning
    warnings.formatwarning = lambda *given, **named: harmless_lines(form(*given, **named))
    code: Any = 1
    try:
        yield
        code = 0
    except SystemExit as leaving:
        code = leaving.code
        raise
    finally:
        _process = None
        if alone:
            output.end()
            process.end()
            ending.end_in_time(code, process.left)
        else:
            process.close()
            sys.stdout, threading.excepthook = before, hook
            sys.unraisablehook = unraisable
            warnings.formatwarning = form
