"""Check a row's options against its factory's signature, which is their schema."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from effbench.api import Factory, ModelId, QueryOnly, SpeedOnly
from effbench.content import Digests, find_model
from effbench.errors import EffbenchError
from effbench.plugins import suggest

_QUERY = QueryOnly.__metadata__[0]
_SPEED = SpeedOnly.__metadata__[0]


class Option(NamedTuple):
    """One option of a factory, as its signature declares it."""

    name: str
    annotation: Any
    default: Any
    side: str | None

    @property
    def required(self) -> bool:
        """Whether a suite must give it."""
        return self.default is inspect.Parameter.empty

    def accepts(self, value: Any) -> bool:
        """Tell whether a value from a suite file has the right type."""
        return _fits(value, self.annotation)

    def type_name(self) -> str:
        """Return the type as people write it, such as ``int | None``."""
        return _spell(self.annotation)


class Resolved(NamedTuple):
    """Options ready for use: what the factory gets, and what the keys hash."""

    arguments: Mapping[str, Any]
    corpus_facts: Mapping[str, Any]
    query_facts: Mapping[str, Any]


def options_of(factory: Callable[..., Any], *, skip: int = 0) -> dict[str, Option]:
    """Return the options that ``factory`` takes, less its first ``skip`` parameters."""
    target = factory.__init__ if inspect.isclass(factory) else factory
    hints = _hints(target)
    parameters = list(inspect.signature(factory).parameters.values())[skip:]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    options = {}
    for parameter in parameters:
        if parameter.kind not in kinds:
            annotation, side = _side(hints.get(parameter.name, Any))
            options[parameter.name] = Option(
                parameter.name, annotation, parameter.default, side
            )
    return options


def search_options_of(factory: Callable[..., Any]) -> dict[str, Option]:
    """Return the options that an index's ``search`` takes, which suites may sweep."""
    search = getattr(factory, "search", None)
    return options_of(search, skip=3) if search else {}  # less self, queries and k


class Resolver(NamedTuple):
    """Turns the options of a suite file into arguments and facts.

    Paths are relative to the folder ``beside``, and stand in keys by their digest; without
    ``digests`` they are not read (a dataset says itself what it holds).
    """

    beside: Path
    digests: Digests | None

    def resolve(
        self, factory: Factory, given: Mapping[str, Any]
    ) -> tuple[Resolved, list[tuple[str, str]]]:
        """Return the resolved options and the mistakes, each as (option, what is wrong)."""
        schema = options_of(factory)
        mistakes = [
            (name, f"unknown option {name!r} ({suggest(name, schema)})")
            for name in given
            if name not in schema
        ]
        arguments: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        for name, option in schema.items():
            if name not in given and option.required:
                mistakes.append(("", f"option {name!r} is missing ({option.type_name()})"))
                continue
            try:
                arguments[name], facts[name] = self._value(
                    option, given.get(name, option.default)
                )
            except EffbenchError as error:
                mistakes.append((name, str(error)))
        if not mistakes:
            mistakes += _own_check(factory, arguments)
        return _sides(schema, arguments, facts), mistakes

    def _value(self, option: Option, value: Any) -> tuple[Any, Any]:
        """Return an option's argument and the fact that stands for it in keys."""
        if not option.accepts(value):
            raise EffbenchError(f"{value!r} is not {option.type_name()}")
        if option.annotation is float or (
            float in get_args(option.annotation) and type(value) is int
        ):
            value = float(value)
        if value is None:
            return None, None
        wanted = {option.annotation, *get_args(option.annotation)}
        if ModelId in wanted:
            folder = find_model(value, self.beside)
            return (str(folder), self._digest(folder)) if folder else (value, value)
        if Path in wanted:
            path = (self.beside / Path(value).expanduser()).resolve()
            if not path.exists():
                raise EffbenchError(f"no file or folder {path}")
            return path, self._digest(path)
        return value, value

    def _digest(self, path: Path) -> str | None:
        return self.digests.of(path) if self.digests else None


def _own_check(factory: Factory, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    check = getattr(factory, "check", None)
    if check is not None:
        try:
            check(**arguments)
        except EffbenchError as error:
            yield "", str(error)


def _sides(
    schema: Mapping[str, Option], arguments: dict[str, Any], facts: dict[str, Any]
) -> Resolved:
    keyed = {name: fact for name, fact in facts.items() if schema[name].side != _SPEED}
    corpus = {name: fact for name, fact in keyed.items() if schema[name].side != _QUERY}
    return Resolved(arguments, corpus, keyed)


def _hints(target: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError:  # a type that the plugin imports for the type checker only
        known = {**vars(typing), **getattr(target, "__globals__", {})}
        hints = {}
        for name, text in getattr(target, "__annotations__", {}).items():
            one = types.SimpleNamespace(__annotations__={name: text})
            try:
                hints[name] = typing.get_type_hints(one, known, include_extras=True)[name]
            except NameError:
                hints[name] = Any
        return hints


def _side(annotation: Any) -> tuple[Any, str | None]:
    metadata = getattr(annotation, "__metadata__", ())
    side = next((mark for mark in metadata if mark in (_QUERY, _SPEED)), None)
    return (annotation.__origin__ if metadata else annotation), side


def _fits(value: Any, annotation: Any) -> bool:
    """Tell whether a YAML value fits an annotation; what we cannot judge fits."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return any(_fits(value, choice) for choice in get_args(annotation))
    if origin is Literal:
        return any(
            value == choice and type(value) is type(choice) for choice in get_args(annotation)
        )
    if origin in (list, tuple, typing.get_origin(typing.Sequence[int])):
        inner = (*get_args(annotation), Any)[0]
        return isinstance(value, list | tuple) and all(_fits(item, inner) for item in value)
    if origin in (dict, typing.get_origin(typing.Mapping[str, int])):
        return isinstance(value, Mapping)
    if annotation in (ModelId, Path):
        return isinstance(value, str | Path) and str(value) != ""
    if annotation in (int, float) and isinstance(value, bool):
        return False
    if annotation is float:
        return isinstance(value, int | float)
    if annotation in (None, type(None)):
        return value is None
    return isinstance(value, annotation) if annotation in (str, int, bool) else True


def _spell(annotation: Any) -> str:
    if annotation is Any:
        return "any"
    if annotation in (None, type(None)):
        return "none"
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " | ".join(_spell(choice) for choice in get_args(annotation))
    if origin is Literal:
        return " | ".join(repr(choice) for choice in get_args(annotation))
    if annotation is ModelId:
        return "model"
    if annotation is Path:
        return "path"
    if origin is not None:
        inner = ", ".join(_spell(choice) for choice in get_args(annotation))
        return f"{origin.__name__.lower()}[{inner}]"
    return str(getattr(annotation, "__name__", annotation))
