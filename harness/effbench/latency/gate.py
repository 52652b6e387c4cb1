"""The noise gate: whether the machine was steady while a block was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import psutil

from effbench.latency.recorded import Block
from effbench.machine.linux import tried

CPUS = "/sys/devices/system/cpu"
DRIFT = 0.05
"""How far the calibrations before and after a block may lie apart."""

STOLEN = 0.02
"""Share of the processors that other virtual machines may take during a block."""

OTHERS = 0.25
"""Cores that other processes may keep busy."""

STEADY = 0.5
"""Share of a row's blocks that must be steady; its figures are of those alone then."""

SPREAD = 0.10
"""Standard deviation that the medians of a row's processes may have, of their median."""

ADVICE = "on an idle machine, plugged in, its clock fixed (see docs/latency.md)"


class Reading(NamedTuple):
    """What the system has counted so far, in ticks of some processors."""

    stolen: int
    all: int
    throttled: int


def read_system(cpus: Sequence[int] | None = None) -> Reading:
    """Return the counters of processors (None: of all) now; zeros where there are none."""
    lines = [f"cpu{cpu}" for cpu in cpus] if cpus else ["cpu"]
    places = [f"cpu{cpu}" for cpu in cpus] if cpus else ["cpu*"]
    stolen = every = throttled = 0
    try:
        for line in Path("/proc/stat").read_text().splitlines():
            name, *ticks = line.split()
            if name in lines:
                stolen += int(ticks[7])
                every += sum(map(int, ticks[:8]))
        for place in places:
            counters = Path(CPUS).glob(f"{place}/thermal_throttle/core_throttle_count")
            throttled += sum(int(path.read_text()) for path in counters)
    except (OSError, ValueError, IndexError):  # not Linux, or not for us
        return Reading(stolen, every, 0)
    return Reading(stolen, every, throttled)


def stolen_between(before: Reading, after: Reading) -> float:
    """Return the share of the processors' time that other virtual machines took."""
    return (after.stolen - before.stolen) / max(after.all - before.all, 1)


class Load:
    """How many cores other processes keep busy, between two looks."""

    def __init__(self, ours: Callable[[], Iterable[int]]) -> None:
        self._ours = ours  # the processes that measure, by number
        self._used: dict[int, float] = {}
        self._busy, self._total, self._since = *self._look(), monotonic()

    @property
    def seconds(self) -> float:
        """Return the time since the last look."""
        return monotonic() - self._since

    def others(self) -> float:
        """Return the cores that others kept busy since the last look."""
        busy, total = self._look()
        found = busy - self._busy, total - self._total
        self._busy, self._total, self._since = busy, total, monotonic()
        cores = tried(psutil.cpu_count, None) or 1
        return max(0.0, found[0] / found[1] * cores) if found[1] > 0 else 0.0

    def _look(self) -> tuple[float, float]:
        """Return the seconds that others have used so far, and all seconds of all cores."""
        now = tried(psutil.cpu_times, None)
        if now is None:
            return 0.0, 0.0
        total = sum(now[:8])  # without guests, who are counted as users
        idle = now.idle + getattr(now, "iowait", 0.0) + getattr(now, "steal", 0.0)
        for process in self._ours():
            used = tried(partial(_used_by, process), None)
            if used is not None:  # what has ended keeps what it has used
                self._used[process] = used.user + used.system
        return total - idle - sum(self._used.values()), total


def _used_by(process: int) -> Any:
    return psutil.Process(process).cpu_times()


def unsteady(block: Block) -> str | None:
    """Say why a block is not steady; None if it is."""
    before, after = block.kernel_ns
    drift = max(before, after) / min(before, after) - 1
    if drift > DRIFT:
        return "the machine's speed changed"
    if block.stolen > STOLEN:
        return "other virtual machines took the processor"
    if block.throttled:
        return "the processor was throttled"
    if block.others > OTHERS:
        return "other processes kept a core busy"
    return None
