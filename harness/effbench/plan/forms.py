"""The forms of values that name rows or data: mappings with known keys, counts and lists."""

from __future__ import annotations

from typing import Any

from effbench.api.errors import EffbenchError


def parts(value: Any, form: str, *required: str, **optional: Any) -> dict[str, Any]:
    """Return the parts of a mapping; raise an error that shows its form if one is missing."""
    given = value if isinstance(value, dict) else {}
    if not set(required) <= set(given) <= {*required, *optional}:
        raise EffbenchError(f"{value!r} is not {form}")
    return {**optional, **given}


def check_count(value: Any, option: str, noun: str) -> None:
    """Refuse a value that is no whole number of 1 or more."""
    if type(value) is not int or value < 1:
        raise EffbenchError(f"{option}: {value!r} is not a number of {noun} (take 1 or more)")


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and any other value as a list of one."""
    return value if isinstance(value, list) else [value]
