"""Values of options: msgspec checks and converts them by types without annotations of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta, ValidationError, convert

from effbench.api.encoders import Encoder, ModelId
from effbench.api.errors import EffbenchError
from effbench.api.live import EncodedCorpus
from effbench.api.training import TrainedModel
from effbench.offers.annotations import (
    LISTS,
    PATHS,
    REFERENCES,
    bare,
    mark_of,
    members,
    metas,
    spelled,
)

POSSIBLE = (
    "take str, int, float, bool, Literal, list, dict, | None, or a type of effbench that "
    "docs/plugins.md lists"
)

NAMES = (Encoder, EncodedCorpus, TrainedModel)
"""The references whose values hold no slash, so that a `Path` may stand beside them."""

_PLAIN = (str, int, float, bool, None, type(None), Any)
_DICTS = (dict, get_origin(Mapping[str, int]))
_NO_VALUE = Literal["a value that names a row or a dataset"]
_TEXT = Annotated[str, Meta(min_length=1)]


def checked_type(annotation: Any) -> Any:
    """Return the type by which msgspec checks and converts plain values of an option.

    Paths are texts in it. No value fits a reference, because a reference is no plain value.

    Raises:
        EffbenchError: no suite could give a value of the annotation, or a value could mean two
            things; the message says which annotations are possible.

    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = checked_type(annotation.__origin__)
        for meta in metas(annotation):
            inner = Annotated[inner, meta]
        return inner
    if len(members(annotation)) > 1:
        _refuse_two_meanings(annotation)
        return Union[tuple(map(checked_type, arguments))]  # noqa: UP007 - as many as there are
    if origin in LISTS:
        return _checked_list(annotation) if arguments else origin
    if origin in _DICTS or annotation in _DICTS:
        key, value = arguments or (Any, Any)
        if key in (str, Any) and not _named_in(value):  # YAML's other keys are refused
            return dict[key, checked_type(value)]  # type: ignore[misc, valid-type]
    elif annotation in (*_PLAIN, *LISTS) or origin is Literal:
        return annotation
    elif annotation in PATHS:
        return _TEXT
    elif annotation in REFERENCES:
        return _NO_VALUE
    raise EffbenchError(f"no suite can give the type {spelled(annotation)} ({POSSIBLE})")


def fits(value: Any, kind: Any) -> bool:
    """Tell whether a plain value fits a `checked_type`."""
    try:
        convert(value, kind)
    except ValidationError:
        return False
    return True


def _checked_list(annotation: Any) -> Any:
    items = [item for item in get_args(annotation) if item is not ...]
    if len(items) > 1 and any(map(_named_in, items)):
        text = spelled(bare(annotation))
        raise EffbenchError(f"paths or rows stand beside others in {text} (take two options)")
    for item in items:
        if mark_of(item):
            text = spelled(bare(annotation))
            raise EffbenchError(f"a mark inside {text} marks nothing (put it around the list)")
        if any(_named_in(part) for member in members(item) for part in get_args(member)):
            text = spelled(annotation)
            raise EffbenchError(f"paths or rows stand too deep in {text} (take one list)")
    kinds = [... if item is ... else _item_type(item) for item in get_args(annotation)]
    return (tuple if get_origin(annotation) is tuple else list).__class_getitem__(tuple(kinds))


def _item_type(item: Any) -> Any:
    """Return the type of the items of a list; those that name rows are checked one by one."""
    kind = checked_type(item)
    if {*members(item)} & {*REFERENCES}:
        return Any
    return kind | dict if ModelId in members(item) else kind  # {trained: ROW}


def _refuse_two_meanings(annotation: Any) -> None:
    """Refuse a union in which the same value could mean two things."""
    choices = members(annotation)
    paths = [choice for choice in choices if choice in PATHS]
    references = [choice for choice in choices if choice in REFERENCES]
    rest = [c for c in choices if c not in (*paths, *references, None, type(None))]
    texts = [c for c in rest if c in (str, Any) or any(isinstance(a, str) for a in get_args(c))]
    slashed = paths == [Path] and set(references) <= set(NAMES)
    if (
        len(paths) > 1
        or len(references) > 1
        or (paths and texts)
        or (references and (rest or (paths and not slashed)))
    ):
        raise EffbenchError(
            f"a value of {spelled(annotation)} could mean two things (take one of them)"
        )


def _named_in(annotation: Any) -> bool:
    """Tell whether values of an annotation name files, rows or datasets."""
    return annotation in (*PATHS, *REFERENCES) or any(map(_named_in, get_args(annotation)))
