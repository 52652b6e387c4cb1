"""Offers: what plugins offer to suites, read and checked once, when they are loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from effbench.api.encoders import Factory
from effbench.api.errors import EffbenchError
from effbench.guard.attributes import FLAG, METHOD, Wanted, attribute, shown
from effbench.guard.blame import blamed
from effbench.offers.schema import Option, options_of, original, search_options_of
from effbench.store.digests import spec_of

SECTIONS = ("datasets", "models", "encoders", "retrievers", "indexes")
"""Sections of suite files whose rows use an offer."""


def _modules(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(text, str) and text for pair in value.items() for text in pair
    )


VERSION = Wanted("a whole number from 0 on", lambda value: type(value) is int and value >= 0)
REQUIRES = Wanted("a mapping: modules -> what pip installs for them", _modules)
CHECK = Wanted(METHOD.text, lambda value: value is None or callable(value))


@dataclass(frozen=True, eq=False)
class Offer:
    """One named thing a plugin offers to one section of suite files."""

    section: str
    name: str
    factory: Factory
    plugin: str
    module: str
    """The module that the plugin's entry point names."""

    version: int
    """Part of the keys; a plugin raises it when the same options give other numbers."""

    requires: Mapping[str, str]
    """The modules that it imports -> what pip installs for them."""

    check: Callable[..., object] | None
    """Called with a row's options when it is planned."""

    latency: bool
    """Whether its answers are found here, so that their time means something."""

    together: bool
    """Whether all processes of a run train it together."""

    options: Mapping[str, Option]
    search_options: Mapping[str, Option]
    """Of an index: what suites may sweep."""

    summary: str
    """The first line of its docstring."""

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """What to install before this offer can be used."""
        absent = {
            what: None
            for module, what in self.requires.items()
            if module not in sys.modules and spec_of(module) is None
        }
        return tuple(absent)


def offer_of(section: str, name: str, factory: Any, plugin: str, module: str) -> Offer:
    """Return an offer with all that a factory says of itself.

    Raises:
        EffbenchError: something of it is not as it should be.

    """
    who = f"offers {section} {name!r}"
    if not callable(factory):
        given = shown(factory)
        raise EffbenchError(f"{who}, which is {given} (a class or function is wanted)")

    def said(attribute_name: str, wanted: Wanted, default: object) -> Any:
        return attribute(_holder(factory, attribute_name), attribute_name, wanted, who, default)

    with blamed(who):
        return Offer(
            section,
            name,
            factory,
            plugin,
            module,
            version=said("version", VERSION, 1),
            requires=dict(said("requires", REQUIRES, {})),
            check=said("check", CHECK, None),
            latency=said("latency", FLAG, True),
            together=said("together", FLAG, False),
            options=options_of(factory, who),
            search_options=search_options_of(factory, who) if section == "indexes" else {},
            summary=_summary(original(factory).__doc__),
        )


def _holder(factory: Any, name: str) -> Any:
    """Return the factory, or what it was made of when only that has the attribute."""
    return factory if name in getattr(factory, "__dict__", ()) else original(factory)


def _summary(doc: object) -> str:
    return doc.strip().partition("\n")[0] if isinstance(doc, str) else ""
