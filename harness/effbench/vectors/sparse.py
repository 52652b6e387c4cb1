"""Sparse vectors: the weights of words, as a `scipy.sparse.csr_array`, float32 [n, words]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from effbench.vectors.dense import fits, shown
from effbench.vectors.unfit import Unfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.api.arrays import SparseVectors

_FLOAT32 = np.dtype(np.float32)
_WANTED = "an array of scipy.sparse, floats [n, words], is wanted"

_MOST_WORDS = 2**31 - 1
"""The files keep the number of a word as int32."""


class Sparse:
    """A `VectorKind`. The weights of a row are in the order of its words, and none is 0."""

    suffixes = (".weights.npy", ".words.npy", ".starts.npy")
    fraction = 1

    def taken(self, answer: Any) -> Any:
        """Return the answer as a new csr_array; what it is if that is not possible."""
        from scipy import sparse

        if not sparse.issparse(answer) or answer.ndim != 2:
            return f"a {type(answer).__name__}"
        try:
            if hasattr(answer, "check_format"):  # scipy would read outside of the arrays
                answer.check_format(full_check=True)
        except ValueError as error:
            return f"a broken {type(answer).__name__}: {error}"
        return sparse.csr_array(answer, copy=True)

    def checked(self, taken: Any, items: str, count: int) -> SparseVectors:
        """Return a csr_array in its canonical form; all weights are above 0."""
        if isinstance(taken, str):
            raise Unfit(taken, _WANTED)
        if taken.dtype.kind != "f" or taken.shape[1] == 0:
            raise Unfit(f"{taken.dtype} {list(taken.shape)}", _WANTED)
        if taken.shape[0] != count:
            raise Unfit(f"{taken.shape[0]} rows for {items}", "one row each, in order")
        if taken.shape[1] > _MOST_WORDS:
            raise Unfit(f"a vocabulary of {taken.shape[1]:,}", f"{_MOST_WORDS:,} words at most")
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            vectors: SparseVectors = taken.astype(np.float32)
        vectors.sum_duplicates()
        vectors.eliminate_zeros()
        _refuse(vectors, ~np.isfinite(vectors.data), "NaN or infinity", "finite numbers are")
        _refuse(vectors, vectors.data < 0, "a negative weight", "weights from 0 on are")
        vectors.indices = vectors.indices.astype(np.int32, copy=False)
        vectors.indptr = vectors.indptr.astype(np.int32, copy=False)
        return vectors

    def hosted(self, answer: Any, shape: tuple[int, int | None]) -> SparseVectors:
        """Return a csr_array."""
        from scipy.sparse import csr_array, issparse

        if type(answer) is not csr_array or answer.dtype is not _FLOAT32:
            if not issparse(answer) or answer.ndim != 2 or answer.dtype.kind != "f":
                raise Unfit(f"a {type(answer).__name__}", _WANTED)
            answer = csr_array(answer, dtype=_FLOAT32)
        if answer.ndim != 2 or not fits(answer.shape, shape):
            raise Unfit(
                f"{answer.dtype} {list(answer.shape)}", f"floats {shown(shape)} are wanted"
            )
        if not answer.has_canonical_format:  # an index gets the form that it got in the run
            answer = answer.copy()
            answer.sum_duplicates()
        return answer

    def copied(self, vectors: SparseVectors) -> SparseVectors:
        """Return a new csr_array."""
        return vectors.copy()

    def arrays(self, vectors: SparseVectors) -> tuple[NDArray[Any], ...]:
        """Return weights [w], their words int32 [w], and the starts of rows int32 [n + 1]."""
        return vectors.data, vectors.indices, vectors.indptr

    def numbers(self, vectors: SparseVectors) -> NDArray[Any]:
        """Return the weights of all words, [n, words]."""
        dense: NDArray[Any] = vectors.toarray()
        return dense

    def opened(self, arrays: Sequence[NDArray[Any]], width: int) -> SparseVectors:
        """Return a csr_array of ``width`` words, with these arrays in it."""
        from scipy.sparse import csr_array

        weights, words, starts = arrays
        vectors = csr_array((weights, words, starts), shape=(len(starts) - 1, width))
        vectors.has_canonical_format = True  # `checked` has seen to it
        return vectors

    def nothing(self, width: int) -> SparseVectors:
        """Return an empty csr_array."""
        from scipy.sparse import csr_array

        return csr_array((0, width), dtype=np.float32)

    def joined(self, parts: Sequence[SparseVectors]) -> SparseVectors:
        """Return one csr_array."""
        from scipy.sparse import vstack

        joined: SparseVectors = parts[0] if len(parts) == 1 else vstack(parts, format="csr")
        return joined


def _refuse(vectors: SparseVectors, bad: NDArray[np.bool_], what: str, wanted: str) -> None:
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        item = int(np.searchsorted(vectors.indptr, first, side="right")) - 1
        raise Unfit(what, f"{wanted} wanted", item)
