"""Dense vectors: an array of numpy, float32 [n, d]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from effbench.vectors.unfit import Unfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.api.arrays import Vectors

_FLOAT32 = np.dtype(np.float32)
_WANTED = "float vectors [n, d] are wanted"
_OTHERS = ", or a class that says makes = 'sparse' or 'tokens'"


class Dense:
    """A `VectorKind`."""

    suffixes = (".npy",)
    fraction = 1

    def taken(self, answer: Any) -> Any:
        """Return an array; None for one with masked values, which would pass for numbers."""
        try:
            array = np.asarray(answer)
        except ValueError:  # arrays of several shapes
            array = np.empty((), dtype=object)
            array[()] = answer
        return None if np.ma.is_masked(answer) else array

    def checked(self, taken: Any, items: str, count: int) -> Vectors:
        """Return contiguous float32 [n, d]."""
        if taken is None:
            raise Unfit("a masked array", _WANTED)
        if taken.dtype == object and taken.ndim == 0:  # numpy makes no numbers of it
            raise Unfit(f"a {type(taken.item()).__name__}", _WANTED + _OTHERS)
        if taken.ndim != 2 or taken.dtype.kind != "f" or taken.shape[1] == 0:
            wanted = _WANTED + _OTHERS * (taken.ndim == 3)
            raise Unfit(f"{taken.dtype} {list(taken.shape)}", wanted)
        if len(taken) != count:
            raise Unfit(f"{len(taken)} rows for {items}", "one row each, in order")
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            vectors = np.array(taken, dtype=np.float32, order="C")
        refuse_infinite(vectors)
        return vectors

    def hosted(self, answer: Any, shape: tuple[int, int | None]) -> Vectors:
        """Return contiguous float32 [n, d]."""
        if type(answer) is ndarray:
            # the clock runs: an answer that needs no work is returned at once
            if answer.dtype is _FLOAT32 and answer.shape == shape and answer.flags.c_contiguous:
                return answer
        else:
            answer = host_array(answer)
        if answer.dtype.kind != "f" or answer.ndim != 2 or not fits(answer.shape, shape):
            wanted = f"float vectors {shown(shape)} are wanted"
            raise Unfit(f"{answer.dtype} {list(answer.shape)}", wanted)
        return np.ascontiguousarray(answer, dtype=_FLOAT32)

    def copied(self, vectors: Vectors) -> Vectors:
        """Return a new array."""
        return np.array(vectors)

    def arrays(self, vectors: Vectors) -> tuple[NDArray[Any], ...]:
        """Return the array itself."""
        return (vectors,)

    def numbers(self, vectors: Vectors) -> NDArray[Any]:
        """Return the array itself."""
        return vectors

    def opened(self, arrays: Sequence[NDArray[Any]], width: int) -> NDArray[Any]:
        """Return the array itself."""
        return arrays[0]

    def nothing(self, width: int) -> Vectors:
        """Return an empty array."""
        return np.empty((0, width), dtype=np.float32)

    def joined(self, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return one array [n, d]."""
        return np.concatenate(parts)


def refuse_infinite(vectors: NDArray[Any]) -> None:
    """Refuse NaN and infinity in an array whose first axis counts items."""
    if not np.isfinite(vectors).all():
        finite = np.isfinite(vectors).reshape(len(vectors), -1).all(axis=1)
        raise Unfit(
            "NaN or infinity", "finite numbers are wanted", int(np.flatnonzero(~finite)[0])
        )


def host_array(answer: Any) -> NDArray[Any]:
    """Return an answer as an array whose values are computed, and read from disk.

    Raises:
        Unfit: it is not an array of numbers in host memory.

    """
    try:
        array = np.array(answer) if isinstance(answer, np.ndarray) else np.asarray(answer)
    except (TypeError, ValueError, RuntimeError) as error:  # torch: a tensor on a GPU
        raise _not_an_array(answer, f": {error}".partition("\n")[0]) from error
    if array.dtype.kind not in "fiu" or np.ma.is_masked(answer):
        raise _not_an_array(answer)
    return array


def _not_an_array(answer: Any, why: str = "") -> Unfit:
    wanted = f"arrays of numbers in host memory are wanted{why}"
    return Unfit(f"a {type(answer).__name__}", wanted)


def fits(shape: tuple[int, ...], wanted: tuple[int, int | None]) -> bool:
    """Tell whether an answer has the wanted shape; a width of None means any."""
    return shape[0] == wanted[0] and wanted[1] in (None, shape[1])


def shown(shape: tuple[int, int | None]) -> str:
    """Return a wanted shape as messages write it."""
    return f"[{shape[0]}, {'d' if shape[1] is None else shape[1]}]"
