"""Facts, state and energy of NVIDIA GPUs, as the driver reports them.

This module uses NVML if the module pynvml works (the extra nvml), or else the few facts in
/proc. It never loads CUDA, never fails and never warns.
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
"""NVML's numbers of two clocks and a sensor."""

SLOWED = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "heat",
    0x40: "heat (hardware)",
    0x80: "power brake",
}
"""NVML's bits for the reasons of lowered clocks, without idleness and settings."""


class Gpus:
    """The GPUs that NVML reports; empty when NVML does not work.

    NVML stays open until the process ends, because opening it may take a second.
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
        """Return the constant facts of each GPU."""
        return [tried(partial(self._facts, handle), {}) for handle in self._handles]

    def state(self) -> list[dict[str, Any]]:
        """Return the facts of each GPU that may change within minutes."""
        return [tried(partial(self._state, handle), {}) for handle in self._handles]

    def joules(self) -> list[float | None]:
        """Return the joules of each GPU since its driver was loaded (None: unknown)."""
        call = "nvmlDeviceGetTotalEnergyConsumption"
        answers = [self._ask(call, handle) for handle in self._handles]
        return [mj / 1e3 if isinstance(mj, int | float) else None for mj in answers]

    def _facts(self, handle: Any) -> dict[str, Any]:
        ask = self._ask
        generation = ask("nvmlDeviceGetArchitecture", handle)
        memory = ask("nvmlDeviceGetMemoryInfo", handle)
        limit = ask("nvmlDeviceGetEnforcedPowerLimit", handle)
        persistence = ask("nvmlDeviceGetPersistenceMode", handle)
        parted = ask("nvmlDeviceGetMigMode", handle)  # a pair: now, and after the next reset
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
        pids = None if running is None else {process.pid for process in running} - _family()
        return present(
            {
                "sm clock": _mhz(ask("nvmlDeviceGetClockInfo", handle, SM)),
                "memory clock": _mhz(ask("nvmlDeviceGetClockInfo", handle, MEMORY)),
                "temperature": ask("nvmlDeviceGetTemperature", handle, CORE_TEMPERATURE),
                "slowed by": [name for bit, name in SLOWED.items() if (reasons or 0) & bit],
                "other processes": None if pids is None else len(pids),
            }
        )

    def _ask(self, call: str, *arguments: Any) -> Any:
        """Return NVML's answer, or None: the card, the version or the permission is missing."""
        try:
            answer = getattr(self._nvml, call)(*arguments)
        except Exception:  # any error: facts must not stop a run
            return None
        return answer.decode(errors="replace") if isinstance(answer, bytes) else answer

    def _constant(self, prefix: str, value: int | None) -> str | None:
        for name, constant in vars(self._nvml).items():
            if name.startswith(prefix) and constant == value:
                return str(name).removeprefix(prefix).capitalize()
        return None


def gpu_facts(root: Path = ROOT) -> list[dict[str, Any]]:
    """Return the facts of each GPU from NVML, or else from /proc."""
    version = text(root / "proc/driver/nvidia/version") or ""
    driver = re.search(r"Kernel Module.*?\s(\d+\.[\d.]*\d)\s", version)
    return Gpus().facts() or [
        present({"model": model, "driver": driver and driver[1]}) for model in gpu_models(root)
    ]


def _opened() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # another package of this module is deprecated
            nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # not installed, no driver, or no permission
        return None
    return nvml


def _mhz(clock: int | None) -> str | None:
    return None if clock is None else f"{clock} MHz"


def _family() -> set[int]:
    """Return the numbers of this process, its parent and all its descendants."""
    import psutil

    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        children = []
    return {os.getpid(), os.getppid(), *(child.pid for child in children)}
