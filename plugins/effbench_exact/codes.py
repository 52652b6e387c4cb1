"""Codes: each number of a vector as one byte, and a bound of the error of their products.

A CPU with VNNI multiplies bytes seven times as fast as float32, and a scan of codes reads a
quarter of the memory. A vector v is centre + scale * code + rest. The products of codes are
whole numbers, so they have no rounding error, and the norms of the rests bound the difference
to the exact product. Hits are then chosen by exact scores (``effbench_exact.screen``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import Vectors

    Doubles = NDArray[np.float64]

GRID = 8192
"""Rows that share a bound of the error: one odd vector costs only its neighbours time."""

_ROWS = 1024  # encoded at a time: they stay in the cache
_LARGEST = 127
_WIDEST = (2**31 - 1) // _LARGEST**2  # dimensions whose product of codes is an int32
_FLOAT32 = 2.0**-24  # unit roundoff
_TINY = 1e-15


@lru_cache(maxsize=1)
def available() -> bool:
    """Return whether this CPU multiplies bytes fast, and without saturating on the way."""
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    if supported is None or not supported() or not hasattr(torch, "_int_mm"):
        return False
    largest = torch.full((16, 512), _LARGEST, dtype=torch.int8)
    wanted = 512 * _LARGEST**2
    return bool((torch._int_mm(largest, -largest.T) == -wanted).all())


def fit(width: int) -> bool:
    """Return whether vectors of ``width`` can have codes on this CPU."""
    return 1 < width <= _WIDEST and available()  # torch gives wrong products for 1


class QueryCodes(NamedTuple):
    """Queries as codes. Row i of ``values`` times ``scale[i]`` is the query less its rest."""

    values: Tensor  # int8 [q, d]
    scale: Doubles  # [q]
    offset: Doubles  # [q]: the products with the centre
    norm: Doubles  # [q]: of the query
    rest: Doubles  # [q]: the norm of the rest


class Codes:
    """The codes of ``rows`` vectors of ``width`` dimensions; `put` fills them in order."""

    def __init__(self, rows: int, width: int) -> None:
        self._values = torch.empty((rows, width), dtype=torch.int8)
        self._scale = torch.empty(rows)
        cells = -(-rows // GRID)
        self._rest, self._norm = np.zeros(cells), np.zeros(cells)
        self._centre = np.zeros(width, np.float32)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def usable(self) -> bool:
        """Whether products in float32 have a bound: no number is near the largest one."""
        return bool((self._norm < 1 / _TINY).all())

    @property
    def nbytes(self) -> int:
        """The size in memory."""
        return self._values.nbytes + self._scale.nbytes

    def put(self, start: int, vectors: Vectors) -> None:
        """Encode float32 vectors [m, d], the first of which has the position ``start``."""
        if start == 0:  # any centre is right; a close one makes the rests small
            self._centre = vectors[:GRID].mean(axis=0)
        first = 0
        while first < len(vectors):
            at = start + first
            last = min(len(vectors), first + _ROWS - at % _ROWS)
            self._put_rows(at, vectors[first:last])
            first = last

    def _put_rows(self, start: int, vectors: Vectors) -> None:
        # by numpy: on cores that others use, torch's threads would wait for each other
        rows, cell = slice(start, start + len(vectors)), start // GRID
        vectors = vectors - self._centre
        largest = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))
        scale = np.where(largest == 0, np.float32(1), largest / np.float32(_LARGEST))[:, None]
        codes = np.rint(vectors / scale)
        np.clip(codes, -_LARGEST, _LARGEST, out=codes)
        self._values.numpy()[rows], self._scale.numpy()[rows] = codes, scale[:, 0]
        self._norm[cell] = max(self._norm[cell], largest_norm(vectors))
        codes *= scale
        vectors -= codes
        self._rest[cell] = max(self._rest[cell], largest_norm(vectors))

    def encode(self, queries: Vectors) -> QueryCodes:
        """Encode float32 queries [q, d]."""
        q = queries.astype(np.float64)
        scale = np.abs(q).max(axis=1) / _LARGEST
        scale[scale == 0] = 1.0
        values = np.rint(q / scale[:, None])
        rest = q - values * scale[:, None]
        norm, rest_norm = (np.sqrt(np.vecdot(x, x)) for x in (q, rest))
        codes = torch.from_numpy(values.astype(np.int8))
        return QueryCodes(codes, scale, np.vecdot(q, self._centre), norm, rest_norm)

    def products(
        self, queries: QueryCodes, rows: int
    ) -> Iterator[tuple[int, Vectors, Doubles]]:
        """Yield blocks of ``rows`` vectors: a position, products float32 [q, m], errors [q].

        A product with a vector differs by at most the error from its exact product, less
        ``queries.offset`` and divided by ``queries.scale``.
        """
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            whole = torch._int_mm(queries.values, self._values[part].T)
            yield start, (whole * self._scale[part]).numpy(), self._error(queries, start, rows)

    def _error(self, queries: QueryCodes, start: int, rows: int) -> Doubles:
        cells = slice(start // GRID, (start + rows - 1) // GRID + 1)
        rest, norm = max(self._rest[cells].tolist()), max(self._norm[cells].tolist())
        coded = queries.norm + queries.rest  # bounds the norm of scale * values
        # float32 rounds the products, and the differences to the centre
        rounding = 16 * _FLOAT32 * coded * (norm + rest)
        error: Doubles = coded * rest + queries.rest * norm + rounding
        return error / queries.scale


def largest_norm(vectors: Vectors) -> float:
    """Return a bound of the norms of vectors [n, d], which exceeds the largest by little."""
    with np.errstate(over="ignore", under="ignore"):
        largest = float(np.sqrt(np.vecdot(vectors, vectors).max()))
    if largest < _TINY:  # squares may have become zero
        largest = float(np.sqrt(np.vecdot(vectors, vectors, dtype=np.float64).max()))
    width = int(vectors.shape[1])
    return largest * (1 + (width + 16) * _FLOAT32)
