from __future__ import annotations

import copy
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from altered import altered
from effbench.machine.fingerprint import ENVIRONMENT, differences, digest, fingerprint
from made_machine import CPU, LAPTOP, write


@pytest.fixture
def tree(tmp_path: Path):
    return partial(write, tmp_path)


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails


def test_hardware_and_container(tree, monkeypatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4 if logical else 2)
    group = {"sys/fs/cgroup/cpu.max": "150000 100000"}
    found = fingerprint(1, None, tree({**LAPTOP, **group}))["platform"]
    hardware = found["hardware"]
    assert hardware["cpu"]["model"] == "Made-up Xeon @ 2.00GHz"
    assert hardware["cpu"]["operation mode"] == "64-bit"
    assert (hardware["cpu"]["number of cores"], hardware["cpu"]["logical cpus"]) == (2, 4)
    assert hardware["ram"] == f"{round(psutil.virtual_memory().total / 2**30)} GB"
    assert (hardware["product"], hardware["virtual machine"]) == ("Maker Notebook 14", False)
    assert found["container"] == {"cpus": 1.5}


def test_system_and_software(tree, monkeypatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_PROC_BIND", "close")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = fingerprint(2, [3, 1], tree(LAPTOP))
    system, software = found["platform"]["operating system"], found["platform"]["software"]
    assert system["distribution"] == "Debian GNU/Linux 12 (bookworm)"
    assert (system["transparent hugepages"], system["mitigations"]) == ("madvise", "off")
    assert software["environment"] == {"OMP_PROC_BIND": "close"}
    assert any(line.startswith("torch==") for line in software["libraries"]["python"])
    assert software["blas"]
    assert (found["threads"], found["cpus"]) == (2, [1, 3])
    assert json.loads(json.dumps(found)) == found


def test_processors_that_the_process_is_bound_to_already_are_told(tree, monkeypatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {5, 2}, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert fingerprint(1, None, tree({}))["cpus"] == [2, 5]
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert "cpus" not in fingerprint(1, None, tree({}))


@pytest.fixture
def known(tree) -> dict:
    found = fingerprint(1, [0], tree(LAPTOP))
    found["platform"]["operating system"]["kernel"] = "Linux 6.1.0-18-amd64"
    found["platform"]["software"]["python"]["version"] = "3.11.7"
    found["platform"]["software"]["libraries"]["python"] = ["effbench==0.1.0", "torch==2.13.0"]
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("platform/operating system/kernel", "Linux 6.1.0-22-amd64"),
        ("platform/operating system/distribution", "Debian GNU/Linux 12.1"),
        ("platform/software/python/version", "3.11.9"),
        ("platform/software/libraries/python", ["effbench==0.2.0", "torch==2.13.0"]),
    ],
)
def test_digest_stays_where_speed_hardly_moves(known, path: str, value) -> None:
    other = changed(known, path, value)
    assert digest(other) == digest(known)
    assert differences(known, other) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (
            "platform/hardware/cpu/governor",
            "performance",
            "platform.hardware.cpu.governor: powersave, performance",
        ),
        ("platform/hardware/cpu/turbo", False, "platform.hardware.cpu.turbo: true, false"),
        ("threads", 2, "threads: 1, 2"),
        ("cpus", [0, 1], "cpus: [0], [0, 1]"),
        (
            "platform/software/libraries/python",
            ["effbench==0.1.0", "torch==2.14.0"],
            "platform.software.libraries.python.torch: 2.13.0, 2.14.0",
        ),
        (
            "platform/operating system/kernel",
            "Linux 6.18.0",
            "platform.operating system.kernel: Linux 6.1, Linux 6.18",
        ),
        (
            "platform/hardware/gpu",
            [{"model": "T4"}],
            "platform.hardware.gpu.0.model: absent, T4",
        ),
    ],
)
def test_digest_moves_and_the_difference_is_told(known, path: str, value, told: str) -> None:
    other = changed(known, path, value)
    assert digest(other) != digest(known)
    assert differences(known, other) == [told]


def changed(known: dict, path: str, value: object) -> dict:
    other = copy.deepcopy(known)
    *folders, last = path.split("/")
    inner = other
    for folder in folders:
        inner = inner[folder]
    inner[last] = value
    return other


def test_digest_stays_while_the_machines_state_changes_and_over_json(tree) -> None:
    before = fingerprint(1, [0], tree(LAPTOP))
    moving = {
        "proc/loadavg": "9 9 9 9/9 9",
        "proc/cpuinfo": altered(
            LAPTOP["proc/cpuinfo"], "cpu MHz\t\t: 80", "cpu MHz\t\t: 350", times=4
        ),
        f"{CPU}/cpufreq/policy0/scaling_cur_freq": "3900000",
        "sys/class/hwmon/hwmon0/temp1_input": "99000",
    }
    after = fingerprint(1, [0], tree(moving))
    assert after == before
    assert digest(json.loads(json.dumps(before))) == digest(before)


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, effbench.machine.fingerprint, effbench.machine.energy; "
        "print({'torch', 'numpy', 'psutil', 'pynvml'} & sys.modules.keys())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "set()", found.stderr
