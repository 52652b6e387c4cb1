"""Answers of plugins, finished: arrays in host memory, and lists.

The quality pass and the spans of a latency session take answers through the same functions, the
latter on the clock: what a plugin has left undone is done there. What is finished already is
handed on as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from effbench.api.errors import EffbenchError
from effbench.work.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.api.encoders import Vectors

_FLOAT32 = np.dtype(np.float32)
_PLAIN = (list, tuple)


def host_vectors(found: Any, shape: tuple[int, int], row: Row, method: str) -> Vectors:
    """Return what an encoder's method returned as contiguous float32 in host memory.

    Raises:
        EffbenchError: it is no array, not of floats, or of another shape.

    """
    if type(found) is ndarray:
        # on the clock, with nothing to be done: as quick as it can be
        if found.dtype is _FLOAT32 and found.shape == shape and found.flags.c_contiguous:
            return found
    else:
        found = _computed(found, row, method)
    if found.dtype.kind != "f" or found.shape != shape:
        raise EffbenchError(
            f"{row.who}: {method} returned {found.dtype} {list(found.shape)} "
            f"(float vectors {list(shape)} are wanted)"
        )
    return np.ascontiguousarray(found, dtype=_FLOAT32)


def index_answer(found: Any, row: Row) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the scores and the positions that an index's ``search`` returned, as arrays.

    Raises:
        EffbenchError: they are no pair, or one of them is no array in host memory.

    """
    if not isinstance(found, _PLAIN) or len(found) != 2:
        raise EffbenchError(
            f"{row.who}: search returned {_named(found)} (a pair is wanted: scores, positions)"
        )
    scores, positions = found
    if type(scores) is not ndarray:
        scores = _computed(scores, row, "search")
    if type(positions) is not ndarray:
        positions = _computed(positions, row, "search")
    return scores, positions


def retriever_answer(found: Any, row: Row) -> Sequence[Sequence[Any]]:
    """Return the lists of hits that a retriever's ``search`` returned, as real lists.

    Raises:
        EffbenchError: they cannot be listed, or are one list for several queries.

    """
    if type(found) in _PLAIN and all(type(hits) in _PLAIN for hits in found):
        if len(found) > 1 and len(set(map(id, found))) == 1 and found[0]:
            raise EffbenchError(
                f"{row.who}: search returned one list for several queries (return a "
                "new list for "
                "each: the list of one query was filled again for the next)"
            )
        return found  # type: ignore[no-any-return]
    try:
        # copies: a generator may fill one list again for the next query
        return [list(hits) for hits in found]
    except TypeError as error:
        raise EffbenchError(
            f"{row.who}: search returned {_named(found)} (lists of hits are wanted: {error})"
        ) from error


def _computed(found: Any, row: Row, method: str) -> NDArray[Any]:
    """Return an array of numpy: nothing is left to be computed, or to be read from disk."""
    try:
        array = np.array(found) if isinstance(found, np.ndarray) else np.asarray(found)
    except (TypeError, ValueError, RuntimeError) as error:  # torch's, of a tensor on a GPU
        why = str(error).partition("\n")[0]
        raise _no_array(found, row, method, f": {why}") from error
    if array.dtype.kind not in "fiu" or np.ma.is_masked(found):
        raise _no_array(found, row, method)
    return array


def _no_array(found: Any, row: Row, method: str, why: str = "") -> EffbenchError:
    return EffbenchError(
        f"{row.who}: {method} returned {_named(found)} "
        f"(arrays of numbers in host memory are wanted{why})"
    )


def _named(found: Any) -> str:
    return f"a {type(found).__name__}"
