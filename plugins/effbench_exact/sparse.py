"""Sparse vectors: the sums of a query's weights times those of each doc, by block, on the CPU.

A score is the float64 sum of the products in the order of the words, rounded to float32. (A
product of two float32 numbers has no rounding error in float64.) So it has the same bits in
blocks of any size, by lists of docs or by doc, in memory and from disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from effbench_exact import keys

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import Positions, SparseVectors, Vectors, VectorSource
    from effbench_exact.keys import Keys

    Doubles = NDArray[np.float64]

_LARGER = 8
"""A block of sparse vectors has so many times the docs of a block of dense vectors."""

_FEW = 8
"""So many queries are faster with docs as they are on disk than with lists made of them."""


_SUMS = 2**15
"""Sums that are made together: they stay in the cache."""

_LONG = 512
"""Lists of so many docs on average are added up one by one."""


class SparseSearch:
    """The lists of docs of all words, which are kept in memory, or made in each search."""

    def __init__(self, vectors: VectorSource, device: str, block: int, free: int) -> None:
        """Keep the lists if they fit into ``free`` bytes; ``device`` is not used."""
        self._source, self._rows = vectors, block * _LARGER
        self.nbytes = 0
        self._held: list[Lists] | None = []
        for docs in self._read():
            self.nbytes += Lists.size(docs.vectors)
            if self.nbytes > free:
                self._held = None
            if self._held is not None:
                self._held.append(docs.by_word())

    def search(self, queries: SparseVectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores and positions [q, up to k]; -1 fills the rows of queries with fewer."""
        if not queries.has_canonical_format:
            queries = queries.copy()
            queries.sum_duplicates()
        asked = Asked(queries.indices, queries.data, queries.indptr)
        best: list[Keys] = [np.empty(0, np.int64) for _ in range(queries.shape[0])]
        for block in self._blocks(len(best)):
            for row, scores in enumerate(block.scores(asked)):
                best[row] = _merged(best[row], scores, block.start, k)
        return keys.unpack_lists(best)

    def _blocks(self, queries: int) -> Iterable[Docs | Lists]:
        if self._held is not None:
            return self._held
        return self._read() if queries <= _FEW else (docs.by_word() for docs in self._read())

    def _read(self) -> Iterator[Docs]:
        for start in range(0, len(self._source), self._rows):
            yield Docs(start, self._source[start : start + self._rows])


class Docs(NamedTuple):
    """The vectors of a block, as a csr_array [docs, words]."""

    start: int
    """The position of the first doc."""

    vectors: Any

    def scores(self, queries: Asked) -> Iterator[Vectors]:
        """Yield the score of each doc [docs] for each query."""
        vectors = self.vectors.astype(np.float64)
        for begin, end in pairwise(queries.starts):
            query = np.zeros(vectors.shape[1])
            query[queries.words[begin:end]] = queries.weights[begin:end]
            yield (vectors @ query).astype(np.float32)  # scipy adds in the order of words

    def by_word(self) -> Lists:
        """Return the same as lists."""
        lists = self.vectors.tocsc()
        docs = torch.from_numpy(lists.indices.astype(np.int32, copy=False))
        begins = lists.indptr.astype(np.int64)
        weights = torch.from_numpy(lists.data.astype(np.float64))
        return Lists(self.start, lists.shape[0], begins, docs, weights)


class Lists(NamedTuple):
    """The docs of each word in a block, and the word's weights in them."""

    start: int
    docs_count: int
    begins: Positions  # [words + 1]: where the list of each word begins
    docs: Tensor  # int32: counted from 0 in the block
    weights: Tensor  # float64, so that no product takes a conversion

    @staticmethod
    def size(vectors: Any) -> int:
        """Return the bytes of the lists of a csr_array."""
        return 12 * int(vectors.nnz) + 8 * (int(vectors.shape[1]) + 1)

    def scores(self, queries: Asked) -> Iterator[Vectors]:
        """Yield the score of each doc [docs] for each query."""
        step = max(1, _SUMS // max(1, self.docs_count))
        for first in range(0, len(queries.starts) - 1, step):
            part = queries.part(first, first + step)
            begins, ends = self.begins[part.words], self.begins[part.words + 1]
            long = (ends - begins).sum() > _LONG * len(part.words)
            sums = (self._by_list if long else self._at_once)(part, begins, ends)
            yield from sums.reshape(-1, self.docs_count).astype(np.float32)

    def _by_list(self, queries: Asked, begins: Positions, ends: Positions) -> Doubles:
        """Return the sums [queries * docs], list by list."""
        sums = torch.zeros((len(queries.starts) - 1, self.docs_count), dtype=torch.float64)
        arrays = queries.rows(), queries.weights, begins, ends
        for row, weight, begin, end in zip(*(x.tolist() for x in arrays), strict=True):
            sums[row].index_add_(0, self.docs[begin:end], self.weights[begin:end], alpha=weight)
        array: Doubles = sums.numpy()
        return array

    def _at_once(self, queries: Asked, begins: Positions, ends: Positions) -> Doubles:
        """Return the same: a list of few docs takes less time than a call for it."""
        lengths = ends - begins
        before = np.cumsum(lengths) - lengths
        places = np.repeat(begins - before, lengths)
        places += np.arange(len(places))
        products = np.repeat(queries.weights.astype(np.float64), lengths)
        products *= self.weights.numpy()[places]
        docs = np.repeat(queries.rows() * self.docs_count, lengths)
        docs += self.docs.numpy()[places]
        size = (len(queries.starts) - 1) * self.docs_count
        sums: Doubles = np.bincount(docs, products, minlength=size)  # type: ignore[assignment]
        return sums


class Asked(NamedTuple):
    """Queries: the words of query i are ``words[starts[i]:starts[i + 1]]``, in order."""

    words: NDArray[Any]
    weights: Vectors
    starts: NDArray[Any]

    def part(self, first: int, end: int) -> Asked:
        """Return some of the queries."""
        starts = self.starts[first : end + 1]
        words = slice(starts[0], starts[-1])
        return Asked(self.words[words], self.weights[words], starts - starts[0])

    def rows(self) -> Positions:
        """Return the number of the query of each word."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


def _merged(best: Keys, scores: Vectors, start: int, k: int) -> Keys:
    """Return the k best keys among ``best`` and those of a block; a score of 0 is no hit."""
    # hits of earlier blocks come before equal ones of this block
    floor = keys.worst_score(best[None], k)[0]
    chosen = np.flatnonzero(scores > max(floor, 0))
    if len(chosen) > k:
        likely = scores[chosen]
        chosen = chosen[likely >= np.partition(likely, -k)[-k]]
    best = np.concatenate([best, keys.pack(scores[chosen], chosen + start)])
    return np.partition(best, -k)[-k:] if len(best) > k else best
