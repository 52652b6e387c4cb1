"""The energy counters of processor and GPU, where there are some that we may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from effbench.machine.linux import ROOT, number, text
from effbench.machine.nvml import Gpus


class Counters:
    """Counters of joules: RAPL for processors (Intel's and AMD's), NVML for NVIDIA's GPUs.

    They count all that runs on a processor or card, not this process alone, and move on every
    millisecond (RAPL) or tenth of a second (NVML): take them around seconds of work. A RAPL
    counter starts again after some 2^18 J, tens of minutes under load: between two readings
    it may do so once. Without readable counters (RAPL is often root's) there are no names.
    """

    def __init__(self, root: Path = ROOT) -> None:
        zones = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
        # parts of a package are named otherwise, and so is the whole machine
        self._zones = [
            zone for zone in zones if (text(zone / "name") or "").startswith("package")
        ]
        self._gpus = Gpus()
        self._keys = tuple(self.read())
        self.names = tuple(dict.fromkeys(key.split(":")[0] for key in self._keys))
        """What `between` tells of: "cpu", "gpu", both, or nothing."""

    def read(self) -> dict[str, float]:
        """Return joules since some origin by counter ("cpu:0"), for `between` only."""
        found = {}
        for place, zone in enumerate(self._zones):
            if (microjoules := number(zone / "energy_uj")) is not None:
                found[f"cpu:{place}"] = microjoules / 1e6
        for place, joules in enumerate(self._gpus.joules()):
            if joules is not None:
                found[f"gpu:{place}"] = joules
        return found

    def between(
        self, before: Mapping[str, float], after: Mapping[str, float]
    ) -> dict[str, float]:
        """Return the joules used between two readings, all packages or cards together.

        A name is left out when one of its counters could not be read both times, or went
        back in a way that it should not.
        """
        found = {}
        for name in self.names:
            keys = [key for key in self._keys if key.split(":")[0] == name]
            used = [self._used(key, before.get(key), after.get(key)) for key in keys]
            known = [joules for joules in used if joules is not None]
            if len(known) == len(keys):
                found[name] = sum(known)
        return found

    def _used(self, key: str, before: float | None, after: float | None) -> float | None:
        if before is None or after is None:
            return None
        if after >= before:
            return after - before
        name, place = key.split(":")
        span = (
            number(self._zones[int(place)] / "max_energy_range_uj") if name == "cpu" else None
        )
        return after - before + span / 1e6 if span else None
