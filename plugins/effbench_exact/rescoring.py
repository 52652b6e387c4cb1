"""Rescoring: the best hits among candidates, with the scores that ``exact`` gives them.

It is public: an index that finds candidates by smaller codes scores them here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from effbench_exact import keys
from effbench_exact.candidates import score
from effbench_exact.codes import largest_norm

if TYPE_CHECKING:
    from effbench import Positions, Vectors, VectorSource

_PAIRS = 2**21  # scored at a time: some 60 MB
_ROWS = 8192  # vectors read at a time


def rescored(
    vectors: VectorSource, queries: Vectors, positions: Positions, k: int
) -> tuple[Vectors, Positions]:
    """Return the k best candidates of each query, best first; equal scores by position.

    Args:
        vectors: those of the corpus; only those of candidates are read.
        queries: float32 [q, d].
        positions: the candidates of each query, int64 [q, m]; none comes twice in a row.
        k: the number of hits wanted.

    Returns:
        Scores float32 and positions int64, both [q, min(k, m)]. If all vectors are candidates,
        they are those of the index ``exact``, bit by bit.

    """
    step = max(1, _PAIRS // max(1, positions.shape[1]))
    parts = [slice(first, first + step) for first in range(0, len(queries) or 1, step)]
    answers = [_best(vectors, queries[part], positions[part], k) for part in parts]
    scores, best = zip(*answers, strict=True)
    return np.concatenate(scores), np.concatenate(best)


def _best(
    vectors: VectorSource, queries: Vectors, positions: Positions, k: int
) -> tuple[Vectors, Positions]:
    queries = np.array(queries, dtype=np.float32)  # a copy: torch needs a writable array
    norms = np.sqrt(np.vecdot(queries, queries, dtype=np.float64))
    positions = np.sort(positions, axis=1)
    row = np.repeat(np.arange(len(queries)), positions.shape[1])
    wanted, place = np.unique(positions.ravel(), return_inverse=True)
    scores = np.empty(len(row), np.float32)
    for first in range(0, len(wanted), _ROWS):
        taken = _taken(vectors, wanted[first : first + _ROWS])
        pairs = np.flatnonzero((place >= first) & (place < first + _ROWS))
        bounds = norms * largest_norm(taken)
        block = torch.from_numpy(taken)
        scores[pairs] = score(queries, bounds, block, row[pairs], place[pairs] - first)
    scores, positions = keys.unpack(keys.pack(scores.reshape(positions.shape), positions))
    return scores[:, :k], positions[:, :k]


def _taken(vectors: VectorSource, rows: Positions) -> Vectors:
    """Return vectors of rows in rising order; neighbours are read as a slice."""
    first, end = int(rows[0]), int(rows[-1]) + 1
    block = vectors[first:end] if end - first == len(rows) else vectors.at(rows)
    return np.array(block, dtype=np.float32)
