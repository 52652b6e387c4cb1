"""The options of a row: checked against its factory's schema, and made into arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from effbench.api.encoders import Dataset, ModelId
from effbench.api.errors import EffbenchError
from effbench.offers.annotations import QUERY_ONLY, SPEED_ONLY
from effbench.offers.schema import Option
from effbench.store.digests import Digests, find_model
from effbench.store.paths import inside
from effbench.text.raised import message_of
from effbench.text.suggestions import suggest
from effbench.work.step import key_of

if TYPE_CHECKING:
    from effbench.work.step import Bench, Recipe, Step


@dataclass(frozen=True)
class Input:
    """The argument for an option that names rows or data: its steps are opened on use."""

    steps: tuple[Step, ...]
    """The steps whose artifacts are opened."""

    open: Callable[[Bench], Any] = field(compare=False)
    """Returns the object that the factory gets."""

    rows: tuple[Recipe, ...] = ()
    """The live rows: those whose instances work inside the object."""

    settings: tuple[Any, ...] = ()
    """What else decides the object's answers, such as search options."""

    vectors: tuple[Recipe, ...] = field(default=(), compare=False)
    """The rows whose vectors the factory gets."""

    @property
    def fact(self) -> list[Any]:
        """What the key of the row that uses it holds for it."""
        live = [row.query_facts for row in self.rows]
        return [*map(key_of, self.steps), *live, *self.settings]


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
            name: copied(value)
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
        fact
        for name, option in schema.items()
        if name in facts and (option.each or option).reference(given.get(name)) is Dataset
        for fact in (facts[name] if isinstance(facts[name], list) else [facts[name]])
    )
    return _resolved(schema, arguments, facts, datasets), mistakes


def joined(arguments: Sequence[Argument]) -> Argument:
    """Return the argument for a list from the arguments for its items."""
    values, facts = [value for value, _ in arguments], [fact for _, fact in arguments]
    inputs = [value for value in values if isinstance(value, Input)]
    if not inputs:
        return values, facts

    def opened(bench: Bench) -> list[Any]:
        return [value.open(bench) if isinstance(value, Input) else value for value in values]

    steps = tuple(step for value in inputs for step in value.steps)
    rows = tuple(row for value in inputs for row in value.rows)
    vectors = tuple(row for value in inputs for row in value.vectors)
    return Input(steps, opened, rows, vectors=vectors), facts


def plain_argument(
    option: Option, value: Any, beside: Path, digests: Digests | None = None
) -> Argument:
    """Return the argument for a value that names neither rows nor data.

    Paths are relative to the folder ``beside``. A key holds the digest of a path's files;
    without ``digests`` they are not read (a dataset gives its own key).

    Raises:
        EffbenchError: the value does not fit the option, or its file does not exist.

    """
    if value is not option.default or option.accepts(value):
        value = option.converted(value)
    kind = option.path if isinstance(value, str | Path) else None
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
        if (option.each or option).path:
            for argument, fact in pairs_of(resolved, name):
                yield str(argument), fact


def changed(
    schema: Mapping[str, Option], resolved: Resolved, digests: Digests
) -> Iterator[Path]:
    """Yield the files and folders of a row that have changed since the plan was made."""
    for path, fact in named_files(schema, resolved):
        has_digest = isinstance(fact, str) and fact != path
        if has_digest and digests.of(Path(path)) != fact:
            yield Path(path)


def pairs_of(resolved: Resolved, name: str) -> Iterator[tuple[Any, Any]]:
    """Yield the argument of an option and its fact; those of each item of a list."""
    argument, fact = resolved.arguments.get(name), resolved.query_facts.get(name)
    if isinstance(argument, list) and isinstance(fact, list):
        yield from zip(argument, fact, strict=True)
    elif not isinstance(argument, Input):
        yield argument, fact


def copied(value: Any) -> Any:
    """Return a value of a suite; its lists and mappings are copies."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


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
