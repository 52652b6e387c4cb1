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

    effbench makes the dataset when it plans a suite, in every process, and reads its
    attributes. So the constructor is quick: it checks that the data can be read or fetched, and
    reads none of it. Plain attributes do as well as properties. ``docs``, ``queries`` and
    ``qrels`` may be called several times, and yield the same order each time. Texts are
    decoded, ids are unique and hold no white space, and relevances are integers. What an
    option of type `Dataset` gets has the same members, also those that are optional.

    Raises:
        EffbenchError: by the constructor, when the data can be neither read nor fetched.

    """

    @property
    def dataset_id(self) -> str:
        """The dataset's name in tables, such as ``beir/scifact/test``."""

    @property
    def corpus_key(self) -> str:
        """The key of the docs: datasets with equal keys have the same docs in the same order.

        It changes when the docs change: take the digest of the files
        (`effbench.files.text_digest`) or of facts (`effbench.files.digest_of`). Keys are
        compared only within one plugin. Datasets with equal keys share the vectors of docs.
        """

    @property
    def key(self) -> str:
        """The key of the queries and judgments: it changes when they change."""

    @property
    def drop_self_hits(self) -> bool:
        """Whether to drop a hit with the id of its query, because the queries are also docs.

        It is False when absent.
        """

    def docs_count(self) -> int | None:
        """Return the number of docs, or None when only a pass over the docs tells it.

        A plan calls this, so it is quick. effbench refuses a corpus with a different number
        of docs, because such a corpus was read only in part. Without the method, nobody knows.
        """

    def docs(self) -> Iterator[Doc]:
        """Yield all docs, for encoding, for a retriever and for training; once for each."""

    def queries(self) -> Iterator[Query]:
        """Yield all queries; a run searches those that have judgments."""

    def qrels(self) -> Iterator[Qrel]:
        """Yield all judgments; a doc without a judgment counts as not relevant."""


class Noted(Protocol):
    """What a dataset may say of itself: attributes, all of them optional."""

    @property
    def parts(self) -> Sequence[tuple[str, str]]:
        """The pair (corpus key, key) of each dataset that this one is made of or belongs to.

        effbench thus knows when two datasets share data: a shortened corpus, a union, or a
        split of all queries. Without it, the dataset stands for its own two keys.
        """

    @property
    def note(self) -> str:
        """A sentence for the readers of the scores, such as that the corpus is cut."""

    @property
    def cut(self) -> bool:
        """Whether docs of a known corpus are left out, so that scores are higher than with all.

        No row that is measured on it is recommended, unless the user asks for that.
        """


@runtime_checkable
class Countable(Protocol):
    """A dataset that counts its docs much faster than it reads them, for example by lines.

    effbench calls ``count_docs`` when ``docs_count`` is None and a pass over the docs
    begins. Progress shows the total, and nothing else depends on it.
    """

    def count_docs(self) -> int | None:
        """Return the approximate number of docs, or None when only reading them tells it."""


@runtime_checkable
class Paired(Protocol):
    """A dataset that also yields training pairs, such as the triples of MS MARCO."""

    def docpairs(self) -> Iterator[DocPair]:
        """Yield the pairs; a trainer's option ``{docpairs: DATASET}`` reads them."""


@runtime_checkable
class Split(Protocol):
    """A dataset that knows the splits of its queries, and thus which queries train a model.

    effbench asks for them when an option of a trainer says ``{training: DATASET}``.
    """

    @property
    def splits(self) -> Sequence[str]:
        """The splits that exist: a selection of ``train``, ``dev`` and ``test``."""

    def split(self, name: str) -> Dataset:
        """Return a dataset with the same corpus, and the queries and judgments of a split."""
