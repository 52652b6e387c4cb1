"""The fingerprint: facts that two comparable latencies share; some are not compared."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from effbench.machine import facts, linux
from effbench.machine.linux import ROOT, gigabytes, present, tried
from effbench.machine.moment import state, warnings
from effbench.machine.nvml import gpu_facts
from effbench.store.digests import digest_of

__all__ = ["differences", "digest", "fingerprint", "state", "warnings"]

ENGINES = (
    "PyStemmer", "ctranslate2", "hnswlib", "jax", "numba", "onnxruntime", "onnxruntime-gpu",
    "openvino", "scann", "triton", "usearch",
)  # fmt: skip
"""Packages that compute for plugins, or for packages in `facts.PACKAGES`."""

ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES", "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES",
    "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "KMP_AFFINITY", "KMP_BLOCKTIME", "LD_PRELOAD",
    "MALLOC_ARENA_MAX", "MALLOC_CONF", "MKL_ENABLE_INSTRUCTIONS", "OMP_DYNAMIC", "OMP_PLACES",
    "OMP_PROC_BIND", "OMP_WAIT_POLICY", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
    "PYTHONDEVMODE", "PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHON_JIT",
)  # fmt: skip
"""Variables that change the speed; the field ``threads`` has the number of threads."""

LIBRARIES = "platform.software.libraries.python"
NOT_COMPARED = {
    "platform.operating system.distribution",
    *(f"{LIBRARIES}.{name}" for name in ("effbench", "ir-datasets", "ir-measures")),
    f"{LIBRARIES}.pytrec-eval-terrier",
}
SHORTENED = {
    "platform.operating system.kernel": re.compile(r"\S+ \d+(\.\d+)?"),
    "platform.software.python.version": re.compile(r"\d+\.\d+"),
}
"""Fields with a comparison of their beginning only: the part that the pattern matches."""


def fingerprint(threads: int, cpus: Sequence[int] | None, root: Path = ROOT) -> dict[str, Any]:
    """Return the facts that decide latency here, with names of ir_metadata where it has them.

    Args:
        threads: the number of threads that the measured work may use.
        cpus: the processors that the work is bound to (None: it is not bound).
        root: the folder that contains /proc, /sys and /etc.

    Returns:
        A mapping for JSON; unknown facts are absent. ``gpu`` is a list.

    """
    bound = sorted(cpus) if cpus is not None else _inherited()
    return {
        "platform": {
            "hardware": _hardware(root),
            **present({"container": tried(lambda: linux.container(root), {})}),
            "operating system": {
                "kernel": f"{platform.system()} {platform.release()}",
                **present({"libc": " ".join(platform.libc_ver()).strip() or None}),
                **({} if sys.platform == "linux" else {"distribution": platform.platform()}),
                **tried(lambda: linux.system(root), {}),
            },
            "software": _software(),
        },
        "threads": threads,
        **present({"cpus": bound}),
    }


def digest(fingerprint: Mapping[str, Any]) -> str:
    """Return 12 hex digits that are equal when latencies are comparable.

    All fields of a fingerprint count, except those that change often and hardly change the
    speed of a query: the name of the distribution (its kernel and C library count), the kernel
    and Python beyond major.minor, and the packages that never run while the clock runs.
    effbench itself does not count either, because the number of the protocol tells how it
    measures. The microcode of the processor counts: updates have slowed vector code by tens of
    percents.
    """
    return digest_of(_comparable(fingerprint))[:12]


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return the fields that differ between two fingerprints, with both values."""
    first, second = _comparable(a), _comparable(b)
    return [
        f"{name}: {_written(first.get(name))}, {_written(second.get(name))}"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def _hardware(root: Path) -> dict[str, Any]:
    import psutil

    cpu = {
        "model": facts.cpu_model(root),
        "architecture": platform.machine(),
        "operation mode": "64-bit" if sys.maxsize > 2**32 else "32-bit",
        "number of cores": tried(lambda: psutil.cpu_count(logical=False), None),
        "logical cpus": tried(psutil.cpu_count, None),
        **tried(lambda: linux.cpu(root), {}),
    }
    return {
        "cpu": present(cpu),
        **present({"gpu": tried(lambda: gpu_facts(root), []), "ram": tried(_ram, None)}),
        **tried(lambda: linux.virtual(root), {}),
    }


def _ram() -> str:
    import psutil

    return gigabytes(psutil.virtual_memory().total)


def _software() -> dict[str, Any]:
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    releases = facts.versions()
    for package in ENGINES:
        try:
            releases[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": {
            "version": releases.pop("python"),
            "implementation": platform.python_implementation()
            + ("" if gil else " without GIL"),
        },
        "libraries": {"python": [f"{name}=={releases[name]}" for name in sorted(releases)]},
        **present(
            {
                "blas": _blas(),
                "environment": {
                    name: os.environ[name] for name in ENVIRONMENT if name in os.environ
                },
            }
        ),
    }


def _blas() -> str | None:
    """Return the name and version of the BLAS that numpy was built with."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return " ".join(str(blas[key]) for key in ("name", "version") if key in blas) or None


def _inherited() -> list[int] | None:
    """Return the processors that this process is bound to, or None when it may use all."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    bound = tried(lambda: os.sched_getaffinity(0), None)
    return sorted(bound) if bound and len(bound) < (os.cpu_count() or 0) else None


def _comparable(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that must be equal: a mapping from dotted names to values."""
    compared = {}
    for name, value in _fields(fingerprint):
        short = SHORTENED[name].match(value) if name in SHORTENED else None
        if name not in NOT_COMPARED:
            compared[name] = short[0] if short else value
    return compared


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values; each ``name==version`` of a list is a field, too."""
    start = f"{name}." if name else ""
    if isinstance(value, Mapping):
        for key in value:
            yield from _fields(value[key], f"{start}{key}")
    elif name.startswith("platform.software.libraries."):
        for library in value:
            package, _, release = library.partition("==")
            yield f"{start}{package}", release
    elif isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from _fields(item, f"{start}{place}")
    else:
        yield name, value


def _written(value: Any) -> str:
    if value is None:
        return "absent"
    return value if isinstance(value, str) else json.dumps(value)
