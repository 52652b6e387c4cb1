"""The contracts of encoders, indexes and retrievers, and the marks of options.

Nothing here imports numpy or torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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

from effbench.api.data import Countable as Countable
from effbench.api.data import Dataset as Dataset
from effbench.api.data import Doc as Doc
from effbench.api.data import DocPair as DocPair
from effbench.api.data import Paired as Paired
from effbench.api.data import Qrel as Qrel
from effbench.api.data import Query as Query
from effbench.api.data import ScoredDoc as ScoredDoc
from effbench.api.data import Split as Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    Positions: TypeAlias = NDArray[np.int64]

T = TypeVar("T")

ModelId = NewType("ModelId", str)
"""An option that names a model: a local folder, ``package:MODULE/FOLDER`` or a hub id.

A suite may also say ``{trained: ROW}``, the model that a row of ``models`` trains. The harness
checks the name when it plans, and puts the digest of the model's files into the keys. The
factory gets an absolute folder, or the hub id unchanged.
"""

DataPath = NewType("DataPath", Path)
"""An option of a dataset that names a folder; the folder may still be missing in a plan.

The path is relative to the suite file, like a `Path`. A dataset raises an error when it reads
and the folder is missing; the error says which files the user must put there.
"""

QueryOnly: TypeAlias = Annotated[T, "query-only"]
"""An option that changes only query vectors: a new value reuses the corpus vectors."""

SpeedOnly: TypeAlias = Annotated[T, "speed-only"]
"""An option that changes speed or memory but no result: it is part of no key."""


class QueryEncoder(Protocol):
    """Turns queries into vectors; the row that ``passages: ROW`` names encodes the docs."""

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d] in host memory; row i belongs to query i."""


class Encoder(QueryEncoder, Protocol):
    """Turns queries and docs into vectors; the score is the inner product of two vectors."""

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d] in host memory; row i belongs to doc i.

        The harness copies the array, so the next call may write into the same memory.
        """


class VectorSource(Protocol):
    """The vectors of a whole corpus on disk; a slice reads a part of them."""

    @property
    def shape(self) -> tuple[int, int]:
        """The number of docs, and the number of dimensions of a vector."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Vectors:
        """Return the vectors of a slice without a step, as float32 [m, d].

        The caller may write into the array: no file changes.
        """


class Index(Protocol):
    """Finds the vectors with the largest inner products.

    ``search`` may take more keywords, each with a default (``nprobe: int = 8``). A suite can
    give several values of them, and all values use the index that was built once. Hits with
    equal scores may come in any order, because the harness orders a run by (score, doc_id),
    both descending.
    """

    @property
    def nbytes(self) -> int:
        """Memory that searching takes, in bytes."""

    def build(self, vectors: VectorSource) -> None: ...

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 [q, m] and positions int64 [q, m], m <= k, best hit first.

        Scores never rise within a row, so an index of distances turns them into scores. A
        position counts from 0 in the vectors of ``build``; -1 fills the end of a row that has
        fewer hits.
        """


class Retriever(Protocol):
    """A whole system from text to hits, such as BM25 or a search server."""

    @property
    def nbytes(self) -> int:
        """Memory that searching takes, in bytes."""

    def index(self, docs: Iterable[Doc]) -> None: ...

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return a list of at most k hits for each query, best hit first, no doc twice."""


@runtime_checkable
class Saved(Protocol):
    """An index or retriever that saves itself to disk, so that it is built only once."""

    def save(self, folder: Path) -> None:
        """Write all that ``load`` needs into the empty ``folder``."""

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read the files of ``save``; ``vectors`` are those that ``build`` got."""


class Factory(Protocol):
    """A class that a plugin offers, or a function that makes an instance.

    The signature and its annotations are the schema of the options. `msgspec.Meta` in an
    annotation gives the bounds of an option. A factory may have these attributes:

    - ``requires``: a mapping from modules that the factory imports to the names that pip
      installs (``{"faiss": "effbench[faiss-cpu]"}``). The harness checks it when it plans.
    - ``version``: an int that is part of the keys (1 when absent). Raise it when the same
      options give different results.
    - ``together``: True for a trainer that shares out its batches: all processes of torchrun
      call it at the same time, with the same folder. Only one process calls other trainers.
    - ``latency``: False for a factory that looks up answers which another program computed:
      no latency session measures it.
    - ``check``: a static method that takes the same options, without those that name rows or
      data. It raises `EffbenchError` when the options make no sense. A plan calls it, so it
      is quick.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Any: ...


READER = "reader.py"
"""The file of an exported folder that encodes queries with few packages; it is optional."""


@runtime_checkable
class Exported(Protocol):
    """An encoder that can be used without effbench (``effbench export``)."""

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write a model that `SentenceTransformer` loads into the empty ``folder``.

        If there is a ``README.md`` that says what the model is and how to use it, effbench adds
        the scores and times of the row. A file `READER` is a module whose
        ``Encoder(folder).encode(texts)`` returns the vectors of queries without that library.

        ``passages`` is the folder that the row of the passages has exported, and this method
        may move its files. It is None when this encoder encodes passages itself.
        """


@runtime_checkable
class IncrementalQueryEncoder(QueryEncoder, Protocol):
    """A query encoder that reads the query while the user types it.

    ``finish`` returns the vector that ``encode_queries`` returns for the whole text. The two
    vectors may differ by 1e-5, or by 5 % of the vector's length where inputs are quantised.
    The leaderboard marks a row that differs more.
    """

    def start(self) -> Any:
        """Return the state before the first character."""

    def advance(self, state: Any, text: str) -> Any:
        """Return the state after the finished words of ``text``, all that is typed so far."""

    def finish(self, state: Any, text: str) -> Vectors:
        """Read the last part of ``text`` and return the vector of all of it, float32 [1, d]."""


class Description(NamedTuple):
    """What an encoder tells of itself. Leave out the fields that it cannot tell."""

    stages: Mapping[str, Callable[[Any], Any]] | None = None
    """The stages of ``encode_queries`` in order: a name and a function for each.

    The first function takes the list of texts, each later function takes the result of the
    function before it, and the last function returns the vectors. Usual names: tokenise,
    forward, pool, copy. On a GPU a function may return before the device has finished: the
    harness waits for the device when it measures.
    """

    count_tokens: Callable[[Sequence[str]], list[int]] | None = None
    """Returns the number of tokens of each query, after truncation, with special tokens."""

    bytes_read: Callable[[int], int] | None = None
    """Takes the number of tokens of a query; returns the bytes of weights that are read for it.

    A weight that every token uses counts once, as if the processor's caches held it. A table of
    embeddings counts only the rows of the query's tokens. It is asked only for the counts of
    ``count_tokens``.
    """

    query_parameters: int | None = None
    """The number of parameters, trained or copied, that turn a query into its vector."""


@runtime_checkable
class Described(QueryEncoder, Protocol):
    """An encoder that tells of itself what only it can know.

    No score depends on it. A leaderboard shows the parameters, and a latency session times the
    stages and shows tokens and bytes. A wrong description is told in one line.
    """

    def describe(self) -> Description:
        """Return what the encoder can tell; it is called after each opening of a row."""
