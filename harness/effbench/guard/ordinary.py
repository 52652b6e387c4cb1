"""Conversion of plugins' texts and numbers to plain str, int and float."""

from __future__ import annotations

from typing import Any


def ordinary(value: Any) -> Any:
    """Return a plain str, int or float for a value of a subclass, and other values unchanged.

    No method of the subclass is called: it may raise, or return another value each time.
    """
    kind = type(value)
    if kind in (str, bool):
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__index__(value)
    return float.__float__(value) if issubclass(kind, float) else value
