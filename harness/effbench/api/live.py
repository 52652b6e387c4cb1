"""The contracts of live rows: what a factory gets for an option that names such a row.

The harness plans the steps of the row, opens them, and hands over the object. It checks what
the row's plugin answers, and an error names that plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from effbench.api.data import ScoredDoc
    from effbench.api.encoders import Vectors


class Searcher(Protocol):
    """The value of an option that names a row which searches the corpus of the cell's dataset.

    In a suite, it is the name of a row of ``retrievers``, or
    ``{row: ENCODER, index: INDEX, search: {OPTION: VALUE}}``: a row of ``encoders`` through a
    row of ``indexes``. Without ``search``, the index searches with its defaults.
    """

    @property
    def nbytes(self) -> int:
        """The memory that searching takes, in bytes; 0 if the row's plugin does not tell it."""

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return a list of at most k hits for each query, best hit first, no doc twice.

        The order is (score, doc_id), both descending, as in every run of effbench. A query's
        hit on itself is among them: only the harness drops it, from the hits of the cell.
        """


class EncodedCorpus(Protocol):
    """The value of an option that names a row of ``encoders``, with the vectors of its corpus.

    The corpus is that of the cell's dataset. It is encoded once for all rows that use it. Types
    are those of dense vectors; a row of another kind gives `SparseVectors` or `TokenVectors`.
    """

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i."""

    def vectors(self, doc_ids: Sequence[str]) -> Vectors:
        """Return the stored vectors of docs, float32 [len(doc_ids), d], read from disk.

        Raises:
            KeyError: the corpus has no such doc.

        """
