"""Datasets as a plugin implements them, and the records that they yield."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Doc(NamedTuple):
    """One document of a corpus."""

    doc_id: str
    text: str
    title: str = ""

    def default_text(self) -> str:
        """Title, space, text: what BEIR feeds to encoders."""
        return f"{self.title} {self.text}".strip()


class Query(NamedTuple):
    """One query of a dataset."""

    query_id: str
    text: str


class Qrel(NamedTuple):
    """One judgment: how relevant a doc is to a query (0 is not relevant)."""

    query_id: str
    doc_id: str
    relevance: int


class DocPair(NamedTuple):
    """One training pair: for the query, doc a is better than doc b (ir_datasets' docpair)."""

    query_id: str
    doc_id_a: str
    doc_id_b: str


class ScoredDoc(NamedTuple):
    """One hit of a retriever; higher scores are better."""

    doc_id: str
    score: float


class Dataset(Protocol):
    """A corpus with queries and judgments.

    Made when the suite is planned, so the constructor is quick: it checks that the data
    can be had (raising `EffbenchError` if not) and reads none of it. ``docs``,
    ``queries`` and ``qrels`` may be called several times and give the same order each
    time. Texts are decoded, ids are unique and hold no white space, relevances are integers.

    Optional: a property ``parts``, the (corpus key, key) of each dataset that this one is made
    of, or a part of; its own two keys when absent. By them the harness knows that a cut or a
    union of datasets, or all questions of which others are a split, is the same data. And
    ``note``, what a reader of its scores must know, such as that its corpus is cut.
    """

    @property
    def dataset_id(self) -> str:
        """Name in tables, such as ``beir/scifact/test``."""

    @property
    def corpus_key(self) -> str:
        """Says what the docs are: datasets of equal keys have the same docs in one order.

        It counts among the datasets of your plugin alone.
        """

    @property
    def key(self) -> str:
        """Says what queries and judgments are, the corpus aside."""

    @property
    def drop_self_hits(self) -> bool:
        """Whether a hit with the query's own id is dropped (its queries are docs)."""

    def docs_count(self) -> int | None:
        """Return the number of docs, or None when it takes a pass over them to know.

        Plans ask it: it is quick. A corpus of another number is refused: it was read in part.
        """

    def docs(self) -> Iterator[Doc]: ...

    def queries(self) -> Iterator[Query]: ...

    def qrels(self) -> Iterator[Qrel]: ...


@runtime_checkable
class Countable(Protocol):
    """A dataset that counts its docs in far less time than it reads them, such as by lines.

    It is asked where ``docs_count`` is None and a pass over the docs begins: progress shows the
    total, and nothing else depends on it.
    """

    def count_docs(self) -> int | None:
        """Return about how many docs there are, None when only reading them tells."""


@runtime_checkable
class Paired(Protocol):
    """A dataset that brings training pairs of its own, such as MS MARCO's triples."""

    def docpairs(self) -> Iterator[DocPair]: ...


@runtime_checkable
class Split(Protocol):
    """A dataset that knows the splits of its corpus, and so what one may train on."""

    @property
    def splits(self) -> Sequence[str]:
        """Those of ``train``, ``dev`` and ``test`` that there are."""

    def split(self, name: str) -> Dataset:
        """Return the dataset of the same corpus with the queries and judgments of a split."""
