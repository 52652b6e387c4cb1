"""The memory of a worker with the processes that it has started."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import psutil

from effbench.machine import linux


def memory_of(pid: int, limit: int) -> int:
    """Return the bytes of memory that a process and its children share with no file.

    Pages of memory-mapped files do not count: the system takes them back when it needs them.
    A page that forks share counts once. Linux is slow to tell which pages these are, so that
    below ``limit`` such a page counts for each process.
    """
    processes: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    total = sum(map(_with_shared, processes))
    return total if total <= limit else sum(map(_with_its_share, processes))


def _with_shared(process: psutil.Process) -> int:
    """Return the memory of a process, with all pages that it shares with its forks."""
    with contextlib.suppress(psutil.Error):
        memory = process.memory_info()
        return int(memory.rss - getattr(memory, "shared", 0))
    return 0


def _with_its_share(process: psutil.Process) -> int:
    """Return the memory of a process: of a page that n processes share, the n-th part."""
    told = linux.text(Path(f"/proc/{process.pid}/smaps_rollup"))
    share = re.search(r"^Pss_Anon:\s+(\d+) kB", told or "", re.MULTILINE)
    return int(share[1]) * 1024 if share else _with_shared(process)
