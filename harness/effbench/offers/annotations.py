"""Annotations of options: their parts, marks and bounds, and their spelling."""

from __future__ import annotations

import inspect
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from msgspec import Meta

from effbench.api.encoders import DataPath, Dataset, Encoder, ModelId, QueryOnly, SpeedOnly
from effbench.api.live import EncodedCorpus, Searcher
from effbench.api.training import (
    DomainModels,
    EncodedTexts,
    Examples,
    SearchedDataset,
    TrainedModel,
)

QUERY_ONLY = QueryOnly.__metadata__[0]
SPEED_ONLY = SpeedOnly.__metadata__[0]

REFERENCES = (
    Dataset,
    DomainModels,
    EncodedCorpus,
    EncodedTexts,
    Encoder,
    Examples,
    SearchedDataset,
    Searcher,
    TrainedModel,
)
"""Annotations of options whose values name rows or datasets."""

PATHS = (ModelId, Path, DataPath)
"""Annotations of options whose values name files or folders."""

_SPELLINGS = {
    ModelId: "model",
    Path: "path",
    Dataset: "dataset",
    DomainModels: "{models: ROW, of: DATASETS, features: ROW}",
    DataPath: "path",
    EncodedCorpus: "row of encoders",
    EncodedTexts: "{texts: [...], encoder: ROW}",
    Encoder: "row of encoders",
    Examples: "{examples: [...]}",
    SearchedDataset: "{dataset: DATASET, row: ROW, index: ROW, depth: N}",
    Searcher: "row of retrievers or {row: ROW, index: ROW}",
    TrainedModel: "row of models",
}

_BOUNDS = {
    "ge": "{:,} or more",
    "gt": "more than {:,}",
    "le": "at most {:,}",
    "lt": "less than {:,}",
    "multiple_of": "a multiple of {:,}",
    "min_length": "a length of {:,} or more",
    "max_length": "a length of at most {:,}",
    "pattern": "what {!r} finds",
}
"""Attribute of `msgspec.Meta` -> its text for people, with a place for the bound."""

LISTS = (list, tuple, typing.get_origin(typing.Sequence[int]))
"""Origins of the annotations that a list in YAML fits."""


def type_of(annotation: Any, known: dict[str, Any], *, include_extras: bool = True) -> Any:
    """Return a parameter's annotation as a type; names in a text are looked up in ``known``.

    A parameter without an annotation has the type Any. So has one whose type is unknown at run
    time, because a plugin imports it only for the type checker.
    """
    if annotation is inspect.Parameter.empty:
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, known, include_extras=include_extras)["it"]
    except NameError:
        return Any


def bare(annotation: Any) -> Any:
    """Return an annotation without the metadata of `Annotated`, also inside its parts."""
    return type_of(annotation, {}, include_extras=False)


def mark_of(annotation: Any) -> str | None:
    """Return the mark of an annotation, `QUERY_ONLY` or `SPEED_ONLY`; None if it has none.

    A mark inside a union, ``SpeedOnly[int] | None``, is one of the whole option.
    """
    if get_origin(annotation) in (Union, types.UnionType):
        return next(filter(None, map(mark_of, get_args(annotation))), None)
    metadata = getattr(annotation, "__metadata__", ())
    return next((mark for mark in metadata if mark in (QUERY_ONLY, SPEED_ONLY)), None)


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union without marks; another annotation is its only member."""
    annotation = bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def path_type(annotation: Any) -> Any:
    """Return what a text means by an annotation: a member of `PATHS`, or None."""
    return next((member for member in members(annotation) if member in PATHS), None)


def item_type(annotation: Any) -> Any:
    """Return the annotation of the items of a list; Any if it has none."""
    lists = (member for member in members(annotation) if get_origin(member) in LISTS)
    return next((get_args(member)[0] for member in lists if get_args(member)), Any)


def metas(annotation: Any) -> list[Meta]:
    """Return the bounds of an `Annotated`."""
    return [mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Meta)]


def bounds(annotation: Any) -> str:
    """Return the bounds of an annotation and its parts as text for people; "" for none."""
    outer = [
        form.format(bound)
        for meta in metas(annotation)
        for name, form in _BOUNDS.items()
        if (bound := getattr(meta, name)) is not None
    ]
    text = ", ".join(filter(None, [*map(bounds, get_args(annotation)), *outer]))
    each = " each" if text and get_origin(annotation) in LISTS else ""
    return text.replace(" or more, at most ", " to ") + each


def spelled(annotation: Any) -> str:
    """Return an annotation as people write it, such as ``int | none``."""
    if annotation is Any:
        return "any"
    if isinstance(annotation, list):  # the arguments of a Callable
        return f"[{', '.join(map(spelled, annotation))}]"
    if annotation in (None, type(None)):
        return "none"
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " | ".join(spelled(choice) for choice in get_args(annotation))
    if origin is Literal:
        return " | ".join(repr(choice) for choice in get_args(annotation))
    if annotation in _SPELLINGS:
        return _SPELLINGS[annotation]
    if origin is not None:
        inner = ", ".join(spelled(choice) for choice in get_args(annotation) if choice != ...)
        return f"{'list' if origin is tuple else origin.__name__.lower()}[{inner}]"
    return str(getattr(annotation, "__name__", annotation))
