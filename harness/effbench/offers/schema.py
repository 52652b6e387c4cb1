"""The options of a factory, which its signature and annotations declare."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from msgspec import convert

from effbench.api.encoders import ModelId
from effbench.api.errors import EffbenchError
from effbench.guard.attributes import shown
from effbench.guard.blame import blamed
from effbench.offers.annotations import (
    PATHS,
    REFERENCES,
    bare,
    bounds,
    item_type,
    mark_of,
    members,
    path_type,
    spelled,
    type_of,
)
from effbench.offers.checking import checked_type, fits
from effbench.text.suggestions import suggest

_NONE = inspect.Parameter.empty
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Option(NamedTuple):
    """An option of a factory, as its signature declares it."""

    name: str
    annotation: Any
    """The type, without bounds and marks."""

    bounded: Any
    """The annotation with its bounds and marks."""

    checked: Any
    """The type by which plain values are checked and converted."""

    default: Any
    mark: str | None
    path: Any
    """What a text means, if it names files: a member of `PATHS`, or None."""

    each: Option | None
    """The option of each item of a list, if items name rows, data or files; else None."""

    @property
    def required(self) -> bool:
        """Whether a suite must give it."""
        return self.default is _NONE

    @property
    def choices(self) -> set[Any]:
        """The annotation and its parts, such as the members of a union."""
        return {self.annotation, *get_args(self.annotation)}

    def reference(self, value: Any) -> Any:
        """Return the annotation by which a value names rows or data; None for a plain value.

        The id of a model is a plain value, and ``{trained: ROW}`` in its place a reference.
        If the option also takes a path, a text with a slash is a path: names of rows have none.
        """
        choices = self.choices
        if ModelId in choices and isinstance(value, Mapping):
            return ModelId
        if Path in choices and isinstance(value, str) and "/" in value:
            return None
        reference = next((reference for reference in REFERENCES if reference in choices), None)
        return None if value is None else reference

    def accepts(self, value: Any) -> bool:
        """Tell whether a value from a suite file has the right type, and is within bounds."""
        return fits(value, self.checked)

    def out_of_bounds(self, value: Any) -> bool:
        """Tell whether a value has the right type, and is not within bounds."""
        return fits(value, checked_type(self.annotation)) and not self.accepts(value)

    def mistake(self, value: Any) -> str | None:
        """Return what is wrong with a value from a suite file and how to mend it, or None."""
        if self.accepts(value):
            return None
        too_large = type(value) is int and abs(value) > sys.float_info.max
        if too_large and float in self.choices:
            return f"{str(value)[:20]}... is too large a number (take a smaller one)"
        if self.out_of_bounds(value):
            return f"{value!r} is out of range (take {bounds(self.bounded)})"
        return f"{value!r} is not {spelled(self.annotation)}{self._hint(value) or self._range}"

    def converted(self, value: Any) -> Any:
        """Return a value of a suite as the type of the option: an int becomes a float.

        Raises:
            EffbenchError: the value has another type, or is out of bounds.

        """
        if mistake := self.mistake(value):
            raise EffbenchError(mistake)
        return convert(value, self.checked)

    def type_name(self) -> str:
        """Return type and bounds as people write them, such as ``int | none (1 or more)``."""
        return spelled(self.annotation) + self._range

    @property
    def _range(self) -> str:
        text = bounds(self.bounded)
        return f" ({text})" if text else ""

    def _hint(self, value: Any) -> str:
        """Return how to write a flag, a text or a number in YAML; "" if nothing helps."""
        if bool in self.choices:
            return " (write true or false)"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if type(value) in (bool, int, float) and self.accepts(text):
            return f" (quote it: '{text}')"
        if not isinstance(value, str):
            return ""
        try:
            float(value)
        except ValueError:
            return ""
        if value.lstrip("+-").replace(".", "").isdigit():
            return " (take the quotes away)"
        return " (YAML wants a point and a sign: 1.0e-4)"


def options_of(factory: Callable[..., Any], who: str, *, skip: int = 0) -> dict[str, Option]:
    """Return the options that a factory takes by name, without its first ``skip`` parameters.

    Raises:
        EffbenchError: the signature cannot be read, or no suite could give one of the options;
            the message names ``who`` and the option.

    """
    with blamed(f"{who}: its options"):
        bound = _bound(factory, who)
        parameters = list(inspect.signature(factory).parameters.values())[skip:]
        known = _names_around(factory)
    named = [parameter for parameter in parameters if parameter.kind not in _VARIADIC]
    return {
        parameter.name: _option(
            parameter, known, f"{who}: its option {parameter.name!r}", parameter.name in bound
        )
        for parameter in named
    }


def search_options_of(factory: Callable[..., Any], who: str) -> dict[str, Option]:
    """Return the options that an index's ``search`` takes, which suites may sweep."""
    with blamed(f"{who}: its search"):
        search = getattr(original(factory), "search", None)
    if search is None:
        return {}
    # self, queries and k are no options
    options = options_of(search, f"{who}: its search", skip=3)
    for name, option in options.items():
        if option.required:
            raise EffbenchError(
                f"{who}: its search: its option {name!r} has no default (give it one: a suite "
                "may leave it out)"
            )
    return options


