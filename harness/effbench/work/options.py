"""The options of a row: checked against its factory's schema, and made into arguments."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from effbench.api.encoders import Dataset, ModelId
from effbench.api.errors import EffbenchError
from effbench.offers.annotations import QUERY_ONLY, SPEED_ONLY, item_type, path_type
from effbench.offers.schema import Option
from effbench.store.digests import Digests, find_model
from effbench.store.paths import inside
from effbench.text.raised import message_of
from effbench.text.suggestions import suggest

if TYPE_CHECKING:
    from effbench.work.step import Bench, Step


@dataclass(frozen=True)
class Input:
    """The argument for an option that names rows or data: its steps are opened on use."""

    steps: tuple[Step, ...]
    """The steps whose artifacts are opened; the row's key holds their keys."""

    open: Callable[[Bench], Any] = field(compare=False)
    """Returns the object that the factory gets."""


Argument: TypeAlias = tuple[Any, Any]
"""The argument of a factory for an option, and the fact that a key holds for it."""


class Resolved(NamedTuple):
    """The options of a row: the arguments of its factory, and the facts in its keys."""

    arguments: Mapping[str, Any]
    corpus_facts: Mapping[str, Any]
    query_facts: Mapping[str, Any]
    datasets: tuple[tuple[str, str], ...] = ()
    """The keys of the datasets among the arguments."""

    @property
    def inputs(self) -> dict[str, Input]:
        """The arguments that must be opened before use."""
        return {
            name: value for name, value in self.arguments.items() if isinstance(value, Input)
        }

    def plain(self) -> dict[str, Any]:
        """Return the arguments that are no inputs; lists and mappings are copies."""
        return {
            name: copy.deepcopy(value) if isinstance(value, list | dict) else value
            for name, value in self.arguments.items()
            if not isinstance(value, Input)
        }


def resolve(
    schema: Mapping[str, Option],
    given: Mapping[str, Any],
    argument_of: Callable[[Option, Any], Argument],
) -> tuple[Resolved, list[tuple[str, str]]]:
    """Return the resolved options, and the mistakes as pairs (option, message).

    ``argument_of`` makes an argument of an option and its value, or raises `EffbenchError`.
    """
    mistakes = [
        (name, f"unknown option {name!r} ({suggest(name, schema)})")
        for name in given
        if name not in schema
    ]
    arguments: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    for name, option in schema.items():
        if name not in given and option.required:
            mistakes.append(
                ("", f"option {name!r} is missing (give {name}: {option.type_name()})")
            )
            continue
        try:
            arguments[name], facts[name] = argument_of(option, given.get(name, option.default))
        except EffbenchError as error:
            mistakes.append((name, message_of(error)))
    datasets = tuple(
        facts[name]
        for name, option in schema.items()
        if name in facts and option.reference(given.get(name)) is Dataset
    )
    return _resolved(schema, arguments, facts, datasets), mistakes


def plain_argument(
    option: Option, value: Any, beside: Path, digests: Digests | None
) -> Argument:
    """Return the argument for a value that names neither rows nor data.

    Paths are relative to the folder ``beside``. A key holds the digest of a path's files;
    without ``digests`` they are not read (a dataset gives its own key).

    Raises:
        EffbenchError: the value does not fit the option, or its file does not exist.

    """
    if value is not option.default or option.accepts(value):
        value = option.converted(value)
    return _opened(option.annotation, value, beside, digests)


def _opened(annotation: Any, value: Any, beside: Path, digests: Digests | None) -> Argument:
    """Return the argument for a value, or for the items of a list, with paths looked up."""
    item = item_type(annotation)
    if isinstance(value, list | tuple) and path_type(item):
        opened = [_opened(item, text, beside, digests) for text in value]
        return [argument for argument, _ in opened], [fact for _, fact in opened]
    kind = path_type(annotation) if isinstance(value, str | Path) else None
    if kind is None:
        return value, value
    if kind is ModelId:
        folder = find_model(value, beside)
        return (str(folder), _digest(folder, digests)) if folder else (value, value)
    path = inside(beside, value)
    if path.exists():
        return path, _digest(path, digests)
    if kind is Path:
        raise EffbenchError(f"no file or folder {path} (paths start at the suite's folder)")
    return path, None


def named_files(schema: Mapping[str, Option], resolved: Resolved) -> Iterator[tuple[str, Any]]:
    """Yield the path, and the fact in the keys, of each file and folder of a row.

    The fact of a model of the hub is its id, which is also its path here.
    """
    for name, option in schema.items():
        fact, argument = resolved.query_facts.get(name), resolved.arguments.get(name)
        if path_type(option.annotation):
            yield str(argument), fact
        elif path_type(item_type(option.annotation)) and isinstance(argument, list | tuple):
            yield from zip(map(str, argument), fact or (), strict=False)


def changed(
    schema: Mapping[str, Option], resolved: Resolved, digests: Digests
) -> Iterator[Path]:
    """Yield the files and folders of a row that have changed since the plan was made."""
    for path, fact in named_files(schema, resolved):
        has_digest = isinstance(fact, str) and fact != path
        if has_digest and digests.of(Path(path)) != fact:
            yield Path(path)


def _digest(path: Path, digests: Digests | None) -> str | None:
    return digests.of(path) if digests else None


def _resolved(
    schema: Mapping[str, Option],
    arguments: dict[str, Any],
    facts: dict[str, Any],
    datasets: tuple[tuple[str, str], ...],
) -> Resolved:
    """Split the facts: speed-only options change no key, query-only ones no corpus key."""
    keyed = {name: fact for name, fact in facts.items() if schema[name].mark != SPEED_ONLY}
    corpus = {name: fact for name, fact in keyed.items() if schema[name].mark != QUERY_ONLY}
    return Resolved(arguments, corpus, keyed, datasets)
