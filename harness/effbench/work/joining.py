"""Training by several processes: the first process calls, and the rest join and wait."""

from __future__ import annotations

import os
import time
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.guard.processes import several
from effbench.store.artifacts import Artifact

POLL_SECONDS, PATIENCE_SECONDS = 0.1, 600.0


def call_others(artifact: Artifact) -> None:
    """Tell the other processes that the first one starts this training now."""
    if several():
        _call(artifact).touch()


def wait_for_call(artifact: Artifact) -> bool:
    """Wait until the first process starts this training; return False if it is finished."""
    while artifact.manifest() is None:
        if _call(artifact).exists():
            return True
        time.sleep(POLL_SECONDS)
    return False


def wait_for_model(artifact: Artifact) -> None:
    """Wait until the first process has kept the model that all have trained.

    Raises:
        EffbenchError: it has not done so in `PATIENCE_SECONDS`.

    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while artifact.manifest() is None:
        if time.monotonic() > deadline:
            raise EffbenchError("the first process did not finish the model (see its message)")
        time.sleep(POLL_SECONDS)


def _call(artifact: Artifact) -> Path:
    # its name has the id of torchrun's agent, the parent of all: a dead run has another one
    return artifact.folder / f".called-{os.getppid()}"
