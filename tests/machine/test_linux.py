from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from effbench.machine import linux
from made_machine import CPU, CPUINFO, LAPTOP, write


@pytest.fixture
def tree(tmp_path: Path):
    return partial(write, tmp_path)


def test_processor(tree) -> None:
    assert linux.cpu(tree(LAPTOP)) == {
        "family, model, stepping": "6-85-7",
        "microcode": "0x5003604",
        "features": "avx2 avx512f fma sse4_2",
        "caches": {"l1d": "32K", "l3": "16384K"},
        "sockets": 1,
        "logical cpus": 4,
        "simultaneous multithreading": True,
        "governor": "powersave",
        "frequency driver": "intel_pstate",
        "energy preference": "balance_performance",
        "frequency max": "3900 MHz",
        "turbo": True,
        "platform profile": "balanced",
    }


def test_governors_that_differ_are_both_named_and_boost_is_read_where_intels_switch_is_not(
    tree,
) -> None:
    files = {
        f"{CPU}/cpufreq/boost": "0",
        f"{CPU}/cpu0/cpufreq/scaling_governor": "schedutil",
        f"{CPU}/cpu10/cpufreq/scaling_governor": "performance",
    }
    assert linux.cpu(tree(files)) == {"governor": "performance, schedutil", "turbo": False}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000"}, {"cpus": 1.5}),
        ({"cpu.max": "max 100000", "memory.max": "max"}, {}),
        ({"memory.max": str(3 * 2**29)}, {"memory": "1.5 GB"}),
        ({"cpuset.cpus.effective": "0,2"}, {"cpuset": "0,2"}),
        ({"cpuset.cpus.effective": "0-3"}, {}),
        ({"a/cpu.max": "100000 100000", "a/b/cpu.max": "300000 100000"}, {"cpus": 1.0}),
        ({"a/b/cpuset.cpus.effective": "1", "cpuset.cpus.effective": "0-3"}, {"cpuset": "1"}),
    ],
)
def test_container_of_cgroup_v2(tree, files: dict[str, str], expected) -> None:
    groups = {f"sys/fs/cgroup/{name}": value for name, value in files.items()}
    root = tree({"proc/self/cgroup": "0::/a/b", f"{CPU}/online": "0-3", **groups})
    assert linux.container(root) == expected


@pytest.mark.parametrize("inside", ["", "docker/f00/"])
def test_container_of_cgroup_v1_whether_or_not_it_sees_the_hosts_groups(tree, inside) -> None:
    group = {
        "cpu,cpuacct": {"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "100000"},
        "memory": {"memory.limit_in_bytes": str(2**32)},
        "cpuset": {"cpuset.cpus": "2-3"},
    }
    files = {
        f"sys/fs/cgroup/{controller}/{inside}{file}": value
        for controller, files in group.items()
        for file, value in files.items()
    }
    own = "9:cpuset:/docker/f00\n4:memory:/docker/f00\n3:cpu,cpuacct:/docker/f00\n0::/"
    root = tree({"proc/self/cgroup": own, f"{CPU}/online": "0-3", **files})
    assert linux.container(root) == {"cpus": 0.5, "memory": "4 GB", "cpuset": "2-3"}


def test_cgroup_v1_without_limits(tree) -> None:
    files = {
        "cpu/cpu.cfs_quota_us": "-1",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    groups = {f"sys/fs/cgroup/{name}": value for name, value in files.items()}
    root = tree({"proc/self/cgroup": "2:memory:/\n1:cpu:/", **groups})
    assert linux.container(root) == {}


@pytest.mark.parametrize(
    ("product", "flags", "expected"),
    [
        ("QEMU Standard PC", "", True),
        ("Amazon EC2 m5.large", "", True),
        ("Amazon EC2 m5.metal", "", False),
        ("Maker Notebook", "", False),
        ("Maker Notebook", " hypervisor", True),
        (None, " hypervisor", True),
    ],
)
def test_virtual_machine(tree, product, flags, expected) -> None:
    files = {"proc/cpuinfo": CPUINFO.format(n=0, mhz=1, more=flags)}
    if product:
        files["sys/class/dmi/id/product_name"] = product
    found = linux.virtual(tree(files))
    assert found == {**({"product": product} if product else {}), "virtual machine": expected}
