"""The class of a keeper, which copies a part of the shared state and puts it back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ABSENT = object()
"""Stands for the state of a module that is not imported."""


@dataclass(frozen=True, eq=False)
class Keeper:
    """Copies a part of a module's state, and puts it back after a plugin changed it."""

    module: str
    take: Callable[[Any], Any]
    put: Callable[[Any, Any], object]

    def taken(self) -> Any:
        """Return a copy of the present state, or `ABSENT`."""
        module = sys.modules.get(self.module)
        with contextlib.suppress(Exception):  # such as a working directory that is gone
            return ABSENT if module is None else self.take(module)
        return ABSENT

    def put_back(self, before: Any) -> None:
        """Put the state ``before`` back, if that is possible."""
        if before is not ABSENT:
            with contextlib.suppress(Exception):
                self.put(sys.modules[self.module], before)


class Imports:
    """An entry of `sys.meta_path` that reports the import of certain modules."""

    def __init__(self, modules: Iterable[str], imported: Callable[[str], None]) -> None:
        self._modules, self._imported = frozenset(modules), imported

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the usual spec of a module, with a loader that reports the import."""
        spec = PathFinder.find_spec(name, path) if name in self._modules else None
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._imported(name)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def attribute(module: str, name: str) -> Keeper:
    """Return the keeper of a module's attribute."""

    def put(at: Any, was: Any) -> None:
        if getattr(at, name) is not was:
            setattr(at, name, was)

    return Keeper(module, lambda at: getattr(at, name), put)


def pair(module: str, getter: str, setter: str) -> Keeper:
    """Return the keeper of a setting with a function ``getter`` and a function ``setter``."""

    def put(at: Any, was: Any) -> None:
        if getattr(at, getter)() != was:  # to set may take longer than to get
            getattr(at, setter)(was)

    return Keeper(module, lambda at: getattr(at, getter)(), put)
