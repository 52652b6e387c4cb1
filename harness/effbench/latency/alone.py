"""The lock that lets one latency session at a time measure on this machine."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from effbench.work.progress import Progress


@contextlib.contextmanager
def exclusive(progress: Progress) -> Iterator[None]:
    """Wait until no other session measures on this machine, and keep others out.

    Where the system gives no lock, tell the user so and go on.
    """
    with contextlib.ExitStack() as kept:
        try:
            lock = FileLock(Path(tempfile.gettempdir()) / "effbench-latency.lock", mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress.note("latency: another session measures on this machine, waiting")
                lock.acquire()
            kept.callback(lock.release)
        # the file is another user's, or the disk has no locks
        except (OSError, NotImplementedError) as error:
            progress.note(f"latency: no lock ({error}): other sessions may run beside this one")
        yield
