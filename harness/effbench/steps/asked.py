"""The arguments of calls into live rows: a mistake in them is one of the row that calls.

These checks run outside the contexts that blame the row inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, TypeVar

from effbench.api.encoders import Doc
from effbench.api.errors import EffbenchError
from effbench.store.reading import shown

T = TypeVar("T")

_NOUNS: dict[type, str] = {str: "strings", Doc: "effbench.Doc"}


def listed(given: Iterable[Any], kind: type[T], call: str) -> list[T]:
    """Return what a row gives to a live row as a new list.

    Args:
        given: texts, ids or docs; any iterable but a string.
        kind: the type of each: `str` or `Doc`.
        call: the method and the row that are called, as messages name them.

    Raises:
        EffbenchError: it is a string, or an item has another type.

    """
    items: list[Any] = [given] if isinstance(given, str) else list(given)
    wrong = items if isinstance(given, str) else [i for i in items if not isinstance(i, kind)]
    if wrong:
        raise EffbenchError(f"{call} got {shown(wrong[0])} (give a list of {_NOUNS[kind]})")
    return items


def some(given: Iterable[Any], kind: type[T], call: str) -> list[T]:
    """Return the same; raise `EffbenchError` for an empty list, too."""
    items = listed(given, kind, call)
    if not items:
        raise EffbenchError(f"{call} got an empty list (give one item or more)")
    return items


def hits_wanted(k: Any, call: str) -> int:
    """Return the number of hits that a row asks for.

    Raises:
        EffbenchError: it is no whole number, or below 1.

    """
    try:
        number = index(k)
    except TypeError:
        number = 0
    if number < 1:
        raise EffbenchError(f"{call} got k = {shown(k)} (give a whole number from 1)")
    return number
