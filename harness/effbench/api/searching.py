"""The contracts of indexes and retrievers, and the vectors that they get. No numpy here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from effbench.api.data import Doc, ScoredDoc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.api.arrays import Positions, Vectors

DENSE, SPARSE, TOKENS = "dense", "sparse", "tokens"
"""The kinds of vectors: an encoder ``makes`` one of them, and an index ``takes`` some."""


class VectorSource(Protocol):
    """The vectors of a whole corpus on disk; a slice reads a part of them.

    Types are those of dense vectors. A slice of sparse vectors is a `SparseVectors`, and a
    slice of token vectors a `TokenVectors`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """The number of docs, and the number of dimensions (or words) of a vector."""

    def __len__(self) -> int:
        """Return the number of docs."""

    def __getitem__(self, rows: slice) -> Vectors:
        """Return the vectors of a slice without a step, as float32 [m, d].

        The caller may write into the array: no file changes.
        """

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers on disk: float32, or float16 if the encoder's row says so."""

    def kept(self, rows: slice) -> NDArray[np.floating[Any]]:
        """Return the vectors of a slice with the type ``dtype``, without a conversion."""

    def at(self, rows: Positions) -> Vectors:
        """Return copies of the vectors at some positions, in their order, as float32 [m, d]."""


class Index(Protocol):
    """Finds the vectors with the largest inner products with the vectors of queries.

    A run makes an object from the options of the row, calls ``build`` once for each corpus and
    encoder, and then ``search`` with the queries of a dataset: all at once, or in chunks if
    there are very many queries or docs. Each process that measures latency makes an object of
    its own: it calls ``load`` if the class has it (`Saved`), and else ``build`` again; then it
    calls ``search`` with one query at a time.
    """

    @property
    def nbytes(self) -> int:
        """The memory that searching takes, in bytes; it is read once, after ``build``.

        A plain attribute does. The leaderboard shows it as ``index MB``; without it, as "-".
        """

    def build(self, vectors: VectorSource) -> None:
        """Take all vectors of a corpus; the time of the call is kept in the record.

        ``vectors`` are on disk. A corpus may be larger than memory: read slice by slice.
        """

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 [q, m] and positions int64 [q, m], m <= k, best hit first.

        ``queries`` is float32 [q, d], or of another kind that the class ``takes``. Scores never
        rise within a row, so an index of distances turns them into scores (the negative
        distance). A position counts from 0 in the vectors of ``build``; -1 fills the end of a
        row that has fewer hits. Hits with equal scores may come in any order, because effbench
        orders a run by (score, doc_id), both descending.

        ``search`` may take more keywords, each with a default (``nprobe: int = 8``): they are
        search options. A suite may give several values of each (``search: {nprobe: [1, 8]}``);
        all values use the index that was built once.
        """


class Retriever(Protocol):
    """A whole system from text to hits, such as BM25 or a search server.

    A run makes an object from the options of the row, calls ``index`` once for each corpus, and
    then ``search`` with the queries of a dataset, as an `Index` gets them. Each process that
    measures latency makes an object of its own: it calls ``load`` if the class has it
    (`Saved`), and else ``index`` again; then it calls ``search`` with one query at a time.
    """

    @property
    def nbytes(self) -> int:
        """The memory that searching takes, in bytes; it is read once, after ``index``.

        A plain attribute does. The leaderboard shows it as ``index MB``; without it, as "-".
        """

    def index(self, docs: Iterable[Doc]) -> None:
        """Read all docs of a corpus, once; the time of the call is kept in the record."""

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return a list of at most k hits for each query, best hit first, no doc twice."""


@runtime_checkable
class Saved(Protocol):
    """An index or retriever that saves itself to disk, so that it is built only once."""

    def save(self, folder: Path) -> None:
        """Write all that ``load`` needs into the empty ``folder``, after the building.

        Links may lead only to files inside the folder.
        """

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read the files of ``save`` into a new object, which was not built.

        Other processes and later runs call it in place of building. ``vectors`` are those that
        ``build`` got; a retriever gets None. The files are only read: other processes use them
        at the same time.
        """
