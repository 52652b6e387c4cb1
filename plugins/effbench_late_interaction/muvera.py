"""MUVERA: one vector for a text's token vectors, whose inner products are close to MaxSim.

Dhulipala, Hadian, Jayaram, Lee and Mirrokni, arXiv 2405.19504. Random planes cut the space
into buckets. A query's vectors in a bucket are added up, a doc's are averaged; in a bucket
without a vector, a doc has its vector from the nearest bucket. So the sum over the buckets of
the inner products is about the sum over the query's vectors of the largest inner product. This
is repeated with other planes, and the vectors of all repetitions stand after each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from msgspec import Meta

from effbench import Doc, EffbenchError, Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench import TokenVectors, Vectors

Count: TypeAlias = Annotated[int, Meta(ge=1)]

BYTES = 1 << 26
"""Memory for the distances of a part of the docs to all buckets."""


class MuveraEncoder:
    """Turn the token vectors of another row into one dense vector: MUVERA.

    ``tokens`` is a row of encoders that makes token vectors. ``bits`` planes make 2^bits
    buckets, and ``repetitions`` are averaged. In each, vectors are projected to ``projection``
    dimensions with random signs, unless they have no more. A vector has repetitions *
    2^bits * projection dimensions: 10,240 by default. ``dims`` hashes them into fewer (a count
    sketch). An inner product is about the MaxSim of the token vectors.
    """

    takes: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(
        self,
        tokens: Encoder,
        *,
        repetitions: Count = 20,
        bits: Annotated[int, Meta(ge=0, le=12)] = 5,
        projection: Count = 16,
        dims: Count | None = None,
        seed: Annotated[int, Meta(ge=0)] = 0,
    ) -> None:
        self._tokens = tokens
        self._options = (repetitions, bits, projection, dims, seed)
        self._encoding: FixedEncoding | None = None

    @staticmethod
    def check(
        *, repetitions: int, bits: int, projection: int, dims: int | None, **_: object
    ) -> None:
        """Raise `EffbenchError` for more dimensions than there can be."""
        most = repetitions * projection << bits
        if dims is not None and dims > most:
            raise EffbenchError(
                f"muvera: dims {dims} is more than repetitions * 2^bits * projection = {most} "
                "(leave it out)"
            )

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), dims]."""
        tokens = self._tokens.encode_queries(queries)
        return self._of(tokens).queries(tokens)

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), dims]."""
        tokens = self._tokens.encode_corpus(docs)
        return self._of(tokens).docs(tokens)

    def _of(self, tokens: TokenVectors) -> FixedEncoding:
        """Return the encoding for vectors of this width, which only vectors can tell."""
        if self._encoding is None:
            self._encoding = FixedEncoding(tokens.shape[1], *self._options)
        return self._encoding


class FixedEncoding:
    """The random planes and projections for token vectors of a width."""

    def __init__(
        self,
        width: int,
        repetitions: int,
        bits: int,
        projection: int,
        dims: int | None,
        seed: int,
    ) -> None:
        import numpy as np

        random = np.random.default_rng(seed)
        self._repetitions, self._bits, self._buckets = repetitions, bits, 1 << bits
        self._planes = random.standard_normal((width, repetitions * bits)).astype(np.float32)
        self._signs = None  # vectors that are narrow enough stay as they are
        self._width = min(width, projection)
        if projection < width:
            signs = random.choice((-1.0, 1.0), (width, repetitions * projection))
            self._signs = (signs / np.sqrt(projection)).astype(np.float32)
        numbers = np.arange(self._buckets)
        self._apart = np.bitwise_count(numbers[:, None] ^ numbers)
        self._sketch = None
        size = repetitions * self._buckets * self._width
        if dims is not None and dims < size:
            self._sketch = _count_sketch(size, dims, random)

    def queries(self, tokens: TokenVectors) -> Vectors:
        """Return float32 [n, dims]: the sums of each bucket."""
        buckets, projected = self._placed(tokens)
        return self._finished(self._sums(tokens, buckets, projected))

    def docs(self, tokens: TokenVectors) -> Vectors:
        """Return float32 [n, dims]: the means of each bucket, or the vector nearest to it."""
        import numpy as np

        return np.concatenate([self._docs(part) for part in self._parts(tokens)])

    def _docs(self, tokens: TokenVectors) -> Vectors:
        import numpy as np

        buckets, projected = self._placed(tokens)
        sums = self._sums(tokens, buckets, projected)
        counts = self._sums(tokens, buckets, np.ones_like(projected[:, :, :1]))
        means = sums / np.maximum(counts, 1)
        # the smallest of (distance, number of the vector), as one number
        count = len(tokens.vectors)
        keys = self._apart[buckets].astype(np.int64) * count
        keys += np.arange(count)[:, None, None]
        nearest = np.minimum.reduceat(keys, tokens.starts[:-1], axis=0) % count
        filled = projected[nearest, np.arange(self._repetitions)[:, None]]
        return self._finished(np.where(counts > 0, means, filled))

    def _placed(self, tokens: TokenVectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the buckets [t, repetitions], and projected vectors [t, repetitions, p]."""
        import numpy as np

        vectors = tokens.vectors
        sides = (vectors @ self._planes > 0).reshape(-1, self._repetitions, self._bits)
        buckets = sides @ (1 << np.arange(self._bits, dtype=np.int64))
        if self._signs is None:
            shape = (len(vectors), self._repetitions, self._width)
            return buckets, np.broadcast_to(vectors[:, None], shape)
        projected = vectors @ self._signs
        return buckets, projected.reshape(-1, self._repetitions, self._width)

    def _sums(
        self,
        tokens: TokenVectors,
        buckets: NDArray[np.int64],
        projected: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return the sums of vectors [n, repetitions, buckets, p]."""
        import numpy as np
        from scipy.sparse import csr_array

        n, repetitions = len(tokens), self._repetitions
        item = np.repeat(np.arange(n), np.diff(tokens.starts))
        place = item[:, None] * repetitions + np.arange(repetitions)
        place = (place * self._buckets + buckets).ravel()
        ones = np.ones(len(place), dtype=np.float32)
        rows = n * repetitions * self._buckets
        adding = csr_array((ones, (place, np.arange(len(place)))), shape=(rows, len(place)))
        sums = adding @ projected.reshape(len(place), -1)
        return sums.reshape(n, repetitions, self._buckets, -1)

    def _finished(self, encoded: NDArray[np.float32]) -> Vectors:
        """Return vectors [n, dims]; the mean of the repetitions, as one inner product."""
        import numpy as np

        flat = encoded.reshape(len(encoded), -1) / np.float32(np.sqrt(self._repetitions))
        return flat if self._sketch is None else np.ascontiguousarray(flat @ self._sketch)

    def _parts(self, tokens: TokenVectors) -> Iterator[TokenVectors]:
        """Yield the vectors of some docs after each other, so that memory is bounded."""
        import numpy as np

        most = max(1, BYTES // (8 * self._repetitions * self._buckets))
        begin = 0
        while begin < len(tokens):
            limit = tokens.starts[begin] + most
            end = int(np.searchsorted(tokens.starts, limit, side="right")) - 1
            end = max(begin + 1, end)
            yield tokens[begin:end]
            begin = end


def _count_sketch(size: int, dims: int, random: np.random.Generator) -> object:
    """Return a matrix [size, dims] of scipy: each number goes to one place, with a sign."""
    import numpy as np
    from scipy.sparse import csr_array

    signs = random.choice((-1.0, 1.0), size).astype(np.float32)
    places = random.integers(dims, size=size)
    return csr_array((signs, places, np.arange(size + 1)), shape=(size, dims))
