"""Hostile datasets."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from effbench_toy import ToyDataset

import effbench
from effbench_sixty.hostile import ERRORS, Hostile, OddNumber, OddText, Table, absent, always
from effbench_sixty.states import OUTPUTS, STATES


def with_(**fields: Any) -> Any:
    """Return the deed of changing fields of an item."""
    return lambda _, item: item._replace(**fields)


def odd(field: str) -> Any:
    """Return the deed of making a field an odd text."""
    return lambda _, item: item._replace(**{field: OddText(getattr(item, field))})


def stopping(_: Any, items: Any) -> Iterator[Any]:
    """Raise StopIteration inside a generator."""
    yield from items
    raise StopIteration("over")


def endless(_: Any, items: Any) -> Iterator[Any]:
    """Never end: fifty thousand docs, 30 of which were counted, are as good as that."""
    yield from items
    for number in itertools.count(30):
        if number == 50_000:
            raise AssertionError("nobody stopped it")
        yield effbench.Doc(f"d{number}", "oak")


def closing(_: Any, items: Any) -> Iterator[Any]:
    """Go on when it is closed."""
    for item in items:
        try:
            yield item
        except GeneratorExit:
            yield item


def others(dataset: Any, items: Any) -> Any:
    """Give other docs each time."""
    dataset.readings += 1
    return (doc._replace(doc_id=f"{doc.doc_id}-{dataset.readings}") for doc in items)


def twice(_: Any, items: Any) -> Any:
    return itertools.chain.from_iterable(itertools.repeat(list(items), 2))


IDS = {
    "with a blank": "d 3",
    "with a newline": "d3\nx",
    "with a tab": "d\t3",
    "with NUL": "d\0",
    "that is empty": "",
    "that is None": None,
    "that is a number": 3,
    "that is half a character": "d\ud83d",
    "that is bytes": b"d3",
}
TEXTS = {"None": None, "a number": 3, "half a character": "\ud83d"}
RELEVANCES = {
    "True": True,
    "None": None,
    "one and a half": 1.5,
    "NaN": float("nan"),
    "infinite": 1e999,
    "huge": 2**31 - 1,
    "very low": -(2**40),
    "a word": "high",
    "a list": [1],
    "beyond all": 10**5000,
}
ITEMS = {
    **{name: ERRORS[name] for name in ("Exception", "SystemExit", "StopIteration")},
    "None": always(None),
    "a number": always(3),
    "a short tuple": always(("d3",)),
    "a dictionary": always({"doc_id": "d3", "text": "oak"}),
    "no attributes": always(SimpleNamespace()),
}
WHOLES = {
    "None": always(None),
    "a number": always(3),
    "a string": always("docs"),
    "stops inside a generator": stopping,
}

FAILS: Table = {
    "docs": {
        **WHOLES,
        "SystemExit": ERRORS["SystemExit"],
        "nothing": always(()),
        "endless": endless,
        "twice": twice,
    },
    "doc": {
        **ITEMS,
        **{f"an id {name}": with_(doc_id=value) for name, value in IDS.items()},
        "an id that comes twice": with_(doc_id="d1"),
        **{f"a text: {name}": with_(text=value) for name, value in TEXTS.items()},
        "a title: None": with_(title=None),
    },
    "docs_count": {
        "SystemExit": ERRORS["SystemExit"],
        "too small": always(3),
        "too large": always(10**30),
        "negative": always(-1),
        "a word": always("many"),
        "NaN": always(float("nan")),
    },
    "queries": {**WHOLES, "BaseException": ERRORS["BaseException"], "nothing": always(())},
    "query": {
        **ITEMS,
        **{f"an id {name}": with_(query_id=value) for name, value in IDS.items()},
        "an id that comes twice": with_(query_id="q0"),
        **{f"a text: {name}": with_(text=value) for name, value in TEXTS.items()},
    },
    "qrels": {**WHOLES, "MemoryError": ERRORS["MemoryError"], "nothing": always(())},
    "qrel": {
        **ITEMS,
        **{f"a query's id {name}": with_(query_id=value) for name, value in IDS.items()},
        **{f"a doc's id {name}": with_(doc_id=value) for name, value in IDS.items()},
        **{
            f"a relevance: {name}": with_(relevance=value) for name, value in RELEVANCES.items()
        },
    },
}
STANDS: Table = {
    "docs": {"seeds": STATES["seeds"], "prints": OUTPUTS["prints"]},
    "docs_count": {"None": always(None)},
    "doc": {
        "a text of a million characters": with_(text="oak " * 2**18),
        **{f"odd: {name}": odd(name) for name in ("doc_id", "text", "title")},
    },
    "query": {
        "a text: empty": with_(text=""),
        "a text: control": with_(text="\x1b[2J\0"),
        **{f"odd: {name}": odd(name) for name in ("query_id", "text")},
    },
    "queries": {"umask": STATES["umask"]},
    "qrel": {
        "a relevance: a whole float": with_(relevance=1.0),
        "a relevance: an odd number": with_(relevance=OddNumber(1)),
        "a query that is unknown": with_(query_id="elsewhere"),
        **{f"odd: {name}": odd(name) for name in ("query_id", "doc_id")},
    },
    "key": {"half a character": always("\ud83d"), "odd": lambda _, key: OddText(key)},
    **{name: {"odd": lambda _, text: OddText(text)} for name in ("corpus_key", "dataset_id")},
    "note": {"odd": always(OddText("hostile"))},
    "parts": {"odd": lambda _, pairs: [tuple(map(OddText, pair)) for pair in pairs]},
}
EITHER: Table = {
    "docs": {"others each time": others, "goes on when it is closed": closing},
    "key": {"another each time": lambda _, __: str(uuid.uuid4())},
    "corpus_key": {"another each time": lambda _, __: str(uuid.uuid4())},
}
OPTIONAL = {
    **{name: ERRORS[name] for name in ("Exception", "SystemExit", "no text", "newlines")},
    "None": always(None),
    "a list": always([1]),
}
PROPERTY = {**OPTIONAL, "is absent": absent}
PLANS: Table = {
    "check": {"SystemExit": ERRORS["SystemExit"]},
    "init": ERRORS,
    "dataset_id": {**PROPERTY, "half a character": always("\ud83d"), "empty": always("")},
    "key": PROPERTY,
    "corpus_key": {**PROPERTY, "bytes": always(b"docs")},
    "drop_self_hits": {**PROPERTY, "a word": always("no")},
    "parts": {
        **OPTIONAL,
        "a pair too short": always([("corpus",)]),
        "pairs of lists": always([(["corpus"], ["key"])]),
    },
    "splits": OPTIONAL,
    "note": {**OPTIONAL, "half a character": always("\ud83d")},
}
"""Places that are looked at while planning."""


class SixtyDataset(Hostile):
    """Toys, and something hostile."""

    tables = (FAILS, STANDS, EITHER, PLANS)
    honest = ToyDataset(docs=30)

    def __init__(self, *, does: str, name: str = "hostile") -> None:
        self.does, self.name, self.readings = does, name, 0
        self.at("init")

    @property
    def dataset_id(self):
        return self.at("dataset_id", self.name)

    @property
    def key(self):
        return self.at("key", f"sixty: {self.does}")

    @property
    def corpus_key(self):
        return self.at("corpus_key", f"sixty: {self.does}")

    @property
    def drop_self_hits(self):
        return self.at("drop_self_hits", False)

    @property
    def parts(self):
        return self.at("parts", [(self.corpus_key, self.key)])

    @property
    def splits(self):
        return self.at("splits", ["train"])

    @property
    def note(self):
        return self.at("note", "hostile")

    def split(self, name):
        return self

    def docs_count(self):
        return self.at("docs_count", 30)

    def docs(self):
        return self.at("docs", self._with(self.honest.docs(), "doc"))

    def queries(self):
        return self.at("queries", self._with(self.honest.queries(), "query"))

    def qrels(self):
        return self.at("qrels", self._with(self.honest.qrels(), "qrel"))

    def _with(self, items, place):
        for number, item in enumerate(items):
            yield self.at(place, item) if number == 3 else item