def original(factory: Any) -> Any:
    """Return the class or function inside a `functools.partial`, or the factory itself."""
    while isinstance(factory, functools.partial):
        factory = factory.func
    return factory


def holdable(value: object) -> bool:
    """Tell whether suites, keys and records can hold a value: only JSON's data can be held."""
    try:
        json.dumps(value, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _bound(factory: Any, who: str) -> set[str]:
    """Return the options that a `functools.partial` binds; refuse one that does not exist."""
    if not isinstance(factory, functools.partial):
        return set()
    bound = _bound(factory.func, who)
    known = inspect.signature(factory.func).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values()):
        for name in sorted(factory.keywords.keys() - known.keys()):
            hint = suggest(name, known)
            raise EffbenchError(f"{who}: its partial binds {name!r}, no option ({hint})")
    return bound | factory.keywords.keys()


def _built(
    name: str, annotation: Any, bounded: Any, checked: Any, default: Any, mark: str | None
) -> Option:
    """Return an option with what its annotation says of files and items: it is asked often."""
    item, each = item_type(annotation), None
    if not {*members(item)}.isdisjoint((*REFERENCES, *PATHS)):
        each = _built(name, item, item, checked_type(item), _NONE, mark)
    path = path_type(annotation)
    return Option(name, annotation, bounded, checked, default, mark, path, each)


def _option(
    parameter: inspect.Parameter, known: dict[str, Any], who: str, is_bound: bool
) -> Option:
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise EffbenchError(f"{who} cannot be given by name (leave out the / behind it)")
    with blamed(who):
        whole = type_of(parameter.annotation, known)
        default, mark = parameter.default, mark_of(whole)
        try:
            checked = checked_type(whole)
        except EffbenchError as error:
            raise EffbenchError(f"{who}: {error}") from error
        option = _built(parameter.name, bare(whole), whole, checked, default, mark)
        option.type_name()  # these two raise for an annotation that no value could fit
        option.accepts(object())
        if not (option.required or holdable(_texts(whole, default))):
            raise EffbenchError(
                f"{who} has the default {shown(default)}, which no suite could say "
                "(take None, and put that in its place inside)"
            )
        said = is_bound or default not in (None, _NONE)  # None stands for no value at all
        plain = said and option.reference(default) is None
        if option.out_of_bounds(default) or (
            plain and not option.accepts(_texts(whole, default))
        ):
            raise EffbenchError(f"{who}: its default: {option.mistake(default)}")
    return option


def _texts(annotation: Any, default: Any) -> Any:
    """Return a default with its paths as texts, as a suite says them."""
    if isinstance(default, list | tuple):
        return [_texts(item_type(annotation), item) for item in default]
    return str(default) if isinstance(default, Path) and path_type(annotation) else default


def _names_around(factory: Any) -> dict[str, Any]:
    """Return the names that may occur in a factory's annotations, with their values."""
    factory = inspect.unwrap(original(factory))
    kind = factory if inspect.isclass(factory) else type(factory)
    call = kind.__init__ if kind is factory else factory
    modules = [sys.modules.get(base.__module__) for base in reversed(kind.__mro__)]
    names = dict(vars(typing))
    for module in modules:
        names.update(vars(module) if module else {})
    return {**names, **getattr(inspect.unwrap(call), "__globals__", {})}
