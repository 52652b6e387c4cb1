"""What a plugin sees and what it implements. Nothing here imports numpy or torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NamedTuple,
    NewType,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    Positions: TypeAlias = NDArray[np.int64]

T = TypeVar("T")

ModelId = NewType("ModelId", str)
"""An option that names a model: a local folder, ``package:MODULE/FOLDER`` or a hub id.

Or ``{trained: ROW}``, what a row of ``models`` trained. The harness checks it when it plans,
puts the files' digest into the keys, and hands the factory an absolute folder (or the hub id
as it is).
"""

DataPath = NewType("DataPath", Path)
"""A dataset's option that names a folder which may come later: a plan needs none.

Relative to the suite file like `Path`. Reading then raises, and says what is to be put there.
"""

QueryOnly: TypeAlias = Annotated[T, "query-only"]
"""An option that changes query vectors only: corpus vectors are reused when it changes."""

SpeedOnly: TypeAlias = Annotated[T, "speed-only"]
"""An option that changes speed or memory, not the numbers: it is part of no key."""


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
    time. Texts are decoded, ids hold no white space.

    Optional: a property ``parts``, the (corpus key, key) of each dataset that this one is made
    of, or a part of; its own two keys when absent. By them the harness knows that a cut or a
    union of datasets, or all questions of which others are a split, is the same data.
    """

    @property
    def dataset_id(self) -> str:
        """Name in tables, such as ``beir/scifact/test``."""

    @property
    def corpus_key(self) -> str:
        """Says what the docs are: datasets of equal keys have the same docs in one order."""

    @property
    def key(self) -> str:
        """Says what queries and judgments are, the corpus aside."""

    @property
    def drop_self_hits(self) -> bool:
        """Whether a hit with the query's own id is dropped (its queries are docs)."""

    def docs_count(self) -> int | None:
        """Return the number of docs, or None when it takes a pass over them to know."""

    def docs(self) -> Iterator[Doc]: ...

    def queries(self) -> Iterator[Query]: ...

    def qrels(self) -> Iterator[Qrel]: ...


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


class QueryEncoder(Protocol):
    """Turns queries into vectors of some other row's space (``passages: ROW``).

    An encoder may say in a property ``query_parameters`` how many numbers, trained or copied,
    its way from a query's text to its vector consists of.
    """

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d] in host memory; row i belongs to query i."""


class Encoder(QueryEncoder, Protocol):
    """Turns text into vectors whose inner product is the score."""

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d] in host memory; row i belongs to doc i."""


class VectorSource(Protocol):
    """The vectors of a whole corpus, on disk, read by slices."""

    @property
    def shape(self) -> tuple[int, int]:
        """Docs and width."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Vectors:
        """Read rows (a slice without a step) as float32 [m, d]."""


class Index(Protocol):
    """Finds the vectors of largest inner product.

    ``search`` may take further keywords with defaults (``nprobe: int = 8``): a suite
    sweeps them over one build. Rows of equal scores may come in any order; the harness
    orders a run by (score, doc_id), both descending.
    """

    @property
    def nbytes(self) -> int:
        """Memory that searching takes, in bytes."""

    def build(self, vectors: VectorSource) -> None: ...

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 [q, m] and positions int64 [q, m], m <= k, best first.

        A position is a row of ``build``'s vectors; -1 fills rows with fewer hits.
        """


class Retriever(Protocol):
    """A whole system from text to hits: BM25, a search server."""

    @property
    def nbytes(self) -> int:
        """Memory that searching takes, in bytes."""

    def index(self, docs: Iterable[Doc]) -> None: ...

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return up to k hits a query, best first, no doc twice."""


@runtime_checkable
class Saved(Protocol):
    """An index or retriever that can be kept on disk, so that it is built only once."""

    def save(self, folder: Path) -> None:
        """Write everything into the empty ``folder``."""

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Take back what ``save`` wrote; ``vectors`` are those of ``build``."""


class Factory(Protocol):
    """What a plugin offers: a class, or a function that makes an instance.

    Its signature and annotations are the schema of its options. Optional attributes:

    - ``requires``: mapping of modules it imports to what pip installs for them
      (``{"faiss": "effbench[faiss-cpu]"}``); checked when the suite is planned.
    - ``version``: an int in its keys (1 when absent), raised when the same options give
      other numbers.
    - ``together``: True for a trainer that all processes of torchrun call at once, with one
      folder, to share out its batches; others are called in one process.
    - ``check``: a static method that takes the same options, less those that name rows or
      data, and raises `EffbenchError` when they make no sense; quick, called when planning.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Any: ...


@runtime_checkable
class Exported(Protocol):
    """An encoder that can be deployed without effbench's harness (``effbench export``)."""

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write into the empty ``folder`` what `SentenceTransformer` loads as it is.

        ``passages`` is what the row of the passages has exported; it may be moved away. None
        when the encoder encodes passages itself.
        """


@runtime_checkable
class IncrementalQueryEncoder(QueryEncoder, Protocol):
    """A query encoder that reads the query while it is typed.

    ``finish`` gives the same vector as ``encode_queries`` of the whole text (to 1e-5).
    """

    def start(self) -> Any:
        """Return the state before the first character."""

    def advance(self, state: Any, text: str) -> Any:
        """Return the state after reading the finished words of ``text``, the text so far."""

    def finish(self, state: Any, text: str) -> Vectors:
        """Read what is left of ``text`` and return its vector, float32 [1, d]."""
