"""Room on the disks: a run that will not fit is refused before it starts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from effbench.api.errors import EffbenchError
from effbench.text.words import sized

STORE = "name another disk with --cache, free some with effbench cache, or take fewer rows"
"""How to mend it where the disk of a store is too small."""


class Need(NamedTuple):
    """What will be written into a folder."""

    folder: Path
    least: int
    """Bytes, for sure: who guesses would refuse what fits."""

    mend: str
    """What to do where they do not fit."""


def free(folder: Path) -> int | None:
    """Return the bytes that the disk of a folder, there or not, has free; None if unknown."""
    usage = _usage(folder)
    return None if usage is None else usage.free


def check(needs: Iterable[Need]) -> None:
    """Refuse what does not fit on the disks, all needs of one disk together.

    Raises:
        EffbenchError: it says where, how much is needed and how much is free.

    """
    disks: dict[int, list[Need]] = {}
    for need in needs:
        if need.least > 0:
            disks.setdefault(_above(need.folder).stat().st_dev, []).append(need)
    for of_disk in disks.values():
        first = max(of_disk, key=lambda need: need.least)
        least, usage = sum(need.least for need in of_disk), _usage(first.folder)
        if usage is None:
            continue
        # disks keep some room for root alone, who may fill it
        room = usage.total - usage.used if _is_root() else usage.free
        if least > room:
            much, little = sized(least), sized(room)
            if much == little:
                much, little = f"{least:,} bytes", f"{room:,}"
            raise EffbenchError(
                f"{first.folder}: what is left to be made takes at least {much} there, and "
                f"{little} are free ({first.mend})"
            )


def _usage(folder: Path) -> shutil._ntuple_diskusage | None:
    try:
        usage = shutil.disk_usage(_above(folder))
    except OSError:
        return None
    return usage if usage.total else None  # some file systems of networks do not count


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _above(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
