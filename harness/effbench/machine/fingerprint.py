"""What decides latency on a machine, and must be equal for two latencies to be comparable."""

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
"""Packages that do the work of plugins, or of those in `machine.PACKAGES`, where installed."""

ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES", "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES",
    "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "KMP_AFFINITY", "KMP_BLOCKTIME", "LD_PRELOAD",
    "MALLOC_ARENA_MAX", "MALLOC_CONF", "MKL_ENABLE_INSTRUCTIONS", "OMP_DYNAMIC", "OMP_PLACES",
    "OMP_PROC_BIND", "OMP_WAIT_POLICY", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
    "PYTHONDEVMODE", "PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHON_JIT",
)  # fmt: skip
"""Variables that move speed; how many threads there are is said by ``threads``."""

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
"""Fields of which only the beginning is compared."""


def fingerprint(threads: int, cpus: Sequence[int] | None, root: Path = ROOT) -> dict[str, Any]:
    """Return what decides latency here, under the names of ir_metadata where it has one.

    Args:
        threads: how many the measured work may use.
        cpus: the processors it is bound to (None: to none).
        root: of the tree that /proc, /sys and /etc are read from.

    Returns:
        Facts that JSON can hold; those not known here are absent. ``gpu`` is a list.

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
    """Return 12 hex digits that are equal where latencies are comparable.

    All that a fingerprint holds counts, but for what changes often and hardly moves the speed
    of a query: the distribution's name (its kernel and C library count), the kernel beyond
    major.minor, Python beyond major.minor, and the packages that run only off the clock
    (effbench itself too: the protocol's number says how it measures). The processor's microcode
    does count: updates of it have slowed vector code by tens of percents.
    """
    return digest_of(_comparable(fingerprint))[:12]


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return the fields that keep two fingerprints apart, with both values: none if none do."""
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
    found = facts.versions()
    for package in ENGINES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": {
            "version": found.pop("python"),
            "implementation": platform.python_implementation()
            + ("" if gil else " without GIL"),
        },
        "libraries": {"python": [f"{name}=={found[name]}" for name in sorted(found)]},
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
    """Return the BLAS that numpy was built with."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return " ".join(str(blas[key]) for key in ("name", "version") if key in blas) or None


def _inherited() -> list[int] | None:
    """Return the processors that this process is bound to, if not to all."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    own = tried(lambda: os.sched_getaffinity(0), None)
    return sorted(own) if own and len(own) < (os.cpu_count() or 0) else None


def _comparable(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that must be equal, by dotted name."""
    found = {}
    for name, value in _fields(fingerprint):
        short = SHORTENED[name].match(value) if name in SHORTENED else None
        if name not in NOT_COMPARED:
            found[name] = short[0] if short else value
    return found


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values; ``name==version`` in a list is a field of its own."""
    start = f"{name}." if name else ""
    if isinstance(value, Mapping):
        for key in value:
            yield from _fields(value[key], f"{start}{key}")
    elif name.startswith("platform.software.libraries."):
        for library in value:
            package, _, release = library.partition("==")
            yield f"{start}{package}", release
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value):
            yield from _fields(one, f"{start}{place}")
    else:
        yield name, value


def _written(value: Any) -> str:
    if value is None:
        return "absent"
    return value if isinstance(value, str) else json.dumps(value)
