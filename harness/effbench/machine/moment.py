"""The present state of this machine, and warnings about uncertain latencies."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from effbench.machine.linux import CPUS, ROOT, number, present, text, tried
from effbench.machine.nvml import Gpus


def state(root: Path = ROOT) -> dict[str, Any]:
    """Return the facts that may change within minutes; unknown facts are absent.

    ``seconds stolen`` counts from the start of the machine: the difference of two states is the
    time that other virtual machines took in between.
    """
    import psutil

    clock = time.get_clock_info("perf_counter")
    battery = tried(lambda: psutil.sensors_battery(), None)
    users = {user.name for user in tried(psutil.users, ())}
    load = tried(lambda: {"load": [round(average, 2) for average in os.getloadavg()]}, {})
    free = tried(lambda: f"{psutil.virtual_memory().available / 2**30:.1f} GB", None)
    return {
        **load,
        **tried(lambda: _linux(root), {}),
        **({} if battery is None else {"on battery": battery.power_plugged is False}),
        **present({"available memory": free}),
        "users": len(users),
        "other users": len(users - {_me()}),
        **present({"gpu": tried(lambda: Gpus().state(), [])}),
        "timer": clock.implementation,
        "timer resolution": clock.resolution,
    }


def warnings(fingerprint: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Return the reasons why latencies are uncertain here, each with its remedy.

    Args:
        fingerprint: the result of `effbench.machine.fingerprint.fingerprint`.
        state: the result of `state` while no measurement runs, which would count as load.

    """
    return [
        *_of_processor(fingerprint["platform"]["hardware"].get("cpu", {})),
        *_of_shares(fingerprint),
        *_of_state(state),
        *_of_gpus(fingerprint["platform"]["hardware"].get("gpu", ()), state.get("gpu", ())),
    ]


def _of_processor(cpu: Mapping[str, Any]) -> Iterator[str]:
    governor = cpu.get("governor", "performance")
    if governor != "performance":
        yield f"the governor is {governor} (sudo cpupower frequency-set -g performance)"
    if cpu.get("turbo"):
        intel = cpu.get("frequency driver", "").startswith("intel")
        switch = "1 > intel_pstate/no_turbo" if intel else "0 > cpufreq/boost"
        yield (
            "turbo is on: speed depends on temperature "
            f"(as root, in /{CPUS}: echo {switch}; or in the firmware)"
        )
    profile = cpu.get("platform profile", "performance")
    if profile != "performance":
        yield f"the platform profile is {profile} (powerprofilesctl set performance)"


def _of_shares(fingerprint: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about shared processors, and about too few processors for the threads."""
    hardware, threads = fingerprint["platform"]["hardware"], fingerprint["threads"]
    container = fingerprint["platform"].get("container", {})
    cores = hardware.get("cpu", {}).get("number of cores", threads)
    if hardware.get("virtual machine"):
        yield (
            "a virtual machine: neighbours may take the processor "
            "(measure on a machine of your own, or repeat at other hours)"
        )
    if "cpus" in container:
        yield (
            f"the container has {container['cpus']:g} CPUs' worth of time: "
            "what goes beyond waits (start it without the limit)"
        )
    places = min(cores, len(fingerprint.get("cpus") or range(cores)))
    if threads > places:
        yield f"{threads} threads share {places} cores (fewer threads, or more cpus)"


def _of_state(state: Mapping[str, Any]) -> Iterator[str]:
    if state.get("on battery"):
        yield "on battery (plug it in)"
    if users := state.get("other users"):
        yield f"other users are logged in: {users} (measure when they are not)"
    source = state.get("clock source")
    if source in ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"):
        yield f"the clock source is {source}: slow to read (boot with tsc=reliable)"
    if state.get("address space randomisation") == 0:
        yield (
            "addresses are not randomised: every process has the same luck with its layout "
            "(sudo sysctl kernel.randomize_va_space=2)"
        )


def _of_gpus(facts: Any, states: Any) -> Iterator[str]:
    if any(gpu.get("persistence mode") is False for gpu in facts):
        yield "the GPU's driver sleeps between processes (sudo nvidia-smi -pm 1)"
    if any(gpu.get("other processes") for gpu in states):
        yield "other processes are on the GPU (stop them: nvidia-smi lists them)"
    if reasons := sorted({reason for gpu in states for reason in gpu.get("slowed by", ())}):
        yield (
            f"the GPU is held down by {', '.join(reasons)} "
            "(cool it, or set lower clocks: nvidia-smi -lgc)"
        )


def _linux(root: Path) -> dict[str, Any]:
    import psutil

    if sys.platform != "linux":  # on other systems psutil reports nominal clocks
        return {}
    load = re.match(r"\S+ \S+ \S+ (\d+)/", text(root / "proc/loadavg") or "")
    clocks = tried(lambda: psutil.cpu_freq(percpu=True), [])
    speeds = [round(clock.current) for clock in clocks if clock.current]  # 0: switched off
    chips = tried(psutil.sensors_temperatures, {}).items()
    source = root / "sys/devices/system/clocksource/clocksource0/current_clocksource"
    return present(
        {
            "runnable processes": int(load[1]) if load else None,
            "cpu mhz": {"lowest": min(speeds), "highest": max(speeds)} if speeds else None,
            "temperatures": {chip: max(t.current for t in heats) for chip, heats in chips},
            "seconds stolen": tried(lambda: psutil.cpu_times().steal, None),
            "clock source": text(source),
            "address space randomisation": number(root / "proc/sys/kernel/randomize_va_space"),
        }
    )


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in containers
        return ""
