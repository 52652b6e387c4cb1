"""Sparse vectors: each query adds up the weights of its words, from lists of docs by word.

A score is the float64 sum of the products in the order of the words, rounded to float32. So it
has the same bits in blocks of any size, in memory and from disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from effbench_exact import keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import Positions, SparseVectors, Vectors, VectorSource
    from effbench_exact.keys import Keys

    Doubles = NDArray[np.float64]

_LARGER = 16
"""A block of sparse vectors has so many times the docs of a block of dense ones."""


class SparseSearch:
    """The lists of docs, which are kept in memory, or made from disk in each search."""

    def __init__(self, vectors: VectorSource, device: str, block: int, free: int) -> None:
        """Keep the lists if they fit into ``free`` bytes; sparse vectors need no ``device``."""
        self._source, self._rows = vectors, block * _LARGER
        self.nbytes = 0
        self._held: list[Lists] | None = []
        for lists in self._read():
            self.nbytes += lists.nbytes
            if self.nbytes > free:
                self._held = None
            if self._held is not None:
                self._held.append(lists)

    def search(self, queries: SparseVectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores and positions [q, up to k]; -1 fills the rows of queries with fewer."""
        if not queries.has_canonical_format:
            queries = queries.copy()
            queries.sum_duplicates()
        none = np.empty(0, np.int64)
        best = [none] * queries.shape[0]
        asked = [queries[row : row + 1] for row in range(len(best))]
        for lists in self._read() if self._held is None else self._held:
            for row, query in enumerate(asked):
                scores = lists.sums(query.indices, query.data).astype(np.float32)
                best[row] = _merged(best[row], scores, lists.start, k)
        return keys.unpack_lists(best)

    def _read(self) -> Iterator[Lists]:
        for start in range(0, len(self._source), self._rows):
            yield Lists.of(start, self._source[start : start + self._rows])


class Lists(NamedTuple):
    """The docs of each word in a block, and the word's weights in them."""

    start: int
    size: int
    begins: NDArray[Any]  # [words + 1]: where the list of each word begins
    docs: NDArray[Any]
    weights: Vectors

    @classmethod
    def of(cls, start: int, block: Any) -> Lists:
        """Make the lists of a csr_array; ``start`` is the position of its first doc."""
        by_word = block.tocsc()
        begins = by_word.indptr.astype(np.int64)
        docs = by_word.indices.astype(np.int32, copy=False)
        return cls(start, block.shape[0], begins, docs, by_word.data)

    @property
    def nbytes(self) -> int:
        """Their size in bytes."""
        return self.begins.nbytes + self.docs.nbytes + self.weights.nbytes

    def sums(self, words: NDArray[Any], weights: Vectors) -> Doubles:
        """Return the score of each doc [size] for the words of a query, in their order."""
        begins, ends = self.begins[words].tolist(), self.begins[words + 1].tolist()
        count = sum(ends) - sum(begins)
        docs, products, done = np.empty(count, np.intp), np.empty(count), 0
        weight: float
        for weight, begin, end in zip(weights.tolist(), begins, ends, strict=True):
            part = slice(done, done := done + end - begin)
            docs[part] = self.docs[begin:end]
            np.multiply(self.weights[begin:end], weight, out=products[part], dtype=np.float64)
        sums: Doubles = np.bincount(docs, products, minlength=self.size)  # type: ignore[assignment]
        return sums


def _merged(best: Keys, scores: Vectors, start: int, k: int) -> Keys:
    """Return the k best keys among ``best`` and those of a block; a score of 0 is no hit."""
    # hits of earlier blocks come before equal ones of this block
    floor = keys.worst_score(best[None], k)[0]
    chosen = np.flatnonzero(scores > max(floor, 0))
    if len(chosen) > k:
        scores_of = scores[chosen]
        kth = np.partition(scores_of, -k)[-k]
        chosen = chosen[scores_of >= kth]
    new = keys.pack(scores[chosen], chosen + start)
    best = np.concatenate([best, new])
    return np.partition(best, -k)[-k:] if len(best) > k else best
