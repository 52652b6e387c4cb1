from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from effbench.machine import nvml
from effbench.machine.fingerprint import fingerprint, state
from made_machine import Nvml, refused, write


@pytest.fixture
def tree(tmp_path: Path):
    return partial(write, tmp_path)


def test_gpu_through_nvml(tree, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    assert fingerprint(1, None, tree({}))["platform"]["hardware"]["gpu"] == [
        {
            "model": "Made-up H9",
            "architecture": "Hopper",
            "number of cores": 640,
            "ram": "80 GB",
            "driver": "570.1",
            "power limit": "350 W",
            "sm clock max": "1980 MHz",
            "memory clock max": "2619 MHz",
            "persistence mode": False,
            "mig": False,
        }
    ]
    assert state(tree({}))["gpu"] == [
        {
            "sm clock": "1880 MHz",
            "memory clock": "2519 MHz",
            "temperature": 71,
            "slowed by": ["power cap", "heat"],
            "other processes": 1,
        }
    ]


def test_gpu_that_tells_little(tree, monkeypatch) -> None:
    known = {
        "nvmlDeviceGetName",
        "nvmlDeviceGetCount",
        "nvmlDeviceGetHandleByIndex",
        "nvmlInit",
    }
    silent = {name: refused for name in vars(Nvml()) if name.startswith("nvml")}
    more = {name: call for name, call in silent.items() if name not in known}
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(**more))
    root = tree({})
    assert fingerprint(1, None, root)["platform"]["hardware"]["gpu"] == [
        {"model": "Made-up H9"}
    ]
    assert state(root)["gpu"] == [{}]


def test_reasons_for_low_clocks_under_their_new_name_come_first(tree, monkeypatch) -> None:
    none = Nvml(nvmlDeviceGetCurrentClocksEventReasons=Nvml.answer(0))
    monkeypatch.setitem(sys.modules, "pynvml", none)
    assert "slowed by" not in state(tree({}))["gpu"][0]


DRIVER = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build"


@pytest.mark.parametrize("module", [None, Nvml(nvmlInit=refused)])
def test_gpu_through_proc_where_nvml_does_not_work(tree, monkeypatch, module) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    folder = "proc/driver/nvidia"
    root = tree(
        {
            f"{folder}/gpus/0000:01/information": "Model: \t Old T4\n",
            f"{folder}/version": DRIVER,
        }
    )
    assert nvml.gpu_facts(root) == [{"model": "Old T4", "driver": "550.54.14"}]


def test_names_asked_for_are_nvmls(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    real = pytest.importorskip("pynvml")
    for name in (*vars(Nvml()), "nvmlDeviceGetTotalEnergyConsumption"):
        assert hasattr(real, name), name
    assert (real.NVML_CLOCK_SM, real.NVML_CLOCK_MEM) == (nvml.SM, nvml.MEMORY)
    assert real.NVML_TEMPERATURE_GPU == nvml.CORE_TEMPERATURE
    slowed = ("SwPowerCap", "HwSlowdown", "SwThermalSlowdown", "HwThermalSlowdown")
    bits = [getattr(real, f"nvmlClocksEventReason{name}") for name in slowed]
    assert [*bits, real.nvmlClocksEventReasonHwPowerBrakeSlowdown] == list(nvml.SLOWED)
