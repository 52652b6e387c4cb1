"""The encoder and the dataset ``vectors``: vectors that exist already, in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from effbench import Doc, EffbenchError, QueryOnly, hookimpl
from effbench_vectors.columns import IDS, TEXTS, Columns
from effbench_vectors.dataset import VectorsDataset

if TYPE_CHECKING:
    from effbench import Vectors


class PublishedVectors:
    """Look vectors up that somebody has published, in place of encoding.

    ``path`` is a file or a folder with the vectors of docs: ``.parquet``; ``.npy`` with a file
    of ids beside each (``NAME.ids``, one a line); or ``.fbin``, ``.f16bin``, ``.u8bin`` and
    ``.i8bin`` of big-ann-benchmarks, where an id is a row number. Docs are found by their ids,
    in any order; the files may have more docs than the corpus.

    ``queries`` is a file or folder of the same kind with the vectors of queries, which are
    found by their texts. Without it, the row has no cells of its own: other rows name it as
    their ``passages``, and bring the query side.

    ``id_column``, ``vector_column`` and ``text_column`` name the columns of parquet files; the
    usual names are known. ``normalize`` divides all vectors by their norms. ``metric: l2`` is
    for vectors whose nearest are those at the least distance: a doc gets one number more,
    -|x|^2 / 2, and a query the number 1, so that inner products rank by distance.

    Raises:
        EffbenchError: a file is damaged, or a doc or query has no vector.

    """

    by_id: ClassVar[bool] = True
    requires: ClassVar[Mapping[str, str]] = {"pyarrow": "effbench[vectors]"}

    def __init__(
        self,
        *,
        path: Path,
        queries: QueryOnly[Path] | None = None,
        normalize: bool = False,
        metric: Literal["ip", "l2"] = "ip",
        id_column: str | None = None,
        vector_column: str | None = None,
        text_column: QueryOnly[str] | None = None,
    ) -> None:
        from effbench_vectors.published import Published

        self._docs = Published(path, Columns(id_column, vector_column, IDS), "docs")
        by_text = Columns(text_column, vector_column, TEXTS, "text_column")
        self._queries = Published(queries, by_text, "queries") if queries else None
        self._normalize, self._l2 = normalize, metric == "l2"

    @staticmethod
    def check(*, path: Path, queries: Path | None, **_: object) -> None:
        """Raise `EffbenchError` for files that are missing, cut off or without names."""
        from effbench_vectors.published import check_files

        for place in filter(None, (path, queries)):
            check_files(place)

    @staticmethod
    def passages_only(*, queries: Path | None, **_: object) -> bool:
        """Tell whether a row has no vectors of queries."""
        return queries is None

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return the vectors of docs, float32 [n, d]."""
        import numpy as np

        vectors = self._made(self._docs.of([doc.doc_id for doc in docs]))
        if not self._l2:
            return vectors
        halves = -np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64) / 2
        return np.column_stack([vectors, halves.astype(np.float32)])

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return the vectors of queries, float32 [n, d]."""
        import numpy as np

        if self._queries is None:
            raise EffbenchError("vectors: no vectors of queries (give queries: FILE)")
        vectors = self._made(self._queries.of(queries))
        if not self._l2:
            return vectors
        return np.column_stack([vectors, np.ones(len(vectors), np.float32)])

    def _made(self, vectors: Vectors) -> Vectors:
        import numpy as np

        if not self._normalize:
            return vectors
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)


@hookimpl
def effbench_encoders() -> Mapping[str, type[PublishedVectors]]:
    """Offer ``vectors``."""
    return {"vectors": PublishedVectors}


@hookimpl
def effbench_datasets() -> Mapping[str, type[VectorsDataset]]:
    """Offer ``vectors``."""
    return {"vectors": VectorsDataset}
