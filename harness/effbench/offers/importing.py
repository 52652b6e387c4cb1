"""The import of a plugin's module: how long it takes, and which contract the module states."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from time import perf_counter
from types import ModuleType
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.api.hookspecs import CONTRACT
from effbench.guard.attributes import shown

STATED = "EFFBENCH_CONTRACT"
"""The name in a plugin's module that says which contract the plugin was written for."""

SLOW_SECONDS = 0.5
"""An import that takes longer gets a remark: every command that reads a suite waits for it."""


def timed(point: EntryPoint) -> tuple[Any, str | None]:
    """Import what an entry point names; return it with a remark if that took long."""
    before, start = set(sys.modules), perf_counter()
    imported = point.load()
    seconds = perf_counter() - start
    if seconds <= SLOW_SECONDS:
        return imported, None
    new = sys.modules.keys() - before
    package = point.value.partition(":")[0].strip().partition(".")[0]
    heavy = ", ".join(sorted(set(_imported(package, new)))) or "what takes long"
    return imported, (
        f"its import takes {seconds:.1f} s, and every command that reads a suite waits for it "
        f"(import {heavy} inside functions)"
    )


def _imported(package: str, new: set[str]) -> Iterator[str]:
    """Yield the packages that the new modules of a package import at the top."""
    tops = {name.partition(".")[0] for name in new} - sys.stdlib_module_names - {package}
    for name in new:
        if name.partition(".")[0] == package:
            for value in list(vars(sys.modules[name]).values()):
                is_module = isinstance(value, ModuleType)
                origin = value.__name__ if is_module else getattr(value, "__module__", None)
                if isinstance(origin, str) and origin.partition(".")[0] in tops:
                    yield origin.partition(".")[0]


def refuse_contract(module: str, distribution: str) -> None:
    """Refuse a module that states a contract which this effbench does not serve.

    Raises:
        EffbenchError: the module states another contract, or no whole number.

    """
    stated = getattr(sys.modules.get(module), STATED, CONTRACT)
    if type(stated) is not int:
        raise EffbenchError(
            f"{STATED} is {shown(stated)} (give a whole number, such as {CONTRACT})"
        )
    if stated != CONTRACT:
        newer = "effbench" if stated > CONTRACT else distribution.rpartition(" ")[0]
        raise EffbenchError(
            f"{STATED} is {stated}, and this effbench serves contract {CONTRACT} "
            f"(install a newer {newer})"
        )
