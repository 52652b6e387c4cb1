"""Attributes of what plugins bring: read under guard, and refused unless they are as wanted."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.guard.blame import glanced
from effbench.guard.ordinary import ordinary

REQUIRED = object()
"""The default of an attribute that has none."""

_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 80


class Wanted(NamedTuple):
    """What an attribute must be: in words, and as a test."""

    text: str
    fits: Callable[[Any], bool]


FLAG = Wanted("True or False", lambda value: isinstance(value, bool))
METHOD = Wanted("a method", callable)


def attribute(
    thing: object, name: str, wanted: Wanted, who: str, default: object = REQUIRED
) -> Any:
    """Return an attribute of a plugin's object, or ``default`` where there is none.

    Raises:
        EffbenchError: it is missing and has no default, raises something, or is not as wanted;
            the message names ``who`` and the attribute.

    """
    with glanced(f"{who}: its {name}"):
        try:
            value = ordinary(getattr(thing, name))
        except AttributeError:
            # a property that raises this is there all the same
            if default is REQUIRED or inspect.getattr_static(thing, name, None) is not None:
                raise
            return default
        if not wanted.fits(value):
            raise EffbenchError(f"{who}: its {name} is {shown(value)} (give {wanted.text})")
    return value


def shown(value: object) -> str:
    """Return a value as Python writes it, in one line of bounded length."""
    return " ".join(_SHORT.repr(value).split())
