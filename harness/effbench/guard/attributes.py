"""Attributes of plugins' objects: they are read safely, and wrong values are refused."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_briefly
from effbench.guard.ordinary import ordinary

REQUIRED = object()
"""The default that means: the attribute must exist."""

_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 80


class Wanted(NamedTuple):
    """The values that an attribute may have: in words for the message, and as a test."""

    text: str
    fits: Callable[[Any], bool]


FLAG = Wanted("True or False", lambda value: isinstance(value, bool))
METHOD = Wanted("a method", callable)


def attribute(
    thing: object, name: str, wanted: Wanted, who: str, default: object = REQUIRED
) -> Any:
    """Return an attribute of a plugin's object, or ``default`` if the object lacks it.

    Raises:
        EffbenchError: the attribute is missing without a default, raises an error, or has a
            wrong value; the message names ``who`` and the attribute.

    """
    with blamed_briefly(f"{who}: its {name}"):
        try:
            value = ordinary(getattr(thing, name))
        except AttributeError:
            # a property that raises AttributeError itself is not missing
            if inspect.getattr_static(thing, name, None) is not None:
                raise
            if default is REQUIRED:
                raise EffbenchError(
                    f"{who}: its {name} is missing (give {wanted.text})"
                ) from None
            return default
        if not wanted.fits(value):
            raise EffbenchError(f"{who}: its {name} is {shown(value)} (give {wanted.text})")
    return value


def shown(value: object) -> str:
    """Return a value in Python's notation, in one line of bounded length."""
    return " ".join(_SHORT.repr(value).split())
