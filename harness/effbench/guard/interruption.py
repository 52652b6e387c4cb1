"""Signals that ask the program to end: the first one in order, a second one at once.

Ctrl-C (SIGINT), a batch system (SIGTERM) and a terminal that is closed (SIGHUP) do the same: an
exception leaves all that runs, which lets go of its locks, temporary files and processes. Code
in C that does not return for a while, such as the building of an index, hears no exception: a
thread of ours ends the program then. What is finished is kept in any case.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn

from effbench.api.errors import EffbenchError
from effbench.guard import processes
from effbench.text.printing import say

if TYPE_CHECKING:
    import psutil

GRACE_SECONDS = 5.0
"""The main thread has so long to hear of a signal."""

SAME_SECONDS = 1.0
"""Signals within this time are one request: `timeout`, shells and torchrun send several."""

POLL_SECONDS = 0.1
"""Between two looks, once a signal has come."""

NUMBERS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
LEAVES = "Interrupted: what is finished is kept, run again to go on."
_REALLY = os._exit


class Interrupted(KeyboardInterrupt):
    """A signal has asked the program to end; nobody takes it for a plugin's failure."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__()
        self.number = number


class _Listener:
    """Hears the signals of this process, and remembers the first one."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._heard = threading.Event()
        self._postponed = False
        self._masks = threading.local()

    def listen(self) -> None:
        """Take over the signals that nobody ignores; raise ValueError in another thread."""
        for number in NUMBERS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._hear)
        if hasattr(os, "register_at_fork"):  # where pipes can be waited for, too
            awake, told = os.pipe()
            os.set_blocking(told, False)
            signal.set_wakeup_fd(told, warn_on_full_buffer=False)
            os.register_at_fork(
                before=self._hold,
                after_in_parent=self._release,
                after_in_child=self._forget,
            )
            thread = threading.Thread(target=self._watch, args=(awake,), daemon=True)
            thread.start()

    def check(self) -> None:
        """Raise once more if a signal has come: a plugin may have caught what was raised."""
        if self._first is not None:
            raise Interrupted(self._first[0])

    def asked(self) -> bool:
        """Tell whether a signal has come; to ask is to hear it."""
        if self._first is not None:
            self._heard.set()
        return self._first is not None

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Raise what comes within at the end."""
        self._postponed = True
        try:
            yield
        finally:
            self._postponed = False
        if self.asked():
            self.check()

    def _hear(self, number: int, _: object) -> None:
        if not self._postponed:
            self._heard.set()
        if self._first is None:
            self._first = number, time.monotonic()
            if not self._postponed:
                raise Interrupted(number)
        elif time.monotonic() - self._first[1] > SAME_SECONDS:
            end_at_once(self._first[0])

    def _watch(self, awake: int) -> None:
        """End the program when a second signal comes, or its main thread does not hear one."""
        with contextlib.suppress(OSError, IndexError, ValueError):  # a plugin has had our files
            number = os.read(awake, 1)[0]
            while signal.getsignal(number) != self._hear:  # such as that of a child's end
                number = os.read(awake, 1)[0]
            since = time.monotonic()
            while True:
                more, _, _ = select.select([awake], [], [], POLL_SECONDS)
                again = more and os.read(awake, 1)[0] in NUMBERS
                passed = time.monotonic() - since
                deaf = passed > GRACE_SECONDS and not self._heard.is_set()
                if deaf or (again and passed > SAME_SECONDS):
                    end_at_once(number)

    def _hold(self) -> None:
        """Let signals wait while a process forks: the child has our handlers and our pipe."""
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)

    def _release(self) -> None:
        with contextlib.suppress(Interrupted):  # nothing can leave a hook: `check` says it
            signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def _forget(self) -> None:
        """Let a forked child be ended as any process is."""
        with contextlib.suppress(ValueError):  # forked by another thread
            signal.set_wakeup_fd(-1)
            for number in NUMBERS:
                if signal.getsignal(number) == self._hear:
                    usual = signal.default_int_handler if number == signal.SIGINT else None
                    signal.signal(number, usual or signal.SIG_DFL)
        self._first = None
        self._release()


_listener: _Listener | None = None


def listen() -> None:
    """Hear the signals from now on, in a process that runs one command and nothing else."""
    global _listener
    if _listener is None:
        with contextlib.suppress(ValueError):  # not in the main thread: its signals are ours
            listener = _Listener()
            listener.listen()
            _listener = listener


def check() -> None:
    """Raise `Interrupted` if a signal has asked the program to end."""
    if _listener is not None:
        _listener.check()


@contextlib.contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Let the first signal wait inside, for who can keep its work; yield what tells of one.

    Who is told leaves soon, and `Interrupted` is raised then. Who does not ask for
    `GRACE_SECONDS` is ended at once, and so is everyone by a second signal.
    """
    if _listener is None:
        yield lambda: False
        return
    with _listener.postponed():
        yield _listener.asked


def settle(error: KeyboardInterrupt) -> int:
    """Say what an interrupt leaves, end our children, and return the exit code.

    The code is 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    """
    if _speaks():
        say(LEAVES, err=True)
    if _listener is not None:
        _end_children(patience=2.0)
    number: int = getattr(error, "number", signal.SIGINT)
    return 128 + number


def end_at_once(number: int) -> NoReturn:
    """End the process and its children; wait for nothing, nor for who reads what is said."""
    try:
        _end_children(patience=0.0)
        said = f"{LEAVES}\n".encode() if _speaks() else b""
        if os.isatty(2):
            said += b"\x1b[?25h"  # bars hide the cursor
        # Python's own stream is locked while another thread waits for room in a full pipe
        if select.select([], [2], [], 0.0)[1]:
            os.write(2, said)
    finally:
        _REALLY(128 + number)


def _speaks() -> bool:
    """Tell whether it is this process that says it: of torchrun's the first, for all."""
    with contextlib.suppress(EffbenchError):
        return not processes.rank()
    return True


def _end_children(patience: float) -> None:
    """End what plugins have started in this process; it has so many seconds to end itself."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        left = [one for one in psutil.Process().children(recursive=True) if not _tidies(one)]
        if patience:
            for child in left:
                with contextlib.suppress(psutil.Error):
                    child.terminate()
            _, left = psutil.wait_procs(left, patience)
        for child in left:
            with contextlib.suppress(psutil.Error):
                child.kill()


def _tidies(process: psutil.Process) -> bool:
    """Tell whether it is Python's own, which unlinks shared memory when we have ended."""
    import psutil

    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False
