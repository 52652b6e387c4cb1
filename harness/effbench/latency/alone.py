"""One session a machine at a time."""

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
    """Be the only session on this machine; where there can be no lock, that is said."""
    with contextlib.ExitStack() as kept:
        try:
            lock = FileLock(Path(tempfile.gettempdir()) / "effbench-latency.lock", mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress.note("latency: another session measures on this machine, waiting")
                lock.acquire()
            kept.callback(lock.release)
        except (OSError, NotImplementedError) as error:  # another user's; a disk without locks
            progress.note(f"latency: no lock ({error}): other sessions may run beside this one")
        yield
