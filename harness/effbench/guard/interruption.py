"""Signals that end the program: the first signal ends it in order, a second one at once.

Ctrl-C (SIGINT), a batch system (SIGTERM) and a closed terminal (SIGHUP) have the same effect:
an exception leaves the running code, which releases its locks, temporary files and processes.
Long code in C, such as the build of an index, notices no exception: a thread of effbench ends
the program then. Finished work is kept in every case.
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
"""The time in which the main thread must notice a signal."""

SAME_SECONDS = 1.0
"""Signals within this time count as one: `timeout`, shells and torchrun send several."""

POLL_SECONDS = 0.1
"""The time between two checks after a signal."""

NUMBERS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
LEAVES = "Interrupted: what is finished is kept, run again to go on."
_REALLY = os._exit


class Interrupted(KeyboardInterrupt):
    """The exception of a signal; it is never treated as the error of a plugin."""

    def __init__(self, number: int) -> None:
        """Keep the number of the signal."""
        super().__init__()
        self.number = number


class _Listener:
    """Handles the signals of this process, and remembers the first signal."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._heard = threading.Event()
        self._postponed = False
        self._masks = threading.local()

    def listen(self) -> None:
        """Install the handler for every signal that is not ignored.

        Raises:
            ValueError: the caller is not the main thread.

        """
        for number in NUMBERS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._hear)
        if hasattr(os, "register_at_fork"):  # systems that have it can also wait for pipes
            awake, waker = os.pipe()
            os.set_blocking(waker, False)
            signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
            os.register_at_fork(
                before=self._hold,
                after_in_parent=self._release,
                after_in_child=self._forget,
            )
            thread = threading.Thread(target=self._watch, args=(awake,), daemon=True)
            thread.start()

    def check(self) -> None:
        """Raise `Interrupted` again after a signal: a plugin may have caught the first one."""
        if self._first is not None:
            raise Interrupted(self._first[0])

    def asked(self) -> bool:
        """Tell whether a signal has come; the call counts as noticing it."""
        if self._first is not None:
            self._heard.set()
        return self._first is not None

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Raise `Interrupted` for a signal inside the block only at the block's end."""
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
        """End the program at a second signal, or when the main thread notices none."""
        with contextlib.suppress(OSError, IndexError, ValueError):  # a plugin closed the pipe
            number = os.read(awake, 1)[0]
            while signal.getsignal(number) != self._hear:  # another signal, such as SIGCHLD
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
        """Block the signals during a fork: the child inherits the handlers and the pipe."""
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)

    def _release(self) -> None:
        with contextlib.suppress(Interrupted):  # a hook cannot raise: `check` does it later
            signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def _forget(self) -> None:
        """Restore the usual handlers in a forked child."""
        with contextlib.suppress(ValueError):  # forked by another thread
            signal.set_wakeup_fd(-1)
            for number in NUMBERS:
                if signal.getsignal(number) == self._hear:
                    usual = signal.default_int_handler if number == signal.SIGINT else None
                    signal.signal(number, usual or signal.SIG_DFL)
        self._first = None
        self._release()


_listener: _Listener | None = None
_quiet = False


def listen(*, quiet: bool = False) -> None:
    """Handle the signals from now on, in a process that runs only one command.

    With ``quiet``, as in a worker, the process does not say that it was interrupted: the run
    may go on.
    """
    global _listener, _quiet
    if _listener is None:
        _quiet = quiet
        with contextlib.suppress(ValueError):  # not in the main thread
            listener = _Listener()
            listener.listen()
            _listener = listener


def check() -> None:
    """Raise `Interrupted` if a signal has asked the program to end."""
    if _listener is not None:
        _listener.check()


@contextlib.contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Postpone the first signal inside the block, so that the block can save its work.

    The context yields a function that tells whether a signal has come. The block calls it
    often, and leaves soon after it returns True: `Interrupted` is raised at the end of the
    block. If the block does not call it within `GRACE_SECONDS` of a signal, or a second signal
    comes, the program ends at once.
    """
    if _listener is None:
        yield lambda: False
        return
    with _listener.postponed():
        yield _listener.asked


def settle(error: KeyboardInterrupt) -> int:
    """Print that finished work is kept, end the children, and return the exit code.

    The code is 128 plus the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    """
    if _speaks():
        say(LEAVES, err=True)
    if _listener is not None:
        _end_children(patience=2.0)
    number: int = getattr(error, "number", signal.SIGINT)
    return 128 + number


def end_at_once(number: int) -> NoReturn:
    """End the process and its children at once; do not wait for a reader of the message."""
    try:
        _end_children(patience=0.0)
        message = f"{LEAVES}\n".encode() if _speaks() else b""
        if os.isatty(2):
            message += b"\x1b[?25h"  # shows the cursor, which progress bars hide
        # Python's own stream is locked while another thread waits for room in a full pipe
        if select.select([], [2], [], 0.0)[1]:
            os.write(2, message)
    finally:
        _REALLY(128 + number)


def _speaks() -> bool:
    """Tell whether this process prints the message: under torchrun only the first does."""
    if _quiet:
        return False
    with contextlib.suppress(EffbenchError):
        return not processes.rank()
    return True


def _end_children(patience: float) -> None:
    """End the child processes; they have ``patience`` seconds to end by themselves."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        every = psutil.Process().children(recursive=True)
        left = [child for child in every if not _is_tracker(child)]
        if patience:
            for child in left:
                with contextlib.suppress(psutil.Error):
                    child.terminate()
            _, left = psutil.wait_procs(left, patience)
        for child in left:
            with contextlib.suppress(psutil.Error):
                child.kill()


def _is_tracker(process: psutil.Process) -> bool:
    """Tell whether a child is Python's tracker, which unlinks shared memory after the end."""
    import psutil

    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False
