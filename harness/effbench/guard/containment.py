"""What belongs to all rows of a process stays as it was, whatever a plugin does to it.

The first call into a plugin takes a copy of the process's state (`keepers`); after
each call, what has changed is put back. So a row's numbers depend on no other row: a plugin
that seeds, goes to another folder or makes float64 the default changes nothing for the next.
What plugins print is shown as theirs (`effbench.guard.output`).

All this holds within `kept`, which every command enters; elsewhere calls are not contained.
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
from effbench.guard.output import Output, own_stdout
from effbench.text.printing import harmless_lines, say
from effbench.text.raised import raised_in

LEFT = "what a plugin left behind"
"""Who is named for what happens between calls, and when the program has done all."""


class Scope:
    """A process while a command runs: what it was like before, and which plugin is called."""

    def __init__(self) -> None:
        self.who: str | None = None
        """The plugin that is called now."""

        self._thread = threading.get_ident()
        self._depth, self._touched, self._over = 0, False, False
        self._before: dict[Keeper, Any] = {}
        self._imports = Imports((), lambda _: None)
        self._streams = sys.stdout, sys.stderr, sys.stdin
        self._known: WeakSet[threading.Thread] = WeakSet()
        self._threads: WeakKeyDictionary[threading.Thread, str] = WeakKeyDictionary()

    def enter(self, who: str) -> str | None:
        """Note that a plugin is called; return who was called before, for `leave`."""
        if threading.get_ident() != self._thread:  # of a plugin, which reads a dataset
            return self.who
        if self._depth == 0:
            if not self._before:
                self._begin()
            elif self._touched:
                self._put_back()
            else:  # what was deleted, or a thread, may have changed something since
                self._restore()
            self._known.update(threading.enumerate())
            self._streams = sys.stdout, sys.stderr, sys.stdin
        self._depth += 1
        outer, self.who = self.who, who
        return outer

    def leave(self, outer: str | None) -> None:
        """Note that it has returned; after the outermost call put everything back."""
        if threading.get_ident() != self._thread:
            return
        self._depth -= 1
        if self._depth == 0:
            self._put_back()
            sys.stdout, sys.stderr, sys.stdin = self._streams
        self.end_line()
        self.who = outer
        interruption.check()  # the plugin may have caught what a signal has raised

    def touch(self, who: str | None) -> str | None:
        """Note that a plugin is called for one item of many; return who was called before.

        What it changes is put back at the next call: to look each time would cost too much.
        """
        self._touched = True
        outer, self.who = self.who, who
        return outer

    def end_line(self) -> None:
        """Show the line that the plugin has begun and not ended."""
        if isinstance(sys.stdout, Output) and self.who is not None:
            sys.stdout.end_line(self.who)

    def printing(self) -> str | None:
        """Return whose output it is that somebody prints now; None for our own."""
        if threading.get_ident() == self._thread:
            return LEFT if self._over else self.who
        thread = threading.current_thread()
        return self._threads.get(thread) or self.who or f"thread {thread.name!r}"

    def end(self) -> None:
        """Be over: nothing that is printed from now on is our own."""
        self._over = True

    def left(self) -> list[str]:
        """Return a line for each thread of a plugin that keeps the program from ending."""
        return [
            f"{who}: it left a thread running, {thread.name!r} (it ends with the program)"
            for thread, who in list(self._threads.items())
            if thread.is_alive() and not thread.daemon
        ]

    def raised(self, args: threading.ExceptHookArgs) -> None:
        """Say in one line what a thread has raised, and whose it is."""
        from effbench.text.raised import said

        who = self._threads.get(args.thread) if args.thread else None
        if args.exc_value is not None and args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "unknown"
            whose = f"{who or self.who or 'a plugin'}: its thread {name!r}"
            say(f"{whose} raised {said(args.exc_value)}", err=True)

    def unraisable(self, args: Any) -> None:
        """Say in one line what was raised where nothing can catch it, such as a ``__del__``."""
        from effbench.text.raised import said

        if args.exc_value is not None:
            place = raised_in(args.exc_value.__traceback__)
            say(f"{self.who or LEFT}: {said(args.exc_value)} (ignored; in {place})", err=True)

    def close(self) -> None:
        """Leave the process as it was."""
        if self._before:
            self._put_back()
            with contextlib.suppress(ValueError):  # a plugin has removed it
                sys.meta_path.remove(self._imports)

    def _begin(self) -> None:
        wanted = keepers()

        def imported(module: str) -> None:
            for one, before in self._before.items():
                if one.module == module and before is ABSENT:
                    self._before[one] = one.taken()

        self._imports = Imports({one.module for one in wanted}, imported)
        sys.meta_path.insert(0, self._imports)
        self._before = {one: one.taken() for one in wanted}

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


_scope: Scope | None = None


class Contained:
    """A call into a plugin, which changes nothing for others; see `contained`."""

    __slots__ = ("_outer", "_scope", "who")

    def __init__(self, who: str) -> None:
        self.who, self._scope = who, _scope
        self._outer: str | None = None

    def __enter__(self) -> None:
        if self._scope is not None:
            self._outer = self._scope.enter(self.who)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._scope is not None:
            self._scope.leave(self._outer)


def contained(who: str) -> Contained:
    """Return the context manager in which ``who``, a plugin, is called."""
    return Contained(who)


def scope() -> Scope | None:
    """Return what is known of the process while a command runs."""
    return _scope


@contextmanager
def kept(*, alone: bool = False) -> Iterator[None]:
    """Contain calls into plugins while a command runs.

    When the command is ``alone`` what the process is for, descriptor 1 is led away from
    standard output for good, and what plugins have left does not keep the process alive.
    """
    global _scope
    if _scope is not None:  # a command that a plugin offers, which calls another one
        yield
        return
    _scope = mine = Scope()
    before, hook, unraisable = sys.stdout, threading.excepthook, sys.unraisablehook
    stream = own_stdout() if alone else None
    own: Any = before or io.StringIO() if stream is None else stream  # or it is closed
    sys.stdout = output = Output(own, mine.printing)
    threading.excepthook, sys.unraisablehook = mine.raised, mine.unraisable
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
        _scope = None
        if alone:
            output.end()
            mine.end()
            ending.end_in_time(code, mine.left)
        else:
            mine.close()
            sys.stdout, threading.excepthook = before, hook
            sys.unraisablehook = unraisable
            warnings.formatwarning = form
