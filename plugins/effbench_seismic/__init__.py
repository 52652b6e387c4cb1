"""The index ``seismic``: approximate search of sparse vectors in lists of similar docs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta

from effbench import EffbenchError, VectorSource, hookimpl

if TYPE_CHECKING:
    from effbench import Positions, SparseVectors, Vectors

_ROWS = 65_536  # docs added at a time
_LARGEST = 65_504.0  # of float16
_SHORT = 2**16  # words whose numbers take two bytes

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class SeismicIndex:
    """Search an index of the package ``pyseismic-lsr``.

    A word's list keeps the docs with the largest weights, ``n_postings`` on average. It is cut
    into groups of similar docs: ``centroid_fraction`` of the list is the number of groups, and
    a group has ``min_cluster_size`` docs or more. Each group has a summary, which keeps
    ``summary_energy`` of its weights. With ``neighbours``, the index also knows so many nearest
    docs of each doc. ``build_threads`` threads build it. Groups begin with docs that are drawn
    without a seed, so each index that is built is another one.

    Weights are kept as float16, and scores are those of the rounded weights.

    Raises:
        EffbenchError: a weight is larger than float16 can be.

    """

    requires: ClassVar[Mapping[str, str]] = {"seismic": "effbench[seismic]"}
    takes: ClassVar[tuple[str, ...]] = ("sparse",)

    def __init__(
        self,
        *,
        n_postings: Count = 3500,
        centroid_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.1,
        min_cluster_size: Count = 2,
        summary_energy: Annotated[float, Meta(gt=0, le=1)] = 0.4,
        neighbours: Annotated[int, Meta(ge=0)] = 0,
        build_threads: Count = 1,
    ) -> None:
        self._building = {
            "n_postings": n_postings,
            "centroid_fraction": centroid_fraction,
            "min_cluster_size": min_cluster_size,
            "summary_energy": summary_energy,
            "nknn": neighbours,
            "num_threads": build_threads,
        }
        self._neighbours = neighbours
        self._index: Any = None
        self._nbytes: int | None = None

    @property
    def nbytes(self) -> int:
        """The size of the index in bytes, as it is written to disk."""
        if self._nbytes is None:
            with tempfile.TemporaryDirectory() as folder:
                self.save(Path(folder))
        return self._nbytes or 0

    def build(self, vectors: VectorSource) -> None:
        """Add the vectors block by block, and build the lists.

        Raises:
            EffbenchError: a weight is larger than float16 can be.

        """
        n, words = vectors.shape
        dataset, index = _classes(_size(words))
        docs = dataset(dim=words)
        for start in range(0, n, _ROWS):
            _add(docs, start, vectors[start : start + _ROWS])
        with _quiet():
            self._index = index.build_from_dataset(docs, **self._building)

    def search(
        self,
        queries: SparseVectors,
        k: int,
        *,
        query_cut: Count = 10,
        heap_factor: Annotated[float, Meta(gt=0, le=1)] = 0.8,
        neighbours: Annotated[int, Meta(ge=0)] = 0,
    ) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, k]; -1 fills a row.

        Only the lists of the ``query_cut`` heaviest words of a query are searched. A group is
        left out if its summary scores less than the k-th best hit divided by ``heap_factor``.
        Then so many ``neighbours`` of each hit are scored.

        Raises:
            EffbenchError: the index was built with fewer neighbours.

        """
        import numpy as np
        import seismic

        if neighbours > self._neighbours:
            raise EffbenchError(
                f"seismic: neighbours is {neighbours}, and the index knows {self._neighbours} "
                "(build it with as many)"
            )
        options = {"query_cut": query_cut, "heap_factor": heap_factor, "n_knn": neighbours}
        scores = np.zeros((queries.shape[0], k), np.float32)
        positions = np.full(scores.shape, -1, np.int64)
        for row, (begin, end) in enumerate(pairwise(queries.indptr.tolist())):
            # words are numbers to us, and texts to the package
            words = queries.indices[begin:end].astype(seismic.get_seismic_string())
            hits = self._index.search("", words, queries.data[begin:end], k=k, **options)
            for rank, (_, score, position) in enumerate(hits):
                if score > 0:
                    scores[row, rank], positions[row, rank] = score, int(position)
        return scores, positions

    def save(self, folder: Path) -> None:
        """Write the index in the format of ``pyseismic-lsr``, which holds numbers alone."""
        with _quiet():
            self._index.save(str(folder / _size(self._index.dim)))
        (path,) = folder.iterdir()
        self._nbytes = path.stat().st_size

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read the index that `save` wrote."""
        (path,) = folder.iterdir()
        _, index = _classes(path.name.partition(".")[0])
        with _quiet():
            self._index = index.load(str(path))
        self._nbytes = path.stat().st_size


def _size(words: int) -> str:
    return "short" if words <= _SHORT else "long"


def _classes(size: str) -> tuple[Any, Any]:
    """Return the classes of datasets and of indexes whose numbers of words have this size."""
    import seismic

    if size == "short":
        return seismic.SeismicDataset, seismic.SeismicIndex
    return seismic.SeismicDatasetLV, seismic.SeismicIndexLV


def _add(docs: Any, start: int, block: SparseVectors) -> None:
    import numpy as np

    if block.data.max(initial=0) > _LARGEST:
        raise EffbenchError(
            f"seismic: a weight is {block.data.max():g}, and float16 ends at {_LARGEST:g} "
            "(make the weights smaller)"
        )
    names = [str(position) for position in range(start, start + block.shape[0])]
    words, starts = block.indices.astype(np.int64), block.indptr.astype(np.int64)
    docs.add_documents_by_id(names, words, block.data, starts)


@contextmanager
def _quiet() -> Iterator[None]:
    """Send what the package's Rust code writes to standard output nowhere."""
    output = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(output, 1)
        os.close(nowhere)
        os.close(output)


@hookimpl
def effbench_indexes() -> Mapping[str, type[SeismicIndex]]:
    """Offer ``seismic``."""
    return {"seismic": SeismicIndex}
