"""What plugins return, as arrays in host memory or as lists of hits.

The steps and the latency sessions call the same functions here. A latency session calls them
while its clock runs, so it also times the work that a plugin has put off. An answer that is
already an array in host memory, or a list, is returned as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from effbench.api.errors import EffbenchError
from effbench.vectors.dense import host_array
from effbench.vectors.kinds import KINDS
from effbench.vectors.unfit import Unfit
from effbench.work.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLAIN = (list, tuple)


def hosting(row: Row) -> Callable[[Any, tuple[int, int | None], str], Any]:
    """Return the function that checks the answers of an encoder on the clock.

    It takes an answer, the shape [n, d] that it must have (a d of None means any), and the
    name of the method. It returns float32 vectors of the row's kind in host memory.

    Raises:
        EffbenchError: the answer is not of the row's kind, or it has another shape.

    """
    hosted = KINDS[row.offer.makes].hosted

    def host(answer: Any, shape: tuple[int, int | None], method: str) -> Any:
        try:
            return hosted(answer, shape)
        except Unfit as error:
            raise _unfit(error, row, method) from error

    return host


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
    try:
        return host_array(answer)
    except Unfit as error:
        raise _unfit(error, row, method) from error


def _unfit(error: Unfit, row: Row, method: str) -> EffbenchError:
    return EffbenchError(f"{row.who}: {method} returned {error.what} ({error.wanted})")


def _kind(answer: Any) -> str:
    return f"a {type(answer).__name__}"
