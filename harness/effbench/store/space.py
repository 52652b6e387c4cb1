"""Free space on the disks: a run that needs more is refused before it starts."""

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
"""The advice when the disk of the cache is too small."""


class Need(NamedTuple):
    """The bytes that a run will write into a folder."""

    folder: Path
    least: int
    """The least number of bytes: a guess above it could refuse a run that fits."""

    mend: str
    """The advice when the bytes do not fit."""


def free(folder: Path) -> int | None:
    """Return the free bytes on the disk of a folder, which may be missing; None if unknown."""
    usage = _usage(folder)
    return None if usage is None else usage.free


def check(needs: Iterable[Need]) -> None:
    """Refuse needs that do not fit; the needs of the same disk are added up.

    Raises:
        EffbenchError: a disk has too little space; the message has both numbers.

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
        # a disk reserves space that only root may use
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
    return usage if usage.total else None  # some network file systems report 0


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _above(folder: Path) -> Path:
    """Return the folder, or the nearest folder above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
