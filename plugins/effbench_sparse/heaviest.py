"""Sparse vectors of dense ones, and the heaviest words of a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import SparseVectors


def sparse_rows(dense: NDArray[np.float32]) -> SparseVectors:
    """Return the numbers of an array [n, words] that are not 0, in the order of the words."""
    rows, words = np.nonzero(dense)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(dense)))])
    return csr_array((dense[rows, words], words, starts), shape=dense.shape)


def heaviest(vectors: SparseVectors, count: int | None) -> SparseVectors:
    """Return vectors with at most ``count`` words each, those with the largest weights.

    Among words of equal weight, the first ones of the vocabulary are kept. None keeps all.
    ``vectors`` has the words of each row in order.
    """
    if count is None:
        return vectors
    starts: Any = vectors.indptr
    keep = np.ones(len(vectors.data), dtype=bool)
    for row in np.flatnonzero(np.diff(starts) > count):
        weights = vectors.data[starts[row] : starts[row + 1]]
        order = np.argsort(-weights, kind="stable")
        keep[starts[row] + order[count:]] = False
    kept = np.concatenate([[0], np.cumsum(keep)])[starts]
    return csr_array((vectors.data[keep], vectors.indices[keep], kept), shape=vectors.shape)
