"""Hostile retrievers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from effbench_toy import ScanRetriever

import effbench
from effbench_sixty.hostile import ERRORS, Hostile, Table, absent
from effbench_sixty.states import OUTPUTS, STATES


class OddId(str):
    """A string that is equal to nothing, and cannot be shown."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise SystemExit(0)

    def __hash__(self) -> int:
        raise SystemExit(0)

    def __repr__(self) -> str:
        raise SystemExit(0)


class OddScore:
    """A number that ends the program when somebody wants it."""

    def __float__(self) -> float:
        raise SystemExit(0)

    def __repr__(self) -> str:
        raise SystemExit(0)


def first(make: Any) -> Any:
    """Return the deed of putting other hits first: they are of the second query."""

    def deed(_: Any, honest: Any) -> Any:
        return [honest[0], make(honest[1]), *honest[2:]]

    return deed


def hit(doc_id: Any = "d1", score: Any = 99.0) -> Any:
    """Return the deed of one more hit, the best."""
    return first(lambda hits: [(doc_id, score), *hits])


def stops(_: Any, honest: Any) -> Iterator[Any]:
    """Raise StopIteration inside a generator."""
    yield honest[0]
    raise StopIteration("over")


class Stopping:
    """An iterator that is over too soon."""

    def __init__(self, items: Any) -> None:
        self._items = iter(items[:5])

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._items)


def endless(_: Any, honest: Any) -> Iterator[Any]:
    """Never end: twenty thousand lists are as good as that, and fit in memory."""
    yield from itertools.islice(itertools.cycle(honest), 20_000)
    raise AssertionError("nobody stopped it")


def endless_hits(_: Any, honest: Any) -> Any:
    def hits() -> Iterator[Any]:
        for number in range(20_000):
            yield effbench.ScoredDoc("d1", -float(number))
        raise AssertionError("nobody stopped it")

    return [hits(), *honest[1:]]


def unread(retriever: Any, docs: Any) -> Any:
    """Read a doc, close the rest, and know one doc."""
    docs = iter(docs)
    honest = [next(docs)]
    getattr(docs, "close", lambda: None)()
    return honest


FAILS: Table = {
    "init": {"Exception": ERRORS["Exception"], "CancelledError": ERRORS["CancelledError"]},
    "index": {
        **{n: ERRORS[n] for n in ("Exception", "SystemExit", "BaseException", "StopIteration")},
    },
    "nbytes": {"is absent": absent, "None": lambda _, __: None},
    "search": {
        **{n: ERRORS[n] for n in ("Exception", "SystemExit", "no text", "an ExceptionGroup")},
        "None": lambda _, __: None,
        "a number": lambda _, __: 7,
        "a string": lambda _, __: "d1",
        "None for a query": first(lambda _: None),
        "a query less": lambda _, honest: honest[1:],
        "a list for others": lambda _, honest: [*honest, honest[0]],
        "stops inside a generator": stops,
        "stops too soon": lambda _, honest: Stopping(honest),
        "endless lists": endless,
        "endless hits": endless_hits,
        "a dictionary": first(lambda hits: {h.doc_id: h.score for h in hits}),
        "triples": first(lambda hits: [(*h, 0) for h in hits]),
        "a doc twice": first(lambda hits: [hits[0], *hits]),
        "an unknown doc": hit("elsewhere"),
        "rising scores": first(lambda hits: [*hits, ("d1", 1e6)]),
        "an id with a blank": hit("d 1"),
        "an id with a newline": hit("d1\nq0 Q0 d2 1 9 x"),
        "an empty id": hit(""),
        "no id": hit(None),
        "half an id": hit("d\ud83d"),
        "an id in bytes": hit(b"d1"),
        "no score": hit(score=None),
        "a word as score": hit(score="high"),
        "NaN": hit(score=float("nan")),
        "infinity": hit(score=float("inf")),
        "a score that ends the program": hit(score=OddScore()),
        "an array as score": hit(score=np.ones(2)),
        "a huge integer": hit(score=10**400),
    },
}
STANDS: Table = {
    "index": {
        "umask": STATES["umask"],
        "prints": OUTPUTS["prints"],
    },
    "search": {
        "no hits": lambda _, honest: [[] for _ in honest],
        "answers of the next query": lambda _, honest: [*honest[1:], honest[0]],
        "seeds": STATES["seeds"],
        "a variable": STATES["a variable"],
    },
}
EITHER: Table = {
    "index": {"closes the docs": unread},
    "search": {
        "a boolean as score": hit("d1", True),
        "an id that is equal to nothing": hit(OddId("d1")),
    },
}
PLANS: Table = {"check": {"GeneratorExit": ERRORS["GeneratorExit"]}}


class SixtyRetriever(Hostile, ScanRetriever):
    """Counts common words, and does something hostile."""

    tables = (FAILS, STANDS, EITHER, PLANS)

    def __init__(self, *, does: str) -> None:
        self.does, self.twice = does, False
        self.at("init")

    def index(self, docs):
        super().index(self.at("index", docs))

    @property
    def nbytes(self):
        return self.at("nbytes", 7)

    def search(self, queries, k):
        # nothing is found by chance where an odd hit is put first
        return self.at("search", [[h for h in hits if h.doc_id != "d1"] or hits
                                  for hits in super().search(queries, k)])  # fmt: skip
