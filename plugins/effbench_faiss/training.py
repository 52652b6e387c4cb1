"""The sample of vectors and the seed that the training of a faiss index starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from effbench_faiss.parts import parts

if TYPE_CHECKING:
    from effbench import Vectors, VectorSource

_BYTES = 1 << 30  # 700,000 vectors of width 384; k-means with 2,700 centroids uses no more
_ROWS = 65_536  # vectors read at a time


def sample(vectors: VectorSource, size: int | None, seed: int) -> Vectors:
    """Return vectors drawn without replacement, float32 [size, d], in corpus order.

    If ``size`` is None, as many are drawn as fit into 1 GiB.
    """
    n, d = vectors.shape
    size = min(n, size or _BYTES // (4 * d))
    chosen = np.sort(np.random.default_rng(seed).choice(n, size, replace=False))
    drawn = np.empty((size, d), dtype=np.float32)
    for start in range(0, n, _ROWS):
        first, end = np.searchsorted(chosen, [start, start + _ROWS])
        drawn[first:end] = vectors[start : start + _ROWS][chosen[first:end] - start]
    return drawn


def seed_k_means(index: Any, seed: int) -> None:
    """Set the seed of the k-means for IVF cells and product quantizers."""
    for _, part in parts(index):
        for holder in (part, getattr(part, "pq", part)):
            if hasattr(holder, "cp"):
                holder.cp.seed = seed
