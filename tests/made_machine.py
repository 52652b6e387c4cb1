"""A laptop with Linux, as files, and NVIDIA's library with one card."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

CPUINFO = """\
processor\t: {n}
cpu family\t: 6
model\t\t: 85
model name\t: Made-up Xeon @ 2.00GHz
stepping\t: 7
microcode\t: 0x5003604
cpu MHz\t\t: {mhz}
flags\t\t: fpu sse2 sse4_2 avx2 fma avx512f{more}
"""
CPU = "sys/devices/system/cpu"
FREQUENCY = {
    "scaling_governor": "powersave",
    "scaling_driver": "intel_pstate",
    "energy_performance_preference": "balance_performance",
    "scaling_max_freq": "3900000",
}
LAPTOP = {
    "proc/cpuinfo": "\n".join(CPUINFO.format(n=n, mhz=800 + n, more="") for n in range(4)),
    "proc/loadavg": "0.50 0.40 0.30 3/812 4711",
    "proc/cmdline": "quiet mitigations=off ro",
    "proc/sys/kernel/randomize_va_space": "2",
    "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "sys/firmware/acpi/platform_profile": "balanced",
    "sys/class/dmi/id/sys_vendor": "Maker",
    "sys/class/dmi/id/product_name": "Notebook 14",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    f"{CPU}/online": "0-3",
    f"{CPU}/smt/active": "1",
    f"{CPU}/intel_pstate/no_turbo": "0",
    **{f"{CPU}/cpu{n}/topology/physical_package_id": "0" for n in range(4)},
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": f"{n % 2},{n % 2 + 2}" for n in range(4)},
    **{f"{CPU}/cpufreq/policy0/{file}": value for file, value in FREQUENCY.items()},
    f"{CPU}/cpu0/cache/index0/level": "1",
    f"{CPU}/cpu0/cache/index0/type": "Data",
    f"{CPU}/cpu0/cache/index0/size": "32K",
    f"{CPU}/cpu0/cache/index3/level": "3",
    f"{CPU}/cpu0/cache/index3/type": "Unified",
    f"{CPU}/cpu0/cache/index3/size": "16384K",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content + "\n")
    return root


class Nvml(SimpleNamespace):
    """NVML of before 2023, with one card, and another's process on it beside ours."""

    def __init__(self, **more: object) -> None:
        answers = {
            "Init": None,
            "DeviceGetCount": 1,
            "DeviceGetHandleByIndex": "handle",
            "DeviceGetName": b"Made-up H9",
            "DeviceGetArchitecture": 9,
            "DeviceGetNumGpuCores": 640,
            "DeviceGetMemoryInfo": SimpleNamespace(total=85_520_809_984),
            "SystemGetDriverVersion": "570.1",
            "DeviceGetEnforcedPowerLimit": 350_000,
            "DeviceGetPersistenceMode": 0,
            "DeviceGetMigMode": [0, 1],
            "DeviceGetTemperature": 71,
            "DeviceGetCurrentClocksThrottleReasons": 0x1 | 0x4 | 0x20,
            "DeviceGetComputeRunningProcesses": [
                SimpleNamespace(pid=pid) for pid in (2**30, os.getpid(), os.getppid())
            ],
        }
        calls = {f"nvml{name}": self.answer(value) for name, value in answers.items()}
        clocks = {1: 1980, 2: 2619}
        calls["nvmlDeviceGetMaxClockInfo"] = lambda handle, kind: clocks[kind]
        calls["nvmlDeviceGetClockInfo"] = lambda handle, kind: clocks[kind] - 100
        generations = {"NVML_DEVICE_ARCH_TURING": 6, "NVML_DEVICE_ARCH_HOPPER": 9}
        super().__init__(**{**generations, **calls, **more})

    @staticmethod
    def answer(value: object):
        return lambda *arguments: value


def refused(*arguments: object) -> None:
    raise RuntimeError("NVML: Insufficient Permissions")
