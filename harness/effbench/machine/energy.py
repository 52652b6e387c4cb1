"""The energy counters of processors and GPUs, where this user may read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from effbench.machine.linux import ROOT, number, text
from effbench.machine.nvml import Gpus


class Counters:
    """Counters of joules: RAPL for processors of Intel and AMD, NVML for GPUs of NVIDIA.

    They count the energy of the whole processor or card, not of this process alone. They change
    every millisecond (RAPL) or every tenth of a second (NVML), so read them before and after
    seconds of work. A RAPL counter starts again at 0 after about 2^18 J, which are tens of
    minutes under load; between two readings this may happen once. Often only root may read
    RAPL: without readable counters, ``names`` is empty.
    """

    def __init__(self, root: Path = ROOT) -> None:
        zones = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
        # other names are parts of a package, or the whole machine
        self._zones = [
            zone for zone in zones if (text(zone / "name") or "").startswith("package")
        ]
        self._gpus = Gpus()
        self._keys = tuple(self.read())
        self.names = tuple(dict.fromkeys(key.split(":")[0] for key in self._keys))
        """The keys that `between` returns: "cpu", "gpu", both or none."""

    def read(self) -> dict[str, float]:
        """Return a reading in joules for each counter ("cpu:0"); use it only in `between`."""
        reading = {}
        for place, zone in enumerate(self._zones):
            if (microjoules := number(zone / "energy_uj")) is not None:
                reading[f"cpu:{place}"] = microjoules / 1e6
        for place, joules in enumerate(self._gpus.joules()):
            if joules is not None:
                reading[f"gpu:{place}"] = joules
        return reading

    def between(
        self, before: Mapping[str, float], after: Mapping[str, float]
    ) -> dict[str, float]:
        """Return the joules between two readings, added up over all packages or cards.

        A name is missing when one of its counters was not readable both times, or went back
        without a known range.
        """
        total = {}
        for name in self.names:
            keys = [key for key in self._keys if key.split(":")[0] == name]
            used = [self._used(key, before.get(key), after.get(key)) for key in keys]
            known = [joules for joules in used if joules is not None]
            if len(known) == len(keys):
                total[name] = sum(known)
        return total

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
