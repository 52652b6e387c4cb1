"""Runs of several processes on a machine (torchrun): the number of this process.

All processes train together: the loop of the trainer shares out the batches. The other steps
have locks, and the first process that comes makes them.
"""

from __future__ import annotations

import os

from effbench.api.errors import EffbenchError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""The variables that torchrun sets for each process, and that libraries read."""

TOLD = (
    *VARIABLES,
    "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE",
    "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE",
)  # fmt: skip
"""All variables of torchrun and MPI that tell a library about several processes."""


def settle() -> str:
    """Remove variables that another program left behind, so that no library reads them.

    A shell or a batch system may export only ``RANK``: then this process runs alone.

    Returns:
        A message with the removed variables; "" if none was removed, or if torchrun started
        this process alone.

    Raises:
        EffbenchError: all variables of torchrun are set, and they contradict each other.

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
    """Return the number of this process under torchrun, or 0 when it runs alone."""
    return _place()[0]


def several() -> bool:
    """Tell whether torchrun started several processes."""
    return _place()[1] > 1


def _place() -> tuple[int, int]:
    """Return the number of this process, and how many run; (0, 1) without torchrun."""
    values = {name: os.environ.get(name, "") for name in VARIABLES}
    if not all(values.values()):
        return 0, 1
    try:
        number, count, local, _port = (int(values[n]) for n in VARIABLES if n != "MASTER_ADDR")
    except ValueError:
        number, count, local = -1, 1, -1
    if not 0 <= number < count or not 0 <= local < count:
        spelled = ", ".join(f"{name}={value}" for name, value in values.items())
        raise EffbenchError(
            f"the environment has {spelled}, which no process of torchrun has "
            "(unset them, or start with torchrun)"
        )
    return number, count


def _has_first() -> bool:
    """Tell whether the parent process has a child with the number 0."""
    import psutil

    for process in psutil.Process(os.getppid()).children():
        try:
            if process.environ().get("RANK") == "0":
                return True
        except psutil.AccessDenied:  # no permission to look: trust the environment
            return True
        except psutil.NoSuchProcess:
            continue
    return False
