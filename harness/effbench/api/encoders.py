"""The contracts of encoders, and the marks of options.

Nothing here imports numpy or torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from effbench.api.data import Noted as Noted
from effbench.api.data import Paired as Paired
from effbench.api.data import Qrel as Qrel
from effbench.api.data import Query as Query
from effbench.api.data import ScoredDoc as ScoredDoc
from effbench.api.data import Split as Split
from effbench.api.factory import Attributes as Attributes
from effbench.api.factory import Factory as Factory
from effbench.api.searching import Index as Index
from effbench.api.searching import Retriever as Retriever
from effbench.api.searching import Saved as Saved
from effbench.api.searching import VectorSource as VectorSource

if TYPE_CHECKING:
    from effbench.api.arrays import Positions as Positions
    from effbench.api.arrays import Vectors as Vectors

T = TypeVar("T")

ModelId = NewType("ModelId", str)
"""An option that names a model: a local folder, ``package:MODULE/FOLDER`` or a hub id.

A suite may also say ``{trained: ROW}``, the model that a row of ``models`` trains. effbench
checks the name when it plans, and puts the digest of the model's files into the keys. The
factory gets a str: an absolute folder, or the hub id unchanged.
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
        """Return float32 [len(queries), d] in host memory; row i belongs to query i.

        A run calls it with up to 4,096 queries, which the encoder splits as its memory wants.
        Processes that measure latency call it with a list of one query, and this call is on the
        clock: it returns when the vectors are in host memory. A query alone gets the same
        vector as in a batch; a row whose answers differ is marked.
        """


class Encoder(QueryEncoder, Protocol):
    """Turns queries and docs into vectors; the score is the inner product of two vectors.

    These are dense vectors; ``makes`` says what encoders of sparse and token vectors return.

    A run makes an object from the options of the row, and calls it for every dataset. Each
    process that measures latency makes an object of its own. An encoder that wants cosine
    normalises its vectors. An encoder of queries alone is a `QueryEncoder`.

    As the type of an option: the value is the name of a row of ``encoders``, and the factory
    gets that row live; its ``encode_corpus`` is that of the row's ``passages``.
    """

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d] in host memory; row i belongs to doc i.

        A run calls it with up to 4,096 docs, and keeps the vectors on disk; the corpus is
        encoded once for all rows that share it. effbench copies the array, so the next call may
        write into the same memory. All vectors of an encoder have the same width.
        """


READER = "reader.py"
"""The file of an exported folder that encodes queries with few packages; it is optional."""


@runtime_checkable
class Exported(Protocol):
    """An encoder that can be used without effbench; ``effbench export`` calls it."""

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write a model that Sentence Transformers loads into the empty ``folder``.

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
    The leaderboard marks a row that differs more. Only the processes that measure latency
    call these methods, each query from its first word to its last.
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


@runtime_checkable
class Spelling(QueryEncoder, Protocol):
    """An encoder of sparse vectors that tells its words; ``effbench show`` prints them."""

    def words(self, numbers: Sequence[int]) -> list[str]:
        """Return the word of each number; a number is the place of a weight in a vector."""
