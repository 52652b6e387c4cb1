"""What NVIDIA's driver tells of its GPUs: their facts, their state, the energy they used.

Through NVML where the module pynvml is there and works (the extra nvml), else as little as
the driver writes into /proc. Never loads CUDA, never fails, never warns.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from effbench.machine.facts import gpu_models
from effbench.machine.linux import ROOT, gigabytes, present, text, tried

SM, MEMORY, CORE_TEMPERATURE = 1, 2, 0
"""NVML's numbers of the clocks and the sensor asked for."""

SLOWED = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "heat",
    0x40: "heat (hardware)",
    0x80: "power brake",
}
"""NVML's reasons for clocks below what was asked for; being idle and settings are none."""


class Gpus:
    """The GPUs that NVML sees: none where it does not work.

    NVML stays open until the process ends: opening it anew may take a second.
    """

    def __init__(self) -> None:
        self._nvml = _opened()
        count = self._ask("nvmlDeviceGetCount")
        handles = (
            self._ask("nvmlDeviceGetHandleByIndex", n)
            for n in range(count if isinstance(count, int) else 0)
        )
        self._handles = [handle for handle in handles if handle is not None]

    def facts(self) -> list[dict[str, Any]]:
        """Return what does not change while a GPU is measured."""
        return [tried(partial(self._facts, handle), {}) for handle in self._handles]

    def state(self) -> list[dict[str, Any]]:
        """Return what may change from minute to minute."""
        return [tried(partial(self._state, handle), {}) for handle in self._handles]

    def joules(self) -> list[float | None]:
        """Return the energy of each GPU since its driver was loaded (None: it does not say)."""
        asked = [self._ask("nvmlDeviceGetTotalEnergyConsumption", one) for one in self._handles]
        return [mj / 1e3 if isinstance(mj, int | float) else None for mj in asked]

    def _facts(self, handle: Any) -> dict[str, Any]:
        ask = self._ask
        generation = ask("nvmlDeviceGetArchitecture", handle)
        memory = ask("nvmlDeviceGetMemoryInfo", handle)
        limit = ask("nvmlDeviceGetEnforcedPowerLimit", handle)
        persistence = ask("nvmlDeviceGetPersistenceMode", handle)
        parted = ask("nvmlDeviceGetMigMode", handle)  # now, and after the next reset
        return present(
            {
                "model": ask("nvmlDeviceGetName", handle),
                "architecture": self._constant("NVML_DEVICE_ARCH_", generation),
                "number of cores": ask("nvmlDeviceGetNumGpuCores", handle),
                "ram": memory and gigabytes(memory.total),
                "driver": ask("nvmlSystemGetDriverVersion"),
                "power limit": limit and f"{limit / 1e3:g} W",
                "sm clock max": _mhz(ask("nvmlDeviceGetMaxClockInfo", handle, SM)),
                "memory clock max": _mhz(ask("nvmlDeviceGetMaxClockInfo", handle, MEMORY)),
                "persistence mode": None if persistence is None else persistence == 1,
                "mig": None if parted is None else parted[0] == 1,
            }
        )

    def _state(self, handle: Any) -> dict[str, Any]:
        ask = self._ask
        reasons = ask("nvmlDeviceGetCurrentClocksEventReasons", handle)
        if reasons is None:  # its name until 2023
            reasons = ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle)
        running = ask("nvmlDeviceGetComputeRunningProcesses", handle)
        others = None if running is None else {one.pid for one in running} - _family()
        return present(
            {
                "sm clock": _mhz(ask("nvmlDeviceGetClockInfo", handle, SM)),
                "memory clock": _mhz(ask("nvmlDeviceGetClockInfo", handle, MEMORY)),
                "temperature": ask("nvmlDeviceGetTemperature", handle, CORE_TEMPERATURE),
                "slowed by": [name for bit, name in SLOWED.items() if (reasons or 0) & bit],
                "other processes": None if others is None else len(others),
            }
        )

    def _ask(self, call: str, *arguments: Any) -> Any:
        """Return what NVML answers, or None: not on this card, in this version, or for us."""
        try:
            answer = getattr(self._nvml, call)(*arguments)
        except Exception:  # whatever: facts are no reason to fail
            return None
        return answer.decode(errors="replace") if isinstance(answer, bytes) else answer

    def _constant(self, prefix: str, value: int | None) -> str | None:
        for name, constant in vars(self._nvml).items():
            if name.startswith(prefix) and constant == value:
                return str(name).removeprefix(prefix).capitalize()
        return None


def gpu_facts(root: Path = ROOT) -> list[dict[str, Any]]:
    """Return the GPUs' facts as NVML tells them, else as /proc does."""
    version = text(root / "proc/driver/nvidia/version") or ""
    driver = re.search(r"Kernel Module.*?\s(\d+\.[\d.]*\d)\s", version)
    return Gpus().facts() or [
        present({"model": model, "driver": driver and driver[1]}) for model in gpu_models(root)
    ]


def _opened() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a package of the same module announces its end
            nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # not installed, no driver, not allowed
        return None
    return nvml


def _mhz(clock: int | None) -> str | None:
    return None if clock is None else f"{clock} MHz"


def _family() -> set[int]:
    """Return this process, the one that started it, and those it started."""
    import psutil

    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        children = []
    return {os.getpid(), os.getppid(), *(child.pid for child in children)}
