"""What a plugin's dataset says of itself, and how another dataset gets it."""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from effbench.api.data import Countable
from effbench.api.errors import EffbenchError
from effbench.guard.attributes import FLAG, METHOD, REQUIRED, Wanted, attribute
from effbench.guard.blame import blamed, drawn
from effbench.guard.ordinary import ordinary

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ABSENT = object()


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and not _CONTROL.search(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)


def _is_texts(value: Any) -> bool:
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
            _is_list(value) and all(_is_texts(pair) and len(pair) == 2 for pair in value)
        ),
    ),
    "note": Wanted(_LINE, _is_line),
    "splits": Wanted("a list of names of splits", _is_texts),
    **dict.fromkeys(("docs_count", "docs", "queries", "qrels", "split"), METHOD),
}


class Declared(NamedTuple):
    """What a dataset says of itself, asked once: all else that needs it looks here."""

    dataset_id: str
    corpus_key: str
    key: str
    drop_self_hits: bool
    parts: frozenset[tuple[str, str]]
    """(corpus key, key) of all that it is made of, or a part of."""

    note: str


def declared(dataset: object, who: str) -> Declared:
    """Ask a dataset for what a plan needs, its splits aside.

    Raises:
        EffbenchError: something is missing, of the wrong type, or raises; names ``who``.

    """
    for method in ("docs_count", "docs", "queries", "qrels"):
        _asked(dataset, method, who)
    name, corpus_key, key, drops = (
        _asked(dataset, one, who)
        for one in ("dataset_id", "corpus_key", "key", "drop_self_hits")
    )
    pairs = _asked(dataset, "parts", who, [(corpus_key, key)])
    with blamed(f"{who}: its parts"):
        parts = frozenset((ordinary(corpus), ordinary(part)) for corpus, part in pairs)
    return Declared(name, corpus_key, key, drops, parts, _asked(dataset, "note", who, ""))


def splits_of(dataset: object, who: str) -> tuple[str, ...]:
    """Return the splits that a dataset knows of: asked when somebody trains, it may be slow.

    Raises:
        EffbenchError: as for `declared`.

    """
    named = _asked(dataset, "splits", who, ())
    with blamed(f"{who}: its splits"):
        splits = tuple(map(ordinary, named))
    if splits:
        _asked(dataset, "split", who)
    return splits


def counted_docs(dataset: object, who: str) -> int | None:
    """Return how many docs a dataset counts quickly; what goes wrong, reading them says."""
    with contextlib.suppress(EffbenchError), blamed(who):
        if isinstance(dataset, Countable):
            count = dataset.count_docs()
            return None if count is None else operator.index(count)
    return None


def _asked(dataset: object, name: str, who: str, default: object = REQUIRED) -> Any:
    return attribute(dataset, name, _WANTED.get(name, _ANYTHING), who, default)


class Named:
    """A dataset as another one gets it (`cut` its whole): what it raises names it.

    Its class is that of the dataset for whoever asks with `isinstance`.
    """

    def __init__(self, dataset: object, who: str) -> None:
        self._dataset, self._who = dataset, who

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._dataset)

    def __getattr__(self, name: str) -> Any:
        value = _asked(self._dataset, name, self._who, _ABSENT)
        if value is _ABSENT:
            raise AttributeError(name)
        return partial(self._called, value) if callable(value) else value

    def _called(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with blamed(self._who):
            answer = method(*arguments, **options)
        if not isinstance(answer, Iterator):
            return answer
        return drawn(lambda: answer, self._who, lambda item: item)
