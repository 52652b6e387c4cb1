"""Processes that workers leave behind when they end: forks, and programs that they started."""

from __future__ import annotations

import contextlib
from collections.abc import Set
from functools import partial

import psutil

from effbench.machine.linux import tried
from effbench.making.channel import MARK


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
