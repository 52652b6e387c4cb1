"""Offers: factories of plugins with their attributes, read and checked at loading."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from effbench.api.encoders import Dataset, Factory, ModelId
from effbench.api.errors import EffbenchError
from effbench.api.searching import DENSE, SPARSE, TOKENS
from effbench.guard.attributes import FLAG, METHOD, Wanted, attribute, shown
from effbench.guard.blame import blamed
from effbench.offers.annotations import PATHS, REFERENCES
from effbench.offers.contracts import (
    lacks,
    misspelt,
    refuse_missing,
    refuse_reserved,
    refuse_unopened,
)
from effbench.offers.schema import Option, options_of, original, search_options_of
from effbench.store.digests import spec_of

SECTIONS = ("datasets", "models", "encoders", "retrievers", "indexes")
"""The sections of a suite file whose rows use offers."""


def _modules(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(text, str) and text for pair in value.items() for text in pair
    )


def _is_kind(value: Any) -> bool:
    return isinstance(value, str) and value in (DENSE, SPARSE, TOKENS)


def _are_kinds(value: Any) -> bool:
    """Tell whether a value is a tuple of one kind or more, each once."""
    if not isinstance(value, tuple) or not all(map(_is_kind, value)):
        return False
    return 0 < len(value) == len(set(value))


_METHOD_OR_NONE = Wanted(METHOD.text, lambda value: value is None or callable(value))

ATTRIBUTES: Mapping[str, tuple[Wanted, Any]] = {
    "version": (
        Wanted("a whole number from 0 on", lambda value: type(value) is int and value >= 0),
        1,
    ),
    "requires": (Wanted("a mapping: modules -> what pip installs for them", _modules), {}),
    "check": (_METHOD_OR_NONE, None),
    "exact": (_METHOD_OR_NONE, None),
    "makes": (Wanted("dense, sparse or tokens", _is_kind), DENSE),
    "takes": (Wanted("a tuple of dense, sparse or tokens, each once", _are_kinds), (DENSE,)),
    "latency": (FLAG, True),
    "together": (FLAG, False),
    "by_id": (FLAG, False),
    "passages_only": (_METHOD_OR_NONE, None),
}
"""Attribute of a factory -> the values that it may have, and its default."""


@dataclass(frozen=True, eq=False)
class Offer:
    """A named class or function that a plugin offers to one section of suites."""

    section: str
    name: str
    factory: Factory
    plugin: str
    module: str
    """The module that the plugin's entry point names."""

    version: int
    """Part of the keys; its author raises it when the same options give other numbers."""

    requires: Mapping[str, str]
    """Module that it imports -> package that pip installs for it."""

    check: Callable[..., object] | None
    """Called with the options of a row when a suite is planned; raises for wrong ones."""

    exact: Callable[..., object] | None
    """Called with the options of a row of indexes; returns whether it misses no hit."""

    makes: str
    """The kind of vectors that an encoder returns: dense, sparse or tokens."""

    takes: tuple[str, ...]
    """The kinds of vectors that it searches, or that rows in its options may make."""

    latency: bool
    """Whether this machine computes its answers, so that their latency can be measured."""

    together: bool
    """Whether all processes of a run train it together."""

    by_id: bool
    """Whether it tells docs apart by their ids, so that equal texts may differ in vectors."""

    passages_only: Callable[..., object] | None
    """Called with the options of a row; tells whether the row encodes no queries."""

    options: Mapping[str, Option]
    search_options: Mapping[str, Option]
    """The options of an index's search, which a suite may sweep; empty for other offers."""

    summary: str
    """The first line of its docstring."""

    remarks: tuple[str, ...]
    """What its author should know, though it can be used."""

    @cached_property
    def queries_only(self) -> bool:
        """Whether it is a class of encoders that can encode no corpus."""
        return self.section == "encoders" and lacks(original(self.factory), "encode_corpus")

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The packages that must be installed before this offer can be used."""
        absent = {
            package: None
            for module, package in self.requires.items()
            if module not in sys.modules and spec_of(module) is None
        }
        return tuple(absent)


def offer_of(section: str, name: str, factory: Any, plugin: str, module: str) -> Offer:
    """Return an offer with the attributes and options of its factory.

    Raises:
        EffbenchError: the factory cannot be called, or an attribute or option is wrong.

    """
    who = f"offers {section} {name!r}"
    if not callable(factory):
        given = shown(factory)
        raise EffbenchError(f"{who}, which is {given} (a class or function is wanted)")

    with blamed(who):
        values: dict[str, Any] = {
            name: attribute(_holder(factory, name), name, wanted, who, default)
            for name, (wanted, default) in ATTRIBUTES.items()
        }
        options, whole = options_of(factory, who), original(factory)
        offer = Offer(
            section,
            name,
            factory,
            plugin,
            module,
            options=options,
            search_options=search_options_of(factory, who) if section == "indexes" else {},
            summary=_summary(whole.__doc__),
            remarks=tuple(misspelt(whole, section, options)),
            **values,
        )
        refuse_reserved(section, options, who)
        refuse_missing(whole, section, options, who)
        if section == "datasets":
            _refuse_rows(options, who)
        refuse_unopened(offer.search_options, (*REFERENCES, *PATHS), f"{who}: its search")
    return offer


def _refuse_rows(options: Mapping[str, Option], who: str) -> None:
    """Refuse an option of a dataset that names a row: rows need a dataset first."""
    for name, option in options.items():
        kinds = (option.each or option).choices
        if {*REFERENCES}.difference((Dataset, ModelId)).intersection(kinds):
            raise EffbenchError(
                f"{who}: its option {name!r} names a row, but datasets are made before rows "
                "(let the option be an effbench.Dataset, a path or plain data)"
            )


def _holder(factory: Any, name: str) -> Any:
    """Return the factory, or the original of a partial if only that has the attribute."""
    return factory if name in getattr(factory, "__dict__", ()) else original(factory)


def _summary(doc: object) -> str:
    return doc.strip().partition("\n")[0] if isinstance(doc, str) else ""
