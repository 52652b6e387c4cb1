"""The end of the program: its exit code, and what happens when a plugin ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from click.exceptions import Exit

from effbench.guard.interruption import NUMBERS
from effbench.text.printing import say

ENDED = 1
"""The exit code when a plugin ended the program."""

GRACE_SECONDS = 5.0
"""The time that threads and exit handlers of plugins have to end."""

_REALLY = os._exit


@contextmanager
def no_silent_end() -> Iterator[None]:
    """Turn ``os._exit(0)`` of this process into the exit code `ENDED` with a message.

    No handler can catch ``os._exit``. When the block fails, the replacement stays until the
    end, because an exit handler of a plugin may also call ``os._exit(0)``. Forked children of
    a library end by it as usual.
    """
    process, succeeded, before = os.getpid(), False, os._exit

    def end(status: int) -> NoReturn:
        if status == 0 and os.getpid() == process and not succeeded:
            frames = traceback.extract_stack()[:-1]  # empty when Python calls, at the exit
            where = (
                f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an exit handler"
            )
            sys.stdout.flush()
            sys.stderr.write(ended(f"os._exit(0) in {where}") + "\n")
            sys.stderr.flush()
            status = ENDED
        _REALLY(status)

    os._exit = end
    try:
        yield
        succeeded = True
    except Exit as leaving:
        succeeded = leaving.exit_code == 0
        raise
    finally:
        if succeeded:
            os._exit = before  # a command of a plugin may run inside another command


def ended(how: str) -> str:
    """Return the message that something ended the program, with ``how``."""
    return f"Error: something ended the program: {how} (a plugin must raise an error instead)"


def end_in_time(code: Any, left: Callable[[], Sequence[str]]) -> None:
    """End the program with ``code`` of a `SystemExit` within `GRACE_SECONDS`.

    A thread that is no daemon, or an exit handler that waits for ever, would keep a finished
    run alive. ``left`` returns a message for each such thread.
    """
    for stream in (sys.stdout, sys.__stdout__):  # a plugin may have written to the latter
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed
            stream.flush()  # type: ignore[union-attr] # None is an AttributeError
    try:
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # Python would try again, and exit with 120
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the program ends
    status = code if isinstance(code, int) else int(code is not None)
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in NUMBERS:  # the exit code is known, so a signal only ends
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: _REALLY(status))

    def end() -> None:
        time.sleep(GRACE_SECONDS)
        lines = left() or ["an exit handler of a plugin does not end (it is ended)"]
        say(*lines, err=True)
        _REALLY(status)

    threading.Thread(target=end, daemon=True).start()
