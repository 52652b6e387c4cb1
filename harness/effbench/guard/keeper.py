"""One thing that belongs to all rows: taken, and put back; noticed when it is imported."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ABSENT = object()
"""What is kept of a module that is not imported."""


@dataclass(frozen=True, eq=False)
class Keeper:
    """One thing that plugins may change: taken from its module, and put back there."""

    module: str
    take: Callable[[Any], Any]
    put: Callable[[Any, Any], object]

    def taken(self) -> Any:
        """Return the thing as it is now."""
        module = sys.modules.get(self.module)
        with contextlib.suppress(Exception):  # such as a working directory that is gone
            return ABSENT if module is None else self.take(module)
        return ABSENT

    def put_back(self, before: Any) -> None:
        """Make it what it was, where that can be done."""
        if before is not ABSENT:
            with contextlib.suppress(Exception):
                self.put(sys.modules[self.module], before)


class Imports:
    """Stands in `sys.meta_path` to tell when one of some modules has been imported."""

    def __init__(self, modules: Iterable[str], imported: Callable[[str], None]) -> None:
        self._modules, self._imported = frozenset(modules), imported

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that would have been found anyway; its loader tells."""
        spec = PathFinder.find_spec(name, path) if name in self._modules else None
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._imported(name)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def attribute(module: str, name: str) -> Keeper:
    """Return a keeper of a module's attribute."""

    def put(at: Any, was: Any) -> None:
        if getattr(at, name) is not was:
            setattr(at, name, was)

    return Keeper(module, lambda at: getattr(at, name), put)


def pair(module: str, getter: str, setter: str) -> Keeper:
    """Return a keeper of what one function of a module says and another one sets."""

    def put(at: Any, was: Any) -> None:
        if getattr(at, getter)() != was:  # setting may cost more than looking
            getattr(at, setter)(was)

    return Keeper(module, lambda at: getattr(at, getter)(), put)
