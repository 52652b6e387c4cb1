"""The contract of a dataset, and the docs, queries and judgments that a dataset yields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Doc(NamedTuple):
    """One document of a corpus."""

    doc_id: str
    text: str
    title: str = ""

    def default_text(self) -> str:
        """Return the title, a space and the text: BEIR gives encoders this text."""
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
    """One training pair (a docpair of ir_datasets): doc a suits it better than doc b."""

    query_id: str
    doc_id_a: str
    doc_id_b: str


class ScoredDoc(NamedTuple):
    """One hit of a retriever; higher scores are better."""

    doc_id: str
    score: float


class Dataset(Protocol):
    """A corpus with queries and judgments.

    The harness makes the dataset when it plans a suite, so the constructor is quick: it checks
    that the data can be read or fetched, and reads none of it. ``docs``, ``queries`` and
    ``qrels`` may be called several times, and yield the same order each time. Texts are
    decoded, ids are unique and hold no white space, and relevances are integers.

    A dataset may have two more properties:

    - ``parts``: the pair (corpus key, key) of each dataset that this dataset is made of or
      belongs to. Without it, the dataset stands for its own two keys. The harness thus knows
      when two datasets share data: a shortened corpus, a union, or a split of all queries.
    - ``note``: a sentence for the readers of the scores, such as that the corpus is cut.

    Raises:
        EffbenchError: by the constructor, when the data can be neither read nor fetched.

    """

    @property
    def dataset_id(self) -> str:
        """The dataset's name in tables, such as ``beir/scifact/test``."""

    @property
    def corpus_key(self) -> str:
        """The key of the docs: datasets with equal keys have the same docs in the same order.

        Keys are compared only within one plugin.
        """

    @property
    def key(self) -> str:
        """The key of the queries and judgments; the corpus has its own key."""

    @property
    def drop_self_hits(self) -> bool:
        """Whether to drop a hit with the id of its query, because the queries are also docs."""

    def docs_count(self) -> int | None:
        """Return the number of docs, or None when only a pass over the docs tells it.

        A plan calls this, so it is quick. The harness refuses a corpus with a different number
        of docs, because such a corpus was read only in part.
        """

    def docs(self) -> Iterator[Doc]: ...

    def queries(self) -> Iterator[Query]: ...

    def qrels(self) -> Iterator[Qrel]: ...


@runtime_checkable
class Countable(Protocol):
    """A dataset that counts its docs much faster than it reads them, for example by lines.

    The harness calls ``count_docs`` when ``docs_count`` is None and a pass over the docs
    begins. Progress shows the total, and nothing else depends on it.
    """

    def count_docs(self) -> int | None:
        """Return the approximate number of docs, or None when only reading them tells it."""


@runtime_checkable
class Paired(Protocol):
    """A dataset that also yields training pairs, such as the triples of MS MARCO."""

    def docpairs(self) -> Iterator[DocPair]: ...


@runtime_checkable
class Split(Protocol):
    """A dataset that knows the splits of its queries, and thus which queries train a model."""

    @property
    def splits(self) -> Sequence[str]:
        """The splits that exist: a selection of ``train``, ``dev`` and ``test``."""

    def split(self, name: str) -> Dataset:
        """Return a dataset with the same corpus, and the queries and judgments of a split."""
