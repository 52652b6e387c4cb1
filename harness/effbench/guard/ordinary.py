"""Texts and numbers of plugins as Python's own: an object of a subclass may do as it likes."""

from __future__ import annotations

from typing import Any


def ordinary(value: Any) -> Any:
    """Return a value of a subclass of str, int or float as one of that type; all else as it is.

    None of its methods is called: they may raise, or say something else each time.
    """
    kind = type(value)
    if kind in (str, bool):
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__index__(value)
    return float.__float__(value) if issubclass(kind, float) else value
