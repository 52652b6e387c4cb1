"""The attributes that a plugin's dataset declares: names, keys, splits."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from effbench.guard.attributes import FLAG, METHOD, REQUIRED, Wanted, attribute
from effbench.guard.blame import blamed
from effbench.guard.ordinary import ordinary

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and not _CONTROL.search(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)


def _is_list_of_texts(value: Any) -> bool:
    return _is_list(value) and all(isinstance(text, str) for text in value)


_LINE = "a string of one line, without control characters"
_KEY = Wanted("a string", lambda value: isinstance(value, str))
_ANYTHING = Wanted("anything", lambda _: True)
_WANTED = {
    "dataset_id": Wanted(_LINE, lambda value: _is_line(value) and value.strip() != ""),
    "corpus_key": _KEY,
    "key": _KEY,
    "drop_self_hits": FLAG,
    "parts": Wanted(
        "a list of pairs of strings: corpus key, key",
        lambda value: (
            _is_list(value)
            and all(_is_list_of_texts(pair) and len(pair) == 2 for pair in value)
        ),
    ),
    "note": Wanted(_LINE, _is_line),
    "cut": FLAG,
    "splits": Wanted("a list of names of splits", _is_list_of_texts),
    **dict.fromkeys(("docs_count", "docs", "queries", "qrels", "split"), METHOD),
}
_OPTIONAL = {"drop_self_hits": False, "docs_count": lambda: None}
"""What a dataset may leave out -> what stands in its place."""


class Declared(NamedTuple):
    """The attributes of a dataset; they are read from the plugin's object once."""

    dataset_id: str
    corpus_key: str
    key: str
    drop_self_hits: bool
    parts: frozenset[tuple[str, str]]
    """(corpus key, key) of all datasets that it is made of, or is a part of."""

    note: str
    cut: bool


def declared(dataset: object, who: str) -> Declared:
    """Read the attributes of a dataset that a plan needs, except its splits.

    Raises:
        EffbenchError: an attribute is missing, has a wrong type, or raises; the message
            begins with ``who``.

    """
    for method in ("docs_count", "docs", "queries", "qrels"):
        attribute_of(dataset, method, who)
    name, corpus_key, key, drop_self_hits = (
        attribute_of(dataset, required, who)
        for required in ("dataset_id", "corpus_key", "key", "drop_self_hits")
    )
    pairs = attribute_of(dataset, "parts", who, [(corpus_key, key)])
    with blamed(f"{who}: its parts"):
        parts = frozenset((ordinary(corpus), ordinary(part)) for corpus, part in pairs)
    note, cut = attribute_of(dataset, "note", who, ""), attribute_of(dataset, "cut", who, False)
    return Declared(name, corpus_key, key, drop_self_hits, parts, note, cut)


def splits_of(dataset: object, who: str) -> tuple[str, ...]:
    """Return the splits that a dataset knows; only trainings ask, since it may be slow.

    Raises:
        EffbenchError: as for `declared`.

    """
    names = attribute_of(dataset, "splits", who, ())
    with blamed(f"{who}: its splits"):
        splits = tuple(map(ordinary, names))
    if splits:
        attribute_of(dataset, "split", who)
    return splits


def attribute_of(dataset: object, name: str, who: str, default: object = REQUIRED) -> Any:
    """Return an attribute of a dataset, of the type that `_WANTED` names.

    Raises:
        EffbenchError: it is missing and has no default, has a wrong type, or raises.

    """
    default = _OPTIONAL.get(name, default)
    return attribute(dataset, name, _WANTED.get(name, _ANYTHING), who, default)
