"""Token vectors: a dense vector for each token of a text, as `effbench.TokenVectors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from effbench.api.arrays import TokenVectors
from effbench.vectors.dense import host_array, refuse_infinite
from effbench.vectors.unfit import Unfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WANTED = "a list of float vectors [tokens, d] is wanted, one for each text"


class Tokens:
    """A `VectorKind`."""

    suffixes = (".tokens.npy", ".starts.npy")
    fraction = 16

    def taken(self, answer: Any) -> Any:
        """Return a list of arrays, one for each item; what it is if that is not possible."""
        if not isinstance(answer, list | tuple | TokenVectors):
            return f"a {type(answer).__name__}"
        if isinstance(answer, TokenVectors) and not _divides(answer):
            return "TokenVectors whose starts do not rise from 0 to the number of vectors"
        if any(map(np.ma.is_masked, answer)):  # masked values would pass for numbers
            return "a masked array"
        return [np.asarray(one) for one in answer]

    def checked(self, taken: Any, items: str, count: int) -> TokenVectors:
        """Return float32 vectors; each item has one or more."""
        if isinstance(taken, str):
            raise Unfit(taken, _WANTED)
        if len(taken) != count:
            raise Unfit(f"{len(taken)} arrays for {items}", "one array each, in order")
        for item, one in enumerate(taken):
            if one.ndim != 2 or one.dtype.kind != "f" or one.shape[1] == 0:
                raise Unfit(f"{one.dtype} {list(one.shape)}", _WANTED, item)
            if not len(one):
                raise Unfit("no vector", "one or more are wanted", item)
            if one.shape[1] != taken[0].shape[1]:
                both = " and ".join(map(str, sorted({one.shape[1], taken[0].shape[1]})))
                raise Unfit(f"vectors of width {both}", "one width for all")
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            arrays = [one.astype(np.float32, copy=len(taken) == 1) for one in taken]
        vectors = _joined(arrays)
        try:
            refuse_infinite(vectors.vectors)
        except Unfit as error:
            item = int(np.searchsorted(vectors.starts, error.item or 0, side="right")) - 1
            raise Unfit(error.what, error.wanted, item) from None
        return vectors

    def hosted(self, answer: Any, shape: tuple[int, int | None]) -> TokenVectors:
        """Return float32 vectors, without a copy if one text has one array."""
        if not isinstance(answer, list | tuple | TokenVectors):
            raise Unfit(f"a {type(answer).__name__}", _WANTED)
        arrays = [host_array(one) for one in answer]
        width = shape[1] or (arrays[0].shape[-1:] or (0,))[0] if arrays else 0
        wrong = [
            one
            for one in arrays
            if one.ndim != 2 or one.dtype.kind != "f" or one.shape[1] != width or not len(one)
        ]
        if wrong or len(arrays) != shape[0]:
            shapes = ", ".join(str(list(one.shape)) for one in wrong[:1] or arrays)
            raise Unfit(f"{len(arrays)} arrays: {shapes:.60}", _WANTED)
        return _joined([np.ascontiguousarray(one, dtype=np.float32) for one in arrays])

    def copied(self, vectors: TokenVectors) -> TokenVectors:
        """Return a copy of the vectors."""
        return TokenVectors(vectors.vectors.copy(), vectors.starts.copy())

    def arrays(self, vectors: TokenVectors) -> tuple[NDArray[Any], ...]:
        """Return all vectors [t, d], and the starts of items int64 [n + 1]."""
        return vectors.vectors, vectors.starts

    def numbers(self, vectors: TokenVectors) -> NDArray[Any]:
        """Return all vectors, [t, d]."""
        return vectors.vectors

    def opened(self, arrays: Sequence[NDArray[Any]], width: int) -> TokenVectors:
        """Return the vectors with these arrays."""
        vectors, starts = arrays
        return TokenVectors(vectors, starts)

    def nothing(self, width: int) -> TokenVectors:
        """Return the vectors of no text."""
        return _joined([np.empty((0, width), dtype=np.float32)])[0:0]

    def joined(self, parts: Sequence[TokenVectors]) -> TokenVectors:
        """Return the items of all parts."""
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([np.diff(part.starts) for part in parts])
        return TokenVectors(np.concatenate([part.vectors for part in parts]), _starts(lengths))


def _divides(answer: TokenVectors) -> bool:
    """Tell whether the starts of items divide all vectors."""
    starts = np.asarray(answer.starts)
    if starts.ndim != 1 or starts.dtype.kind not in "iu" or not len(starts):
        return False
    rising = bool((starts[1:] >= starts[:-1]).all())
    return rising and int(starts[0]) == 0 and int(starts[-1]) == len(answer.vectors)


def _joined(arrays: Sequence[NDArray[Any]]) -> TokenVectors:
    vectors = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return TokenVectors(vectors, _starts([len(one) for one in arrays]))


def _starts(lengths: Any) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
