"""Facts of the machine, and a short name that latencies are tied to."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from effbench.content import digest_of

PACKAGES = (
    "effbench", "torch", "transformers", "sentence-transformers", "tokenizers", "numpy",
    "faiss-cpu", "faiss-gpu", "bm25s", "ir-datasets", "ir-measures", "pytrec-eval-terrier",
)  # fmt: skip


@cache
def facts() -> dict[str, Any]:
    """Return what decides how fast this machine is: processor, cores, memory, GPUs, system."""
    import psutil

    return {
        "cpu": cpu_model(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "threads": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "gpus": gpu_models(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def name() -> str:
    """Return the machine's name in result folders: processor and a hash of its facts."""
    known = facts()
    slug = re.sub(r"[^a-z0-9]+", "-", str(known["cpu"]).casefold()).strip("-")[:32].strip("-")
    return f"{slug}-{known['threads']}t-{digest_of(known)[:8]}"


def versions() -> dict[str, str]:
    """Return Python's version and those of the packages that move numbers or speed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cpu_model(root: Path = Path("/")) -> str:
    """Return the processor's name as the system tells it."""
    try:
        text = (root / "proc/cpuinfo").read_text(errors="replace")
        model = re.search(r"model name\s*:\s*(.+)", text)
    except OSError:  # not Linux
        model = None
    return model[1].strip() if model else platform.processor() or platform.machine()


def gpu_models(root: Path = Path("/")) -> list[str]:
    """Return the models of NVIDIA GPUs that the driver knows, without loading CUDA."""
    infos = sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))
    models = (re.search(r"Model:\s*(.+)", info.read_text()) for info in infos)
    return [model[1].strip() for model in models if model]
