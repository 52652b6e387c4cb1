"""The index ``usearch``: a graph of neighbours (HNSW), as the library usearch makes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import EffbenchError, VectorSource, hookimpl

if TYPE_CHECKING:
    from effbench import Positions, Vectors

_FILE = "index.usearch"
_ROWS = 65_536  # vectors added at a time: bounds memory
_LARGEST_FLOAT16 = 65_504
_DTYPES = {"float32": "f32", "float16": "f16", "int8": "i8"}  # -> usearch's names
# usearch stretches each vector, whatever its norm, to a norm of 127 before it cuts to int8
_SCALES = {"float32": 1, "float16": 1, "int8": 127**2}

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class UsearchIndex:
    """Search a graph in which each vector has up to ``connectivity`` neighbours in a layer.

    ``expansion_add`` is how many candidates the building keeps for a vector. ``dtype`` is how
    numbers are kept; int8 keeps directions alone, so it suits vectors of norm 1. Several
    ``build_threads`` build another graph each time.
    """

    requires: ClassVar[Mapping[str, str]] = {"usearch": "effbench[usearch]"}

    def __init__(
        self,
        *,
        connectivity: Annotated[int, Meta(ge=2, le=1024)] = 16,
        expansion_add: Count = 128,
        dtype: Literal["float32", "float16", "int8"] = "float32",
        build_threads: Count = 1,
    ) -> None:
        self._connectivity = connectivity
        self._expansion_add = expansion_add
        self._dtype = dtype
        self._build_threads = build_threads

    @property
    def nbytes(self) -> int:
        """The size of the vectors and the graph in bytes, as they are written to disk."""
        return int(self._index.serialized_length)

    def build(self, vectors: VectorSource) -> None:
        """Add the vectors block by block.

        Raises:
            EffbenchError: a number is larger than float16 can be, and ``dtype`` is float16.

        """
        import numpy as np

        self._index = self._new(vectors.shape[1])
        for start in range(0, len(vectors), _ROWS):
            block = np.ascontiguousarray(vectors[start : start + _ROWS], dtype=np.float32)
            if self._dtype == "float16" and (largest := abs(block).max()) > _LARGEST_FLOAT16:
                raise EffbenchError(
                    f"usearch: float16 has no number {largest:.6g} (take another dtype)"
                )
            keys = np.arange(start, start + len(block), dtype=np.uint64)
            self._index.add(keys, block, threads=self._build_threads)

    def search(
        self, queries: Vectors, k: int, *, expansion_search: Count = 64
    ) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        ``expansion_search`` is how many candidates the search keeps. One thread searches.
        """
        import numpy as np

        asked = min(k, len(self._index))
        if not asked or not len(queries):
            nothing = np.empty((len(queries), 0))
            return nothing.astype(np.float32), nothing.astype(np.int64)
        self._index.expansion_search = expansion_search
        hits = self._index.search(np.ascontiguousarray(queries), asked, threads=1)
        # of one query, usearch gives rows without their first dimension, and cut to the hits
        distances, keys = np.atleast_2d(hits.distances), np.atleast_2d(hits.keys)
        counts = hits.counts if len(queries) > 1 else keys.shape[1:]
        positions = keys.astype(np.int64)
        positions[np.arange(positions.shape[1]) >= np.array(counts)[:, None]] = -1
        scores = (1 - distances) / _SCALES[self._dtype]
        return scores.astype(np.float32), positions

    def save(self, folder: Path) -> None:
        """Write the index in usearch's own format."""
        self._index.save(str(folder / _FILE))

    def load(self, folder: Path, vectors: VectorSource) -> None:
        """Read the index that `save` wrote."""
        self._index = self._new(vectors.shape[1])
        self._index.load(str(folder / _FILE))

    def _new(self, width: int) -> Any:
        from usearch.index import Index

        return Index(
            ndim=width,
            metric="ip",
            dtype=_DTYPES[self._dtype],
            connectivity=self._connectivity,
            expansion_add=self._expansion_add,
        )


@hookimpl
def effbench_indexes() -> Mapping[str, type[UsearchIndex]]:
    """Offer ``usearch``."""
    return {"usearch": UsearchIndex}
