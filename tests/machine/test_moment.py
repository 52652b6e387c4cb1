from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from effbench.machine import moment
from effbench.machine.fingerprint import digest, fingerprint, state, warnings
from made_machine import LAPTOP, refused, write


@pytest.fixture
def tree(tmp_path: Path):
    return partial(write, tmp_path)


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails


def test_state(tree, monkeypatch) -> None:
    monkeypatch.setattr(
        psutil,
        "sensors_battery",
        lambda: SimpleNamespace(power_plugged=False),
        raising=False,
    )
    users = [SimpleNamespace(name=name) for name in ("me", "me", "you")]
    monkeypatch.setattr(psutil, "users", lambda: users)
    monkeypatch.setattr(moment.getpass, "getuser", lambda: "me")
    monkeypatch.setattr(moment.os, "getloadavg", lambda: (0.5, 0.404, 0.3), raising=False)
    clocks = [SimpleNamespace(current=mhz) for mhz in (803.4, 0.0, 799.6)]  # 0: off
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: clocks)
    heats = [SimpleNamespace(current=degrees) for degrees in (61.0, 64.5)]
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: {"coretemp": heats})
    monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(steal=2.5))
    found = state(tree(LAPTOP))
    assert found.pop("available memory").endswith(" GB")
    assert found.pop("timer")
    assert 0 < found.pop("timer resolution") < 1e-3
    assert found == {
        "load": [0.5, 0.4, 0.3],
        "runnable processes": 3,
        "cpu mhz": {"lowest": 800, "highest": 803},
        "temperatures": {"coretemp": 64.5},
        "seconds stolen": 2.5,
        "clock source": "tsc",
        "address space randomisation": 2,
        "on battery": True,
        "users": 2,
        "other users": 1,
    }


def test_what_psutil_cannot_read_is_absent(tree, monkeypatch) -> None:
    for name in ("cpu_freq", "sensors_temperatures", "cpu_times"):
        monkeypatch.setattr(psutil, name, refused, raising=False)
    found = state(tree(LAPTOP))
    assert not found.keys() & {"cpu mhz", "temperatures", "seconds stolen"}
    assert found["clock source"] == "tsc"


def test_without_linux_what_python_and_psutil_know_is_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(psutil, "users", refused)
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(moment.getpass, "getuser", refused_as_in_containers)
    found, now = fingerprint(1, None, tmp_path), state(tmp_path)
    hardware = found["platform"]["hardware"]
    assert hardware.keys() == {"cpu", "ram"}
    assert hardware["cpu"].keys() >= {"model", "architecture", "operation mode", "logical cpus"}
    assert not hardware["cpu"].keys() & {"governor", "turbo", "microcode", "sockets"}
    assert "container" not in found["platform"]
    assert not now.keys() & {"on battery", "temperatures", "cpu mhz", "seconds stolen", "gpu"}
    assert (now["users"], now["other users"]) == (0, 0)
    assert len(digest(found)) == 12
    assert warnings(found, {**now, "load": [0.0]}) == []


def refused_as_in_containers() -> None:
    raise KeyError("getpwuid(): uid not found")


def test_warnings_of_a_laptop(tree) -> None:
    known = fingerprint(1, [0], tree(LAPTOP))
    now = {"on battery": True, "other users": 2, "load": [1.75, 0, 0]}
    assert warnings(known, now) == [
        "the governor is powersave (sudo cpupower frequency-set -g performance)",
        "turbo is on: speed depends on temperature (as root, in /sys/devices/system/cpu: "
        "echo 1 > intel_pstate/no_turbo; or in the firmware)",
        "the platform profile is balanced (powerprofilesctl set performance)",
        "on battery (plug it in)",
        "other users are logged in: 2 (measure when they are not)",
    ]


def test_warnings_of_a_container_on_a_rented_machine() -> None:
    machine = {
        "platform": {
            "hardware": {"cpu": {"number of cores": 2}, "virtual machine": True},
            "container": {"cpus": 1.5},
        },
        "threads": 4,
        "cpus": [0, 1, 2],
    }
    now = {"load": [4.4, 9, 9], "clock source": "hpet", "address space randomisation": 0}
    starts = [warning.split(" (")[0] for warning in warnings(machine, now)]
    assert starts == [
        "a virtual machine: neighbours may take the processor",
        "the container has 1.5 CPUs' worth of time: what goes beyond waits",
        "4 threads share 2 cores",
        "the clock source is hpet: slow to read",
        "addresses are not randomised: every process has the same luck with its layout",
    ]


def test_warnings_of_a_gpu() -> None:
    gpus = [{"persistence mode": True}, {"persistence mode": False}]
    machine = {"platform": {"hardware": {"gpu": gpus}}, "threads": 1}
    now = {"gpu": [{}, {"slowed by": ["power cap", "heat"], "other processes": 1}]}
    starts = [warning.split(" (")[0] for warning in warnings(machine, now)]
    assert starts == [
        "the GPU's driver sleeps between processes",
        "other processes are on the GPU",
        "the GPU is held down by heat, power cap",
    ]


def test_a_steady_machine_has_no_warnings() -> None:
    cpu = {"number of cores": 8, "governor": "performance", "turbo": False}
    machine = {"platform": {"hardware": {"cpu": cpu, "gpu": [{"mig": False}]}}, "threads": 8}
    now = {"on battery": False, "other users": 0, "load": [8.2, 1, 1], "clock source": "tsc"}
    assert warnings(machine, now) == []
