"""What a plugin sees and what it implements. Nothing here imports numpy or torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
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
        """Return float32 [len(docs), d] in host memory; row i belongs to doc i.

        The harness copies it: the next call may write into the same array.
        """


class VectorSource(Protocol):
    """The vectors of a whole corpus, on disk, read by slices."""

    @property
    def shape(self) -> tuple[int, int]:
        """Docs and width."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Vectors:
        """Read rows (a slice without a step) as float32 [m, d]; no file changes with them."""


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

        Scores never rise within a row: distances are turned into scores. A position is a row of
        ``build``'s vectors; -1 fills rows with fewer hits.
        """


class Retriever(Protocol):
    """A whole system from text to hits: BM25, a search server."""

    @property
    def nbytes(self) -> int:
        """Memory that searching takes, in bytes."""

    def index(self, docs: Iterable[Doc]) -> None: ...

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return up to k hits a query, best first, no doc twice; a list for each."""


@runtime_checkable
class Saved(Protocol):
    """An index or retriever that can be kept on disk, so that it is built only once."""

    def save(self, folder: Path) -> None:
        """Write everything into the empty ``folder``."""

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Take back what ``save`` wrote; ``vectors`` are those of ``build``."""


class Factory(Protocol):
    """What a plugin offers: a class, or a function that makes an instance.

    Its signature and annotations are the schema of its options, `msgspec.Meta` in an
    annotation their bounds. Optional attributes:

    - ``requires``: mapping of modules it imports to what pip installs for them
      (``{"faiss": "effbench[faiss-cpu]"}``); checked when the suite is planned.
    - ``version``: an int in its keys (1 when absent), raised when the same options give
      other numbers.
    - ``together``: True for a trainer that all processes of torchrun call at once, with one
      folder, to share out its batches; others are called in one process.
    - ``latency``: False for what looks up answers that were found elsewhere: no session
      measures it.
    - ``check``: a static method that takes the same options, less those that name rows or
      data, and raises `EffbenchError` when they make no sense; quick, called when planning.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Any: ...


READER = "reader.py"
"""The light reader of an exported folder, if it has any."""


@runtime_checkable
class Exported(Protocol):
    """An encoder that can be deployed without effbench's harness (``effbench export``)."""

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write into the empty ``folder`` what `SentenceTransformer` loads as it is.

        A ``README.md`` that says what it is and how it is used gets what effbench knows of the
        row. A file `READER` is a module whose ``Encoder(folder).encode(texts)`` gives vectors
        of queries without that library.

        ``passages`` is what the row of the passages has exported; it may be moved away. None
        when the encoder encodes passages itself.
        """


@runtime_checkable
class IncrementalQueryEncoder(QueryEncoder, Protocol):
    """A query encoder that reads the query while it is typed.

    ``finish`` gives the same vector as ``encode_queries`` of the whole text: to 1e-5, or where
    inputs are quantised to 5 % of its length (a row that is further off is marked).
    """

    def start(self) -> Any:
        """Return the state before the first character."""

    def advance(self, state: Any, text: str) -> Any:
        """Return the state after reading the finished words of ``text``, the text so far."""

    def finish(self, state: Any, text: str) -> Vectors:
        """Read what is left of ``text`` and return its vector, float32 [1, d]."""


@runtime_checkable
class StagedQueryEncoder(QueryEncoder, Protocol):
    """A query encoder that can tell where its time goes."""

    def query_stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages of ``encode_queries`` in order: name -> what it does.

        The first takes the list of texts, each other one what the one before returned; the last
        returns the vectors. Usual names: tokenise, forward, pool, copy. On a GPU a stage may
        return before it has finished: whoever times it waits for the device.
        """


@runtime_checkable
class CountingQueryEncoder(QueryEncoder, Protocol):
    """A query encoder that can tell how much it reads."""

    def count_tokens(self, queries: Sequence[str]) -> list[int]:
        """Return the tokens that are read of each query, special ones and a cut included."""

    def bytes_read(self, tokens: int) -> int:
        """Return the bytes of weights that encoding one query of so many tokens reads.

        A weight that is used for each token counts once, as if the caches held it; of a table
        of embeddings only the rows of the tokens count.
        """
