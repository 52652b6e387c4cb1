"""The noise gate and its limits: it decides whether the machine was steady during a block."""

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
"""The largest relative difference between the calibrations before and after a block."""

STOLEN = 0.02
"""The largest share of the processors' time that other virtual machines may take."""

BUSY_CORES = 0.25
"""The most cores that other processes may keep busy."""

STEADY = 0.5
"""The share of a row's blocks that must be steady. Its figures use these blocks alone."""

SPREAD = 0.10
"""The largest standard deviation of the medians of a row's processes, per their median."""

ADVICE = "on an idle machine, plugged in, its clock fixed (see docs/latency.md)"


class Reading(NamedTuple):
    """The system's counters for some processors, since the system was started."""

    stolen: int
    """Ticks that other virtual machines took."""

    all: int
    """All ticks."""

    throttled: int
    """Times that a processor slowed itself down."""


def read_system(cpus: Sequence[int] | None = None) -> Reading:
    """Return the counters of some processors (None: of all); zeros where there are none."""
    lines = [f"cpu{cpu}" for cpu in cpus] if cpus else ["cpu"]
    places = [f"cpu{cpu}" for cpu in cpus] if cpus else ["cpu*"]
    stolen = total = throttled = 0
    try:
        for line in Path("/proc/stat").read_text().splitlines():
            name, *ticks = line.split()
            if name in lines:
                stolen += int(ticks[7])
                total += sum(map(int, ticks[:8]))
        for place in places:
            counters = Path(CPUS).glob(f"{place}/thermal_throttle/core_throttle_count")
            throttled += sum(int(path.read_text()) for path in counters)
    except (OSError, ValueError, IndexError):  # not Linux, or we may not read them
        return Reading(stolen, total, 0)
    return Reading(stolen, total, throttled)


def stolen_between(before: Reading, after: Reading) -> float:
    """Return the share of the processors' time that other virtual machines took."""
    return (after.stolen - before.stolen) / max(after.all - before.all, 1)


class Load:
    """The load by other processes: it is looked at now and then."""

    def __init__(self, measuring: Callable[[], Iterable[int]]) -> None:
        """Take a function that returns the numbers of the processes that measure."""
        self._measuring = measuring
        self._used: dict[int, float] = {}
        self._busy, self._total, self._since = *self._look(), monotonic()

    @property
    def seconds(self) -> float:
        """Return the time since the last look."""
        return monotonic() - self._since

    def busy_cores(self) -> float:
        """Return how many cores other processes kept busy since the last look."""
        busy, total = self._look()
        busy_since, total_since = busy - self._busy, total - self._total
        self._busy, self._total, self._since = busy, total, monotonic()
        cores = tried(psutil.cpu_count, None) or 1
        return max(0.0, busy_since / total_since * cores) if total_since > 0 else 0.0

    def _look(self) -> tuple[float, float]:
        """Return the seconds that other processes have used, and all seconds of all cores."""
        now = tried(psutil.cpu_times, None)
        if now is None:
            return 0.0, 0.0
        total = sum(now[:8])  # the time of guests is in the users' time already
        idle = now.idle + getattr(now, "iowait", 0.0) + getattr(now, "steal", 0.0)
        for process in self._measuring():
            used = tried(partial(_used_by, process), None)
            if used is not None:  # a process that has ended keeps its last value
                self._used[process] = used.user + used.system
        return total - idle - sum(self._used.values()), total


def _used_by(process: int) -> Any:
    return psutil.Process(process).cpu_times()


def unsteady(block: Block) -> str | None:
    """Return why a block is not steady; None if it is steady."""
    before, after = block.kernel_ns
    drift = max(before, after) / min(before, after) - 1
    if drift > DRIFT:
        return "the machine's speed changed"
    if block.stolen > STOLEN:
        return "other virtual machines took the processor"
    if block.throttled:
        return "the processor was throttled"
    if block.busy_cores > BUSY_CORES:
        return "other processes kept a core busy"
    return None
