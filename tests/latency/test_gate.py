"""The noise gate: when a machine is not steady."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from effbench.latency.gate import Load, read_system, unsteady
from effbench.latency.samples import Block

STEADY = Block(0, 0, 0, 0, (1000, 1040), 0.01, 0, 3, 0.2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"kernel_ns": (1000, 1060)}, "the machine's speed changed"),
        ({"kernel_ns": (1060, 1000)}, "the machine's speed changed"),
        ({"stolen": 0.03}, "other virtual machines took the processor"),
        ({"throttled": 1}, "the processor was throttled"),
        ({"busy_cores": 0.3}, "other processes kept a core busy"),
    ],
)
def test_what_makes_a_block_unsteady(change, reason) -> None:
    assert unsteady(STEADY._replace(**change)) == reason


def test_what_other_processes_take_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        load, mine = Load(lambda: []), Load(lambda: [other.pid])
        time.sleep(1)
        found, without = load.busy_cores(), mine.busy_cores()
        other.kill()
    assert found > 0.2
    assert without < found, "those that measure are not counted"


def test_the_system_is_read_wherever_it_runs() -> None:
    reading = read_system()
    assert 0 <= reading.stolen <= reading.all
