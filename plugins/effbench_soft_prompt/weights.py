"""The weights of a mix: how alike domains are, and what their prompts gained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from effbench import Domain
from effbench_soft_prompt import PromptMix

if TYPE_CHECKING:
    from effbench import Vectors

Numbers: TypeAlias = NDArray[np.float64]
"""A number for each source, float64 [s]."""


def unit(vectors: Vectors) -> Vectors:
    """Return vectors [n, d] divided by their L2 norms."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, 1e-12)
    return scaled


def similarity(first: Domain, second: Domain, kind: str) -> float:
    """Return the similarity of two domains, from -1 to 1.

    ``average``: the cosine of their mean vectors. ``pairwise``: the mean cosine of all pairs of
    a text of the first domain and a text of the second.
    """
    a, b = (np.concatenate([domain.passages, domain.queries]) for domain in (first, second))
    if kind == "pairwise":  # the mean of all products is the product of the means
        return float(unit(a).mean(0) @ unit(b).mean(0))
    a, b = (unit(vectors.mean(0, keepdims=True)) for vectors in (a, b))
    return float((a @ b.T)[0, 0])


def weigh(
    similarities: Numbers,
    gains: Numbers | None,
    temperature: float,
    options: PromptMix,
    seed: Sequence[int],
) -> Numbers:
    """Return the weight of each source, float64 [s]; the sum is 1.

    Only the ``top`` most similar sources have a weight above 0. The weights are the ``softmax``
    of similarity divided by ``temperature``, ``even``, or ``random``: drawn with equal
    probability from all weights whose sum is 1. With ``gains``, those of the softmax are
    multiplied by the gains, and a source without a gain has no weight. If none has a gain, the
    gains do not count.
    """
    worth = np.ones(len(similarities)) if gains is None else np.maximum(gains, 0)
    if not worth.any():
        worth += 1
    order = np.argsort(-similarities, kind="stable")
    kept = order[worth[order] > 0][: options.top]
    weights: Numbers = np.zeros(len(similarities))
    if options.weights == "even":
        weights[kept] = 1
    elif options.weights == "random":
        weights[np.sort(kept)] = np.random.default_rng(seed).exponential(size=len(kept))
    else:
        scaled = similarities[kept] / temperature
        weights[kept] = worth[kept] * np.exp(scaled - scaled.max())
    weights /= weights.sum()
    return weights
