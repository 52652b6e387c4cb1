"""Fixed-dimension encodings of MUVERA: vectors whose inner products are about MaxSim.

A query's vectors in a bucket are added up, a doc's are averaged; in a bucket without a vector,
a doc has its vector from the nearest bucket. So the inner product of a bucket's parts is about
the sum of the best inner products of the query's vectors in that bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import TokenVectors, Vectors

BYTES = 1 << 26
"""Memory for the distances of some docs' vectors to all buckets."""


class FixedEncoding:
    """The random planes and signs for token vectors of a width."""

    def __init__(
        self,
        width: int,
        repetitions: int,
        bits: int,
        projection: int,
        dims: int | None,
        seed: int,
    ) -> None:
        random = np.random.default_rng(seed)
        self._repetitions, self._bits, self._buckets = repetitions, bits, 1 << bits
        self.planes = random.standard_normal((width, repetitions * bits)).astype(np.float32)
        self._width = min(width, projection)
        self.signs: NDArray[np.float32] | None = None  # narrow vectors stay as they are
        if projection < width:
            signs = random.choice((-1.0, 1.0), (width, repetitions * projection))
            self.signs = (signs / np.sqrt(projection)).astype(np.float32)
        numbers = np.arange(self._buckets)
        self._apart = np.bitwise_count(numbers[:, None] ^ numbers).astype(np.int64)
        size = repetitions * self._buckets * self._width
        self._sketch = _count_sketch(size, dims, random) if dims and dims < size else None

    def queries(self, tokens: TokenVectors) -> Vectors:
        """Return float32 [n, dims]: the sum of the vectors in each bucket."""
        buckets, projected = self._placed(tokens)
        return self._joined(self._sums(tokens, buckets, projected))

    def docs(self, tokens: TokenVectors) -> Vectors:
        """Return float32 [n, dims]: the mean of each bucket, or the vector nearest to it."""
        return np.concatenate([self._docs(part) for part in self._parts(tokens)])

    def _docs(self, tokens: TokenVectors) -> Vectors:
        buckets, projected = self._placed(tokens)
        sums = self._sums(tokens, buckets, projected)
        counts = self._sums(tokens, buckets, np.ones_like(projected[:, :, :1]))
        # the smallest pair of a distance and the number of a vector, as one number
        count = len(tokens.vectors)
        pairs = self._apart[buckets] * count + np.arange(count)[:, None, None]
        nearest = np.minimum.reduceat(pairs, tokens.starts[:-1], axis=0) % count
        filling = projected[nearest, np.arange(self._repetitions)[:, None]]
        return self._joined(np.where(counts > 0, sums / np.maximum(counts, 1), filling))

    def _placed(self, tokens: TokenVectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the buckets [t, repetitions], and projected vectors [t, repetitions, p]."""
        vectors: NDArray[Any] = tokens.vectors
        sides = vectors @ self.planes > 0
        sides = sides.reshape(len(vectors), self._repetitions, self._bits)
        buckets = sides @ (1 << np.arange(self._bits, dtype=np.int64))
        if self.signs is None:
            shape = (len(vectors), self._repetitions, self._width)
            return buckets, np.broadcast_to(vectors[:, None], shape)
        projected = vectors @ self.signs
        return buckets, projected.reshape(-1, self._repetitions, self._width)

    def _sums(
        self,
        tokens: TokenVectors,
        buckets: NDArray[np.int64],
        projected: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return the sums of the vectors in each bucket, [n, repetitions, buckets, p]."""
        from scipy.sparse import csr_array

        items, each = len(tokens), np.arange(self._repetitions)
        item = np.repeat(np.arange(items), np.diff(tokens.starts))
        part = item[:, None] * self._repetitions + each
        places = (part * self._buckets + buckets).ravel()
        ones, columns = np.ones(places.size, dtype=np.float32), np.arange(places.size)
        shape = (items * self._repetitions * self._buckets, places.size)
        adding = csr_array((ones, (places, columns)), shape=shape)
        sums: NDArray[np.float32] = adding @ projected.reshape(places.size, -1)
        return sums.reshape(items, self._repetitions, self._buckets, -1)

    def _joined(self, parts: NDArray[np.float32]) -> Vectors:
        """Return vectors [n, dims], whose inner product is the mean over the repetitions."""
        flat = parts.reshape(len(parts), -1) / np.float32(np.sqrt(self._repetitions))
        return flat if self._sketch is None else np.ascontiguousarray(flat @ self._sketch)

    def _parts(self, tokens: TokenVectors) -> Iterator[TokenVectors]:
        """Yield the vectors of some docs after each other, so that memory is bounded."""
        most = max(1, BYTES // (8 * self._repetitions * self._buckets))
        begin = 0
        while begin < len(tokens):
            limit = tokens.starts[begin] + most
            end = int(np.searchsorted(tokens.starts, limit, side="right")) - 1
            end = max(begin + 1, end)  # a doc may have more
            yield tokens[begin:end]
            begin = end


def _count_sketch(size: int, dims: int, random: np.random.Generator) -> Any:
    """Return a sparse matrix [size, dims]: a number goes to one random place, with a sign."""
    from scipy.sparse import csr_array

    signs = random.choice((-1.0, 1.0), size).astype(np.float32)
    places = random.integers(dims, size=size)
    return csr_array((signs, places, np.arange(size + 1)), shape=(size, dims))
