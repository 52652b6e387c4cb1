"""The ends of workers: their group of processes, and what else they leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Set
from functools import partial

import psutil

from effbench.machine.linux import tried
from effbench.making.channel import MARK


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a worker that leads a group of processes, and the group; wait until it has ended."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # the group is empty
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):  # a broken disk may hold it
        process.wait(5)


def end_leftovers(marks: Set[str]) -> None:
    """End the processes that ended workers of these marks have left, in whatever group.

    Forks of a worker, and programs that it started, have its mark in their environment.
    """
    for _ in range(5):  # the processes may be starting more
        left = [process for process in _all_processes() if _mark_of(process) in marks]
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error, OSError):
                process.kill()
        tried(partial(psutil.wait_procs, left, 1), None)


def _all_processes() -> list[psutil.Process]:
    return tried(lambda: list(psutil.process_iter()), [])


def _mark_of(process: psutil.Process) -> str | None:
    """Return the mark of the worker that a process belongs to; None if there is none."""
    return tried(lambda: process.environ().get(MARK), None)
