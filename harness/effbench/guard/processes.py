"""Runs of several processes on one machine (torchrun): one does all, the others train along.

Trainings are the steps that processes do together: the trainer's loop shares out their batches.
Other steps are made by whoever comes first, since steps have locks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from effbench.api.errors import EffbenchError

if TYPE_CHECKING:
    pass


VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process; libraries read one or another of them."""

TOLD = (
    *VARIABLES,
    "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE",
    "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE",
)  # fmt: skip
"""What tells libraries that a process is one of several: torchrun's variables, and MPI's."""


def settle() -> str:
    """Forget what is left of another program's processes, so that no library sees it either.

    A shell or a batch system may export ``RANK`` alone: we are no process of several then.

    Returns:
        A line that says what was forgotten; empty where nothing was, or torchrun started one.

    Raises:
        EffbenchError: torchrun's variables are all there, and make no sense.

    """
    if not several():
        alone = all(os.environ.get(name) for name in VARIABLES)
        left = [name for name in TOLD if os.environ.pop(name, None) is not None]
        if left and not alone:
            return (
                f"the environment has {', '.join(left)}, but not all that torchrun sets "
                f"({', '.join(VARIABLES)}): this process runs alone (unset what another "
                "program has left)"
            )
    elif rank() and not _has_first():
        raise EffbenchError(
            f"the environment says RANK={rank()}, and there is no process of RANK=0 beside "
            "this one, which would write the records (unset RANK, or start with torchrun)"
        )
    return ""


def rank() -> int:
    """Return this process's number among those that torchrun started; 0 when it is alone."""
    return _place()[0]


def several() -> bool:
    """Tell whether torchrun started other processes too."""
    return _place()[1] > 1


def _place() -> tuple[int, int]:
    """Return this process's number, and how many there are: 0 of 1 unless torchrun says all."""
    said = {name: os.environ.get(name, "") for name in VARIABLES}
    if not all(said.values()):
        return 0, 1
    try:
        number, count, local, _port = (int(said[n]) for n in VARIABLES if n != "MASTER_ADDR")
    except ValueError:
        number, count, local = -1, 1, -1
    if not 0 <= number < count or not 0 <= local < count:
        spelled = ", ".join(f"{name}={value}" for name, value in said.items())
        raise EffbenchError(
            f"the environment has {spelled}, which no process of torchrun has "
            "(unset them, or start with torchrun)"
        )
    return number, count


def _has_first() -> bool:
    """Tell whether the agent that started this process started one of number 0, too."""
    import psutil

    for one in psutil.Process(os.getppid()).children():
        try:
            if one.environ().get("RANK") == "0":
                return True
        except psutil.AccessDenied:  # nobody may look here: believe the environment
            return True
        except psutil.NoSuchProcess:
            continue
    return False
