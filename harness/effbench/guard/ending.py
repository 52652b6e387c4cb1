"""How the program ends: never with success because something else ended it."""

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
from typing import Any, NoReturn

from click.exceptions import Exit

from effbench.guard.interruption import NUMBERS
from effbench.text.printing import say

ENDED = 1
"""The exit code when something ended the program that had no business to."""

GRACE_SECONDS = 5.0
"""What plugins have left, threads and exit handlers, may take so long to end."""

_REALLY = os._exit


@contextmanager
def no_silent_end() -> Iterator[None]:
    """Turn ``os._exit(0)`` of this process into `ENDED` and a line: nothing can catch it.

    So it stays where the block has failed: what a plugin leaves to be done at the exit may end
    the program like this, too. Children that a library forks end by it as they should.
    """
    ours, succeeded, before = os.getpid(), False, os._exit

    def end(status: int) -> NoReturn:
        if status == 0 and os.getpid() == ours and not succeeded:
            frames = traceback.extract_stack()[:-1]  # none where Python itself calls, at exit
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
            os._exit = before  # a plugin's own call of ours ends within another one


def ended(how: str) -> str:
    """Return the line that says so."""
    return f"Error: something ended the program: {how} (a plugin must raise an error instead)"


def end_in_time(code: Any, left: Callable[[], Sequence[str]]) -> None:
    """Let the program end with ``code``, a `SystemExit`'s, although something does not end.

    A thread that is no daemon, or an exit handler that waits for ever, would keep a finished
    run alive. ``left`` returns a line for each such thread.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed
            stream.flush()
    status = code if isinstance(code, int) else int(code is not None)
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in NUMBERS:  # all is done, or said: it has its code
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: _REALLY(status))

    def end() -> None:
        time.sleep(GRACE_SECONDS)
        lines = left() or ["an exit handler of a plugin does not end (it is ended)"]
        say(*lines, err=True)
        _REALLY(status)

    threading.Thread(target=end, daemon=True).start()
