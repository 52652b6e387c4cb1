"""The entry points of plugins in their order, and the distributions that declare them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint
from typing import Any

OURS = "effbench"
"""The distribution whose offers and commands go before others of the same name."""


def in_order(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Return entry points, effbench's first: another one of the same name is then broken."""
    return sorted(points, key=lambda point: (not is_ours(point), point.name, named(point.dist)))


def is_ours(point: EntryPoint) -> bool:
    """Tell whether effbench itself declares an entry point."""
    return named(point.dist).startswith(f"{OURS} ")


@lru_cache(maxsize=64)  # to parse METADATA takes a millisecond
def named(distribution: Distribution | None) -> str:
    """Return the name and version of a distribution, as messages write them."""
    try:
        about: Any = distribution.metadata if distribution else {}
        name, version = about["Name"], about["Version"]
    except Exception:  # METADATA is damaged: importlib returns None, or raises anything
        name, version = None, None
    return f"{name} {version}" if name else "unknown distribution"
