"""A description of this machine (``machine.json``), and its name in folders of results."""

from __future__ import annotations

import hmac
import os
import platform
import re
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.store.digests import digest_of
from effbench.text.names import unfit
from effbench.text.words import plain_line

PACKAGES = (
    "effbench", "torch", "transformers", "sentence-transformers", "tokenizers", "numpy",
    "faiss-cpu", "faiss-gpu", "bm25s", "ir-datasets", "ir-measures", "pytrec-eval-terrier",
)  # fmt: skip

NAMED = "EFFBENCH_MACHINE"
"""The variable with the machine's name: several containers or runners may share a name."""

PUBLISHED = "published"
"""The folder for results of other machines, as in effbench's repository."""


@cache
def facts() -> dict[str, Any]:
    """Return the facts that decide the speed: processor, cores, memory, GPUs, system."""
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
    """Return the machine's name in folders of results.

    The name is the value of EFFBENCH_MACHINE, or else the processor, the number of threads and
    a hash of `described`: two computers of the same kind have different names. The names do
    not decide whether two latencies are comparable; `effbench.machine.fingerprint` does.

    Raises:
        EffbenchError: EFFBENCH_MACHINE cannot be the name of a folder.

    """
    if given := os.environ.get(NAMED):
        named = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", given)
        if not named or unfit(given) or given == PUBLISHED:
            raise EffbenchError(
                f"{NAMED}={plain_line(given, 40)}: no name of a machine (write small letters, "
                f"digits, '-', '_' and '.', 64 at most; not {PUBLISHED!r}, nor a device's name)"
            )
        return given
    known = described()
    slug = re.sub(r"[^a-z0-9]+", "-", str(known["cpu"]).casefold()).strip("-")[:32].strip("-")
    return f"{slug}-{known['threads']}t-{digest_of(known)[:8]}"


def spelled(machine: str, among: Collection[str]) -> str:
    """Return a machine's name for a message; among several names, this machine is marked."""
    if len(set(among)) > 1:
        with suppress(EffbenchError):
            return f"{machine} (this machine)" if machine == name() else machine
    return machine


def described() -> dict[str, Any]:
    """Return the facts and the identity of this machine: the content of machine.json."""
    return {**facts(), "identity": identity()}


@cache
def identity(root: Path = Path("/")) -> str:
    """Return 12 hex digits that differ between computers and between containers.

    They are a keyed hash of the machine-id, because machine-id(5) asks to keep the id secret.
    Without a machine-id (in containers, on macOS) they are a keyed hash of the host's name.
    """
    known = platform.node()
    for place in ("etc/machine-id", "var/lib/dbus/machine-id"):
        with suppress(OSError):
            kept = (root / place).read_text(errors="replace").strip()
            if re.fullmatch("[0-9a-f]{32}", kept):
                known = kept
                break
    return hmac.new(b"effbench", known.encode(), "sha256").hexdigest()[:12]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide results or speed."""
    releases = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            releases[package] = version(package)
        except PackageNotFoundError:
            continue
    return releases


def cpu_model(root: Path = Path("/")) -> str:
    """Return the processor's name as the system reports it."""
    try:
        text = (root / "proc/cpuinfo").read_text(errors="replace")
        model = re.search(r"model name\s*:\s*(.+)", text)
    except OSError:  # not Linux
        model = None
    return model[1].strip() if model else platform.processor() or platform.machine()


def gpu_models(root: Path = Path("/")) -> list[str]:
    """Return the models of NVIDIA GPUs that the driver reports; CUDA is not loaded."""
    infos = sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))
    models = (re.search(r"Model:\s*(.+)", info.read_text()) for info in infos)
    return [model[1].strip() for model in models if model]
