"""Facts that Linux reports in /proc and /sys: processor, container, system, free memory.

Every function takes the root of the tree, and its result lacks the facts that are missing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")

ROOT = Path("/")
CPUS = "sys/devices/system/cpu"
VECTORS = re.compile(r"sse4|avx|fma$|f16c|amx|asimd|sve|i8mm|bf16")
"""The features of a processor that decide the speed of products of vectors."""
VIRTUAL = re.compile(
    r"virtual|vmware|kvm|qemu|bochs|\bxen\b|hvm|openstack|firecracker|parallels|bhyve"
    r"|google compute engine|amazon ec2 (?!\S*metal)",
    re.IGNORECASE,
)
"""The names of virtual machines; Amazon also sells real machines (metal)."""


def tried(read: Callable[[], A], unknown: B) -> A | B:
    """Return the result of ``read``, or ``unknown`` on an error: facts must not stop a run."""
    try:
        return read()
    except Exception:  # missing on this system, not permitted, or in an unexpected form
        return unknown


def text(path: Path) -> str | None:
    """Return the text of a file, or None when it is missing, unreadable or empty."""
    try:
        return path.read_text(errors="replace").strip() or None
    except OSError:
        return None


def number(path: Path) -> int | None:
    """Return the integer in a file, or None."""
    content = text(path)
    return int(content) if content and re.fullmatch(r"-?\d{1,30}", content) else None


def present(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that are known."""
    return {name: fact for name, fact in facts.items() if fact not in (None, [], {})}


def gigabytes(amount: int) -> str:
    """Return an amount of memory as ir_metadata writes it, in whole GiB."""
    return f"{round(amount / 2**30)} GB"


def cpu_numbers(ranges: str) -> list[int]:
    """Return the numbers of the processors in a list such as ``0-3,8``."""
    cpus: list[int] = []
    for part in re.findall(r"\d{1,5}(?:-\d{1,5})?", ranges):
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return cpus


def cpu(root: Path = ROOT) -> dict[str, Any]:
    """Return the model of the processor, its cores, and the control of its frequency."""
    info, folder = _cpuinfo(root), root / CPUS
    packages = [text(path) for path in each(folder, "topology/physical_package_id")]
    stepping = [info.get(key) for key in ("cpu family", "model", "stepping")]
    features = (info.get("flags") or info.get("Features") or "").split()
    return present(
        {
            "family, model, stepping": "-".join(filter(None, stepping)) or None,
            "microcode": info.get("microcode"),
            "features": " ".join(sorted(filter(VECTORS.match, features))) or None,
            "caches": _caches(folder / "cpu0/cache"),
            "sockets": len(set(packages)) or None,
            "logical cpus": len(cpu_numbers(text(folder / "online") or "")) or None,
            "simultaneous multithreading": _flag(number(folder / "smt/active")),
            **_frequency(folder),
            "platform profile": text(root / "sys/firmware/acpi/platform_profile"),
        }
    )


def virtual(root: Path = ROOT) -> dict[str, Any]:
    """Return whether this is a virtual machine, and the name of the product."""
    flags = _cpuinfo(root).get("flags")
    names = [text(root / "sys/class/dmi/id" / file) for file in ("sys_vendor", "product_name")]
    product = " ".join(filter(None, names)) or None
    signs = ["hypervisor" in flags.split()] if flags else []
    signs += [bool(VIRTUAL.search(product))] if product else []
    signs += [True] if text(root / "sys/hypervisor/type") else []
    return present({"product": product, "virtual machine": any(signs) if signs else None})


def container(root: Path = ROOT) -> dict[str, Any]:
    """Return the limits of the control groups (v1 and v2) that are below the machine's size.

    A limit holds for all groups below its group, so the lowest limit counts.
    """
    quotas = [quota for folder in _groups(root, "cpu") if (quota := _quota(folder))]
    limits = [
        limit
        for folder in _groups(root, "memory")
        for file in ("memory.max", "memory.limit_in_bytes")
        if (limit := number(folder / file)) is not None and limit < 2**60  # v1's "no limit"
    ]
    sets = [
        cpus
        for folder in _groups(root, "cpuset")
        for file in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
        if (cpus := text(folder / file))
    ]
    every = set(cpu_numbers(text(root / CPUS / "online") or ""))
    narrow = bool(sets) and set(cpu_numbers(sets[0])) < every
    return present(
        {
            "cpus": round(min(quotas), 3) if quotas else None,
            "memory": f"{min(limits) / 2**30:.3g} GB" if limits else None,
            "cpuset": sets[0] if narrow else None,
        }
    )


