"""Keys: each hit as one integer, so that the best hits are the largest integers.

The upper half of an int64 key has the order of the float32 scores. The lower half decreases
with the position. No two hits have the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from effbench import Positions, Vectors

A = TypeVar("A", bound=np.generic)
Keys: TypeAlias = NDArray[np.int64]

_LAST = 0xFFFFFFFF
_LOWEST = np.iinfo(np.int64).min


class Candidates(NamedTuple):
    """Pairs of a query and a vector of a block, sorted by query and position.

    All three arrays have the shape [pairs]: the row of the query, the position of the vector
    in the block, and the float32 score.
    """

    row: Positions
    position: Positions
    scores: Vectors


def no_hits(queries: int) -> Keys:
    """Return a table [q, 0] without hits."""
    return np.empty((queries, 0), np.int64)


def merge(best: Keys, new: Candidates, start: int, k: int) -> Keys:
    """Return the k best hits [q, up to k] among ``best`` and the candidates of a block.

    ``start`` is the position of the block's first vector. In ``best`` and ``new`` together,
    each query has at least k hits, or all queries have equally many.
    """
    keys = pack(new.scores, new.position + start)
    hits = table(new.row, keys, len(best), _LOWEST)
    best = np.concatenate([best, hits], axis=1) if best.shape[1] else hits
    return np.partition(best, -k, axis=1)[:, -k:] if best.shape[1] > k else best


def table(row: Positions, values: NDArray[A], rows: int, empty: float) -> NDArray[A]:
    """Return values [pairs] as a table [rows, m], in the order of each row, padded at its end.

    ``row`` [pairs] holds the row of each value, and never decreases.
    """
    if rows == 1:
        return values[None]
    column = np.arange(len(row)) - np.searchsorted(row, np.arange(rows))[row]
    filled = np.full((rows, column.max(initial=-1) + 1), empty, values.dtype)
    filled[row, column] = values
    return filled


def worst_score(best: Keys, k: int) -> Vectors:
    """Return the k-th best score of each query, float32 [q]; -inf if there are fewer hits."""
    if best.shape[1] < k:
        return np.full(len(best), -np.inf, np.float32)
    return _scores(best.min(axis=1))


def unpack(keys: Keys) -> tuple[Vectors, Positions]:
    """Return the scores float32 and positions int64 of keys [q, k], best first."""
    keys = np.sort(keys, axis=1)[:, ::-1]
    return _scores(keys), _LAST - (keys & _LAST)


def unpack_lists(best: Sequence[Keys]) -> tuple[Vectors, Positions]:
    """Return scores and positions [q, m] of a list of keys for each query, best first.

    m is the length of the longest list: -1 fills the rows of the shorter ones.
    """
    lengths = np.array([len(one) for one in best], np.int64)
    row = np.repeat(np.arange(len(best)), lengths)
    scores, positions = unpack(
        table(row, np.concatenate([*best, np.empty(0, np.int64)]), len(best), _LOWEST)
    )
    missing = np.arange(scores.shape[1]) >= lengths[:, None]
    scores[missing], positions[missing] = 0, -1
    return scores, positions


def pack(scores: Vectors, positions: Positions) -> Keys:
    """Return the keys [m] of hits with these scores and positions."""
    bits = scores.view(np.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # integers in the order of the floats
    return (ordered.astype(np.int64) << 32) + (_LAST - positions)


def _scores(keys: Keys) -> Vectors:
    ordered = (keys >> 32).astype(np.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(np.float32)
