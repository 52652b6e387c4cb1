"""The environment of worker processes: threads of libraries, the path of imports."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from effbench.guard import processes

SAFE = ("-P",) if sys.version_info >= (3, 11) else ()
"""Python's option that keeps the current folder off the path of imports."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Environment variables that libraries read when they are imported."""


def inherited(threads: int | None = None) -> dict[str, str]:
    """Return a worker's environment: ours without torchrun's variables, with our imports.

    With ``threads``, the libraries of the worker use so many threads each.
    """
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}
    return {
        **{name: value for name, value in os.environ.items() if name not in processes.TOLD},
        **limits,
        "PYTHONPATH": os.pathsep.join(os.fspath(path or Path.cwd()) for path in sys.path),
    }


def environment(threads: int) -> Mapping[str, str]:
    """Return the environment of a latency worker, which has ``threads`` threads."""
    return {
        **inherited(threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # a waiting thread leaves the processor to others
        "TOKENIZERS_PARALLELISM": "false",
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