def system(root: Path = ROOT) -> dict[str, Any]:
    """Return the distribution, and the settings of the kernel that change the speed."""
    release = re.search(
        r"^PRETTY_NAME=\"?([^\"\n]+)", text(root / "etc/os-release") or "", re.MULTILINE
    )
    pages = re.search(
        r"\[(\w+)\]", text(root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    )
    mitigations = re.search(r"\bmitigations=(\S+)", text(root / "proc/cmdline") or "")
    matches = {
        "distribution": release,
        "transparent hugepages": pages,
        "mitigations": mitigations,
    }
    return {name: match[1] for name, match in matches.items() if match}


def _cpuinfo(root: Path) -> dict[str, str]:
    """Return the facts of the first processor in /proc/cpuinfo."""
    first = (text(root / "proc/cpuinfo") or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def each(folder: Path, file: str) -> list[Path]:
    """Return the paths of a file in the folder of every processor."""
    return sorted(folder.glob(f"cpu[0-9]*/{file}"))


def _caches(folder: Path) -> dict[str, str]:
    """Return the sizes of the caches of a core, with the names of tirex-tracker."""
    sizes = {}
    for index in sorted(folder.glob("index*")):
        level, kind, size = (text(index / file) for file in ("level", "type", "size"))
        if level and size:
            part = {"Data": "d", "Instruction": "i"}.get(kind or "", "")
            sizes[f"l{level}{part}"] = size
    return sizes


def _frequency(folder: Path) -> dict[str, Any]:
    policies = sorted(folder.glob("cpufreq/policy*")) or each(folder, "cpufreq")
    tops = [top // 1000 for policy in policies if (top := number(policy / "scaling_max_freq"))]
    turbo = number(folder / "cpufreq/boost")  # Intel's driver has the opposite switch
    if (switched_off := number(folder / "intel_pstate/no_turbo")) is not None:
        turbo = 1 - switched_off
    return {
        "governor": _distinct(policy / "scaling_governor" for policy in policies),
        "frequency driver": _distinct(policy / "scaling_driver" for policy in policies),
        "energy preference": _distinct(
            policy / "energy_performance_preference" for policy in policies
        ),
        "frequency max": " ".join(f"{top} MHz" for top in sorted(set(tops))) or None,
        "turbo": _flag(turbo),
    }


def _flag(value: int | None) -> bool | None:
    return None if value is None else value == 1


def _distinct(paths: Iterable[Path]) -> str | None:
    return ", ".join(sorted({value for path in paths if (value := text(path))})) or None


def _groups(root: Path, controller: str) -> list[Path]:
    """Return the folder of this process's control group, then the folders above it."""
    mount, folders = root / "sys/fs/cgroup", []
    for line in (text(root / "proc/self/cgroup") or "0::/").splitlines():
        _, _, entry = line.partition(":")
        names, _, inside = entry.partition(":")
        if names and controller not in names.split(","):
            continue
        top = mount / names if (mount / names).is_dir() else mount / controller
        folder = top / inside.lstrip("/")  # missing where a container hides the groups above
        folders += [folder, *(above for above in folder.parents if above.is_relative_to(top))]
    return folders


def _quota(group: Path) -> float | None:
    """Return the share of time that a control group may use, in processors."""
    words = (text(group / "cpu.max") or "").split()
    if len(words) == 2 and words[0].isdigit():
        return int(words[0]) / int(words[1])
    quota, period = number(group / "cpu.cfs_quota_us"), number(group / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def free_bytes(root: Path = ROOT) -> int:
    """Return the free memory in bytes, of the machine or of this process's control group.

    The result is `sys.maxsize` if the system does not report it.
    """
    import psutil

    left = [tried(lambda: int(psutil.virtual_memory().available), sys.maxsize)]
    for folder in _groups(root, "memory"):
        for most, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit, current = number(folder / most), number(folder / used)
            if limit is not None and current is not None:
                left.append(int(limit - current))
    return min(left)


def total_bytes(root: Path = ROOT) -> int:
    """Return the memory in bytes that this machine has, or that its control group allows.

    The result is `sys.maxsize` if the system does not report it.
    """
    import psutil

    most = [tried(lambda: int(psutil.virtual_memory().total), sys.maxsize)]
    for folder in _groups(root, "memory"):
        for file in ("memory.max", "memory.limit_in_bytes"):
            if (limit := number(folder / file)) is not None:
                most.append(limit)
    return min(most)
