"""What records, suites and latency sessions must look like, so that strangers' can be read.

A shape is a test of a value; a mapping of names to the shapes of a mapping's values (``name?``
may be missing); or a list with the shape of each item, a tuple where there must be an item.
What nobody reads may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from effbench.errors import EffbenchError

Test: TypeAlias = Callable[[Any], bool]
Shape: TypeAlias = Test | Mapping[str, Any] | list[Any] | tuple[Any]

EACH = "*"
"""Stands for every name of a mapping."""


def text(value: Any) -> bool:
    """Tell whether a value is text that can be written: no half characters."""
    if not isinstance(value, str):
        return False
    return value.isascii() or value.encode("utf-8", "replace").decode() == value


def number(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return type(value) in (int, float) and -1e300 < value < 1e300


def maybe(test: Shape) -> Test:
    """Return a test that lets null pass."""
    return lambda value: value is None or not list(_wrong(value, test, ""))


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _many(value: Any) -> bool:
    return isinstance(value, list)


def _block(value: Any) -> bool:
    """Tell whether a value is a `Block` as JSON holds it: numbers, in its midst a pair."""
    if not _many(value) or len(value) not in (8, 9) or not _many(value[4]):
        return False
    *first, pair = value[:5]
    return len(pair) == 2 and all(map(number, [*first, *pair, *value[5:]]))


def _option(value: Any) -> bool:
    return text(value) or not isinstance(value, str)


OFFER = {"name": text, "use?": text, "plugin?": text, "distribution?": text}

RECORD = {
    "status": text, "key": text, "created": text, "dataset": text, "row": OFFER,
    "index": maybe(OFFER), "search": {EACH: _option}, "trained_on?": [text],
    "versions?": _mapping, "data_key?": text, "error?": text, "files?": {EACH: text},
}  # fmt: skip

DONE = {
    "scores": {EACH: number},
    "per_query": {EACH: {EACH: number}},
    "queries": {EACH: maybe(number)},
    "costs": {
        "index_bytes?": maybe(number), "index_seconds?": maybe(number),
        "query_parameters?": maybe(number), "search_seconds?": maybe(number),
    },
}  # fmt: skip

SUITE = {
    "suite": text,
    "measures": (text,),
    "cells": [text],
    "datasets": ({"name": text, "group": maybe(text), "note?": maybe(text)},),
    "expected": {
        "scores": {EACH: {EACH: {EACH: number}}}, "tolerance": number, "index": maybe(text),
    },
    "latency?": {
        "baseline?": maybe(text), "processes?": number, "conditions?": _mapping,
        "timed?": {EACH: text},
    },
}  # fmt: skip

SESSION = {
    "dataset": text, "started": text, "baseline": maybe(text),
    "rows": {EACH: {"row": text, "key": text, "timed": text, "differs?": {EACH: _many}}},
    "spans": [text], "queries": [text], "words": [number],
    "conditions": _mapping, "fingerprint": _mapping, "errors": {EACH: text},
    "processes": [{"cell": text, "fresh_ns": [number], "again_ns": [number]}],
    "blocks": [_block],
}  # fmt: skip
"""Of a session's header."""


def check(value: Any, shape: Shape, path: Path) -> None:
    """Refuse what has not the shape that its readers expect.

    Raises:
        EffbenchError: it has not; the first place that is wrong is named.

    """
    for where in _wrong(value, shape, ""):
        raise EffbenchError(f"{path}: {where or 'all of it'} is missing or not as it should be")


def _wrong(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Yield the dotted places that are wrong."""
    if callable(shape):
        if not shape(value):
            yield where
    elif isinstance(shape, list | tuple):
        if not isinstance(value, list) or (not value and isinstance(shape, tuple)):
            yield where
            return
        for place, one in enumerate(value):
            yield from _wrong(one, shape[0], f"{where}[{place}]")
    elif not isinstance(value, dict):
        yield where
    else:
        yield from _inside(value, shape, f"{where}." if where else "")


def _inside(value: Mapping[str, Any], shape: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, inner in shape.items():
        plain = name.removesuffix("?")
        if name == EACH:
            if not text("".join(value)):
                yield f"{where}{EACH}"
            elif not (
                callable(inner) and all(map(inner, value.values()))
            ):  # quick, as they are many
                for own, one in value.items():
                    yield from _wrong(one, inner, f"{where}{own}")
        elif plain in value:
            yield from _wrong(value[plain], inner, where + plain)
        elif plain == name:
            yield where + name
