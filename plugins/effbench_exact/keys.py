"""Hits as integers: the order of keys is the order of hits, so merging is selection.

The upper half of an int64 key orders as the float32 score does, the lower half falls with
the position; no two hits have the same key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from effbench import Positions, Vectors
    from effbench_exact.candidates import Found

Keys: TypeAlias = NDArray[np.int64]

_LAST = 0xFFFFFFFF
_LOWEST = np.iinfo(np.int64).min


def none(queries: int) -> Keys:
    """Return the table [q, 0] of no hits."""
    return np.empty((queries, 0), np.int64)


def merge(best: Keys, found: Found, start: int, k: int) -> Keys:
    """Return the k best hits [q, up to k] of ``best`` and of a block that begins at ``start``.

    Each query has at least k hits among them, or as many as any other.
    """
    keys = _pack(found.scores, found.position + start)
    column = np.arange(len(keys)) - np.searchsorted(found.row, np.arange(len(best)))[found.row]
    table = np.full((len(best), column.max(initial=-1) + 1), _LOWEST)
    table[found.row, column] = keys
    best = np.concatenate([best, table], axis=1)
    return np.partition(best, -k, axis=1)[:, -k:] if best.shape[1] > k else best


def worst_score(best: Keys, k: int) -> Vectors:
    """Return the k-th best score [q], -inf as long as there are fewer hits."""
    if best.shape[1] < k:
        return np.full(len(best), -np.inf, np.float32)
    return _scores(best.min(axis=1))


def unpack(keys: Keys) -> tuple[Vectors, Positions]:
    """Return scores and positions, best first."""
    keys = np.sort(keys, axis=1)[:, ::-1]
    return _scores(keys), _LAST - (keys & _LAST)


def _pack(scores: Vectors, positions: Positions) -> Keys:
    bits = scores.view(np.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # integers in the order of the floats
    return (ordered.astype(np.int64) << 32) + (_LAST - positions)


def _scores(keys: Keys) -> Vectors:
    ordered = (keys >> 32).astype(np.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(np.float32)
