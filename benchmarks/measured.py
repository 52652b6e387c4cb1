"""A process and its children, watched: their memory, their lines, and a bound of memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

EVERY_S = 0.25
BLOCK = 2**23
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


class Sample(NamedTuple):
    """Seconds since the start, bytes of the processes without pages of files, and with them.

    The last figure is that of the cgroup, if there is a bound.
    """

    moment: float
    own: int
    every: int


class Watched(NamedTuple):
    """How a process went: its lines on stderr with their seconds, and its memory."""

    code: int
    seconds: float
    lines: list[tuple[float, str]]
    samples: list[Sample]


class Bound:
    """A cgroup that bounds the memory of processes, if this machine allows one."""

    def __init__(self, limit: str | None) -> None:
        self._folder: Path | None = None
        self.told = "memory: unbounded"
        if limit is None:
            return
        size = int(float(limit.rstrip("KMG")) * UNITS.get(limit[-1], 1))
        first = V1 if (V1 / "memory.limit_in_bytes").exists() else V2
        folder = first / f"effbench-{os.getpid()}"
        try:
            folder.mkdir()
            name = "memory.limit_in_bytes" if first == V1 else "memory.max"
            (folder / name).write_text(str(size))
        except OSError as error:
            self.told = f"memory: unbounded, because no cgroup can be made ({error})"
        else:
            self._folder = folder
            self.told = f"memory: bounded to {size:,} bytes by the cgroup {folder}"

    @property
    def usage(self) -> int | None:
        """What the cgroup counts now, in bytes; None without a bound."""
        if self._folder is None:
            return None
        first = (
            "memory.usage_in_bytes" if (self._folder / "memory.usage_in_bytes").exists() else ""
        )
        return int((self._folder / (first or "memory.current")).read_text())

    def start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a process, inside the bound, as the head of a group of processes."""
        procs = self._folder / "cgroup.procs" if self._folder else None
        join = ["sh", "-c", f'echo $$ > {procs}; exec "$@"', "sh"] if procs else []
        return subprocess.Popen(
            [*join, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def release(self) -> None:
        """Remove the cgroup."""
        if self._folder is not None:
            self._folder.rmdir()


def watch(command: Sequence[str], bound: Bound) -> Watched:
    """Run a command to its end."""
    begin = time.monotonic()
    process = bound.start(command)
    lines: list[tuple[float, str]] = []
    samples: list[Sample] = []

    def sample() -> None:
        while process.poll() is None:
            samples.append(_sample(process.pid, bound, time.monotonic() - begin))
            time.sleep(EVERY_S)

    sampling = threading.Thread(target=sample)
    sampling.start()
    for line in process.stderr or ():
        lines.append((time.monotonic() - begin, line.rstrip()))
    code = process.wait()
    sampling.join()
    return Watched(code, time.monotonic() - begin, lines, samples)


def _sample(root: int, bound: Bound, moment: float) -> Sample:
    own = files = 0
    family = {root}  # a child has a larger number than its parent, as long as numbers last
    for status in sorted(Path("/proc").glob("[0-9]*/status"), key=lambda p: int(p.parts[2])):
        try:
            figures = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError):  # it has ended
            continue
        number = int(status.parts[2])
        if number in family or int(figures["PPid"]) in family:
            family.add(number)
            own += int(figures.get("RssAnon", "0").split()[0]) * 1024
            files += int(figures.get("RssFile", "0").split()[0]) * 1024
    usage = bound.usage
    return Sample(moment, own, own + files if usage is None else usage)


def plain_read(paths: Sequence[Path]) -> str:
    """Return how fast files are read, first from the disk and then from memory."""
    speeds = []
    for cold in (True, False):
        size, begin = 0, 0.0
        if cold:
            for path in paths:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        begin, block = time.monotonic(), bytearray(BLOCK)
        for path in paths:
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(block):
                    size += count
        speeds.append(size / (time.monotonic() - begin) / 1e9)
    return f"{speeds[0]:.2f} GB/s from the disk, {speeds[1]:.2f} GB/s again"
