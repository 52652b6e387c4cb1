"""Token vectors: the MaxSim of each query with each doc, by block, on the CPU.

A MaxSim is the sum over the query's vectors of the largest inner product with a vector of the
doc. Float32 products and a bound of their error select candidates. An exact score is the same
in float64, rounded to float32; if the order of summation could change the rounded score, the
score is computed again in a fixed order. So it has the same bits in blocks of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from effbench import TokenVectors
from effbench_exact import candidates, keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import Positions, Vectors, VectorSource
    from effbench_exact.candidates import Doubles
    from effbench_exact.keys import Keys

_FEWER = 16
"""A block of token vectors has so many times fewer docs than a block of dense vectors."""

_TOKENS = 256
"""The vectors of queries in one product. More of them would not make it faster."""

_QUERIES = 64
"""Queries whose scores of all docs are in memory at a time."""

_PRODUCTS = 2**18
"""Products of a tile: they stay in the cache."""

_SCORED = 64
"""Docs whose exact scores with a query are computed at a time."""

_SMALLEST = 2.0**-125
"""The error of a float32 product that is too small for the type."""


class TokenSearch:
    """The blocks of docs, which are kept in memory, or read from disk in each search."""

    def __init__(self, source: VectorSource, device: str, block: int, free: int) -> None:
        """Keep the vectors if they fit into ``free`` bytes; ``device`` is not used."""
        self._source, self._rows = source, max(1, block // _FEWER)
        self.nbytes, self._norm = 0, 0.0
        self._held: list[Block] | None = []
        for read in self._read():
            vectors = read.docs.vectors
            self._norm = max(self._norm, float(_norms(vectors).max(initial=0.0)))
            self.nbytes += vectors.nbytes + read.docs.starts.nbytes
            if self.nbytes > free:
                self._held = None
            if self._held is not None:
                self._held.append(read)

    def search(self, queries: TokenVectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores and positions [q, min(k, n)], best first."""
        groups = list(_groups(queries))
        best = [keys.no_hits(len(group)) for group in groups]
        spans = ([block] for block in self._read()) if self._held is None else [self._held]
        for span in spans:
            for i, group in enumerate(groups):
                best[i] = self._merged(best[i], group, span, k)
        return keys.unpack(np.concatenate(best) if best else keys.no_hits(0))

    def _read(self) -> Iterator[Block]:
        kept = getattr(self._source, "kept", self._source.__getitem__)
        for start in range(0, len(self._source), self._rows):
            docs: Any = kept(slice(start, start + self._rows))
            # a copy: read from disk in order, and writable, as torch wants it
            yield Block(start, TokenVectors(np.array(docs.vectors), docs.starts))

    def _merged(self, best: Keys, queries: TokenVectors, span: list[Block], k: int) -> Keys:
        """Return the k best hits among ``best`` and the docs of a span."""
        if not span:
            return best
        norms = np.array([_norms(query).sum() for query in queries]) * self._norm
        d, longest = queries.shape[1], int(np.diff(queries.starts).max(initial=0))
        error = norms * (candidates.product_error(d) + 2.0**-23) + longest * d * _SMALLEST
        approximate = _approximate(queries, span)
        # infinite products bound nothing: the exact scores of all docs decide
        approximate[~np.isfinite(approximate).all(axis=1)] = np.inf
        scores = torch.from_numpy(approximate)
        row, position = candidates.choose(scores, keys.worst_score(best, k), error, k)
        exact = np.empty(len(row), np.float32)
        starts = np.searchsorted(row, np.arange(len(queries) + 1))
        for query, error, pairs in zip(
            queries, norms * candidates.sum_error(d + longest), pairwise(starts), strict=True
        ):
            for first in range(*pairs, _SCORED):
                part = slice(first, min(first + _SCORED, pairs[1]))
                docs = [self._doc(span, place) for place in position[part].tolist()]
                exact[part] = _exact(query.astype(np.float64), docs, error)
        return keys.merge(best, keys.Candidates(row, position, exact), span[0].start, k)

    def _doc(self, span: list[Block], position: int) -> NDArray[Any]:
        block, place = divmod(position, self._rows)
        return span[block].docs[place]


class Block(NamedTuple):
    """Docs from the position ``start`` on."""

    start: int
    docs: TokenVectors


def _groups(queries: TokenVectors) -> Iterator[TokenVectors]:
    """Yield parts of the queries; each has one query or more, and not too many vectors."""
    first = 0
    while first < len(queries):
        most = np.searchsorted(queries.starts, queries.starts[first] + _TOKENS, side="right")
        end = min(max(first + 1, int(most) - 1), first + _QUERIES)
        yield queries[first:end]
        first = end


def _approximate(queries: TokenVectors, span: list[Block]) -> Vectors:
    """Return the scores [q, docs], computed in float32."""
    q = torch.from_numpy(np.array(queries.vectors, dtype=np.float32))
    scores = []
    for docs in (tile for block in span for tile in _tiles(block.docs, len(q))):
        products = (q @ torch.from_numpy(docs.vectors).float().T).numpy()
        maxima = np.maximum.reduceat(products, docs.starts[:-1], axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = [
                maxima[begin:end].sum(axis=0, dtype=np.float64)
                for begin, end in pairwise(queries.starts)
            ]
            scores.append(np.array(sums, dtype=np.float32))
    return np.concatenate(scores, axis=1)


def _tiles(docs: TokenVectors, queries: int) -> Iterator[TokenVectors]:
    """Yield parts of the docs; each has one doc or more, and not too many vectors."""
    first, most = 0, _PRODUCTS // max(1, queries)
    while first < len(docs):
        end = int(np.searchsorted(docs.starts, docs.starts[first] + most, side="right")) - 1
        end = max(first + 1, end)
        yield docs[first:end]
        first = end


def _exact(query: Doubles, docs: list[NDArray[Any]], error: float) -> Vectors:
    """Return the exact score of each doc, float32 [docs]."""
    lengths = [len(doc) for doc in docs]
    products = query @ np.concatenate(docs).astype(np.float64).T
    starts = np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)])
    sums = np.maximum.reduceat(products, starts, axis=1).sum(axis=0)

    def fixed(places: Positions) -> Doubles:
        return np.array([_fixed(query, docs[place]) for place in places.tolist()])

    return candidates.rounded_sums(sums, np.full(len(docs), error), fixed)


def _fixed(query: Doubles, doc: NDArray[Any]) -> float:
    terms = query[:, None] * doc.astype(np.float64)
    products = candidates.pairwise_sum(terms.reshape(-1, query.shape[1]))
    maxima = products.reshape(len(query), len(doc)).max(axis=1)
    return float(candidates.pairwise_sum(maxima[None])[0])


def _norms(vectors: NDArray[Any]) -> Doubles:
    vectors = vectors.astype(np.float64)
    norms: Doubles = np.sqrt(np.vecdot(vectors, vectors))
    return norms
