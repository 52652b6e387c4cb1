from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from effbench.machine.energy import Counters

RANGE = 262_143_328_850


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails


def zone(root: Path, folder: str, name: str, microjoules: int) -> Path:
    """Write a counter as RAPL's driver shows it."""
    made = root / "sys/class/powercap" / folder
    made.mkdir(parents=True, exist_ok=True)
    (made / "name").write_text(f"{name}\n")
    (made / "energy_uj").write_text(f"{microjoules}\n")
    (made / "max_energy_range_uj").write_text(f"{RANGE}\n")
    return made / "energy_uj"


class Nvml(SimpleNamespace):
    def __init__(self, *millijoules: int | None) -> None:
        self.counters = list(millijoules)

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetCount(self) -> int:
        return len(self.counters)

    def nvmlDeviceGetHandleByIndex(self, place: int) -> int:
        return place

    def nvmlDeviceGetTotalEnergyConsumption(self, place: int) -> int:
        if self.counters[place] is None:
            raise RuntimeError("NVML: Not Supported")
        return self.counters[place]


def test_packages_count_and_not_what_is_within_or_around_them(tmp_path: Path) -> None:
    counters = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    files = [zone(tmp_path, folder, name, 1_000_000) for folder, name in counters.items()]
    found = Counters(tmp_path)
    assert found.names == ("cpu",)
    before = found.read()
    assert before == {"cpu:0": 1.0, "cpu:1": 1.0}
    for file in files:
        file.write_text("3500000\n")
    assert found.between(before, found.read()) == {"cpu": 5.0}


def test_a_counter_that_started_again(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 2_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 10_000_000)
    found = Counters(tmp_path)
    before = found.read()
    first.write_text("500000\n")
    second.write_text("11000000\n")
    assert found.between(before, found.read())["cpu"] == pytest.approx(2.5 + 1)


def test_a_counter_that_went_back_without_a_range_has_no_joules(tmp_path: Path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    (file.parent / "max_energy_range_uj").unlink()
    found = Counters(tmp_path)
    before = found.read()
    file.write_text("4000000\n")
    assert found.between(before, found.read()) == {}


@pytest.mark.parametrize("content", [None, "no number"])
def test_a_counter_that_cannot_be_read_is_absent(tmp_path: Path, content) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    file.unlink()
    if content is None:
        file.mkdir()  # no one can read it, root neither
    else:
        file.write_text(content)
    found = Counters(tmp_path)
    assert found.names == ()
    assert found.read() == {}
    assert found.between({}, {}) == {}


def test_a_counter_that_vanishes_takes_its_name_along(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    file = zone(tmp_path, "intel-rapl:1", "package-1", 1)
    found = Counters(tmp_path)
    before = found.read()
    file.unlink()
    assert found.between(before, found.read()) == {}


def test_cards(tmp_path: Path, monkeypatch) -> None:
    card = Nvml(1_000, None, 20_000)
    monkeypatch.setitem(sys.modules, "pynvml", card)
    zone(tmp_path, "intel-rapl:0", "package-0", 0)
    found = Counters(tmp_path)
    assert found.names == ("cpu", "gpu")
    before = found.read()
    card.counters = [1_500, None, 22_000]
    assert found.between(before, found.read()) == {"cpu": 0.0, "gpu": 2.5}
    card.counters[0] = 3  # its driver was loaded again
    assert found.between(before, found.read()) == {"cpu": 0.0}


def test_nothing_to_read(tmp_path: Path) -> None:
    assert Counters(tmp_path).names == ()
