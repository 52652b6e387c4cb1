"""What plugins return, as arrays in host memory or as lists of hits.

The steps and the latency sessions call the same functions here. A latency session calls them
while its clock runs, so it also times the work that a plugin has put off. An answer that is
already an array in host memory, or a list, is returned as it is.
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


def host_vectors(answer: Any, shape: tuple[int, int], row: Row, method: str) -> Vectors:
    """Return an encoder's answer as contiguous float32 [n, d] in host memory.

    ``shape`` is the shape [n, d] that the answer must have.

    Raises:
        EffbenchError: the answer is not an array of floats, or it has another shape.

    """
    if type(answer) is ndarray:
        # the clock runs: an answer that needs no work is returned at once
        if answer.dtype is _FLOAT32 and answer.shape == shape and answer.flags.c_contiguous:
            return answer
    else:
        answer = _host_array(answer, row, method)
    if answer.dtype.kind != "f" or answer.shape != shape:
        raise EffbenchError(
            f"{row.who}: {method} returned {answer.dtype} {list(answer.shape)} "
            f"(float vectors {list(shape)} are wanted)"
        )
    return np.ascontiguousarray(answer, dtype=_FLOAT32)


def index_answer(answer: Any, row: Row) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the scores and the positions that an index's ``search`` returned, as arrays.

    Raises:
        EffbenchError: the answer is not a pair of arrays in host memory.

    """
    if not isinstance(answer, _PLAIN) or len(answer) != 2:
        raise EffbenchError(
            f"{row.who}: search returned {_kind(answer)} (a pair is wanted: scores, positions)"
        )
    scores, positions = answer
    if type(scores) is not ndarray:
        scores = _host_array(scores, row, "search")
    if type(positions) is not ndarray:
        positions = _host_array(positions, row, "search")
    return scores, positions


def retriever_answer(answer: Any, row: Row) -> Sequence[Sequence[Any]]:
    """Return the hits that a retriever's ``search`` returned: one list or tuple for each query.

    Raises:
        EffbenchError: the answer does not hold lists, or one list stands for several queries.

    """
    if type(answer) in _PLAIN and all(type(hits) in _PLAIN for hits in answer):
        if len(answer) > 1 and len(set(map(id, answer))) == 1 and answer[0]:
            raise EffbenchError(
                f"{row.who}: search returned one list for several queries (return a "
                "new list for "
                "each: the list of one query was filled again for the next)"
            )
        return answer  # type: ignore[no-any-return]
    try:
        # copies: a generator may fill one list again for the next query
        return [list(hits) for hits in answer]
    except TypeError as error:
        raise EffbenchError(
            f"{row.who}: search returned {_kind(answer)} (lists of hits are wanted: {error})"
        ) from error


def _host_array(answer: Any, row: Row, method: str) -> NDArray[Any]:
    """Return the answer as a numpy array whose values are computed, and read from disk."""
    try:
        array = np.array(answer) if isinstance(answer, np.ndarray) else np.asarray(answer)
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # torch raises it for a tensor on a GPU
        why = str(error).partition("\n")[0]
        raise _not_an_array(answer, row, method, f": {why}") from error
    if array.dtype.kind not in "fiu" or np.ma.is_masked(answer):
        raise _not_an_array(answer, row, method)
    return array


def _not_an_array(answer: Any, row: Row, method: str, why: str = "") -> EffbenchError:
    return EffbenchError(
        f"{row.who}: {method} returned {_kind(answer)} "
        f"(arrays of numbers in host memory are wanted{why})"
    )


def _kind(answer: Any) -> str:
    return f"a {type(answer).__name__}"
