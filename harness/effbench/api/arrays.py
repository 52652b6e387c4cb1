"""The types of arrays in signatures; this module alone of `api` imports numpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Vectors: TypeAlias = NDArray[np.float32]
"""Vectors of one width as an array of numpy in host memory, float32 [n, d]; also scores."""

Positions: TypeAlias = NDArray[np.int64]
"""Positions of vectors in a corpus, counted from 0, as an array of numpy, int64 [q, m]."""

SparseVectors: TypeAlias = "csr_array"
"""Weights of words as a `scipy.sparse.csr_array`, float32 [n, words], all of them above 0."""


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The vectors of some texts, the items: one vector or more for each item.

    Item i has the vectors ``vectors[starts[i]:starts[i + 1]]``.
    """

    vectors: NDArray[np.floating[Any]]
    """Those of all items after each other, float32 [t, d], or float16 as they are kept."""

    starts: NDArray[np.int64]
    """The number of the first vector of each item, and the number of all vectors, [n + 1]."""

    @property
    def shape(self) -> tuple[int, int]:
        """The number of items, and the number of dimensions of a vector."""
        return len(self), self.vectors.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.vectors.dtype

    def astype(self, dtype: Any, *, copy: bool = True) -> TokenVectors:
        """Return the same with another type of number."""
        return TokenVectors(self.vectors.astype(dtype, copy=copy), self.starts)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Yield the vectors of each item, [tokens, d]."""
        return (self[item] for item in range(len(self)))

    @overload
    def __getitem__(self, items: int | np.integer) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, items: slice | NDArray[np.integer]) -> TokenVectors: ...

    def __getitem__(
        self, items: int | np.integer | slice | NDArray[np.integer]
    ) -> NDArray[Any] | TokenVectors:
        """Return the vectors of an item, [tokens, d], by its number; or several items.

        A slice gives views of the same vectors (with a step, a copy), and an array of numbers
        copies. Negative numbers count from the end.
        """
        firsts, ends = self.starts[:-1], self.starts[1:]
        if isinstance(items, int | np.integer):
            return self.vectors[firsts[items] : ends[items]]
        if isinstance(items, slice):
            first, end, step = items.indices(len(self))
            if step == 1:
                starts = self.starts[first : max(first, end) + 1]
                return TokenVectors(self.vectors[starts[0] : starts[-1]], starts - starts[0])
        lengths = (ends - firsts)[items]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(firsts[items] - starts[:-1], lengths) + np.arange(starts[-1])
        return TokenVectors(self.vectors[rows], starts)
