"""Parts of a domain: its docs are cut by k-means, and its queries follow them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from effbench import EffbenchError, Examples
from effbench_soft_prompt.held_out import chosen
from effbench_soft_prompt.weights import unit

if TYPE_CHECKING:
    from effbench import Positions, Vectors

NAME = "centroids"
"""The name of the array in `CENTROIDS`: float32 [parts, d]."""

FEWEST = 8
"""Queries of a part: with fewer, there is nothing to train on and to hold out."""


def cut(data: Examples, clusters: int, seed: int) -> tuple[Vectors, list[Examples]]:
    """Cut examples into at most ``clusters`` parts; return centroids [parts, d] and the parts.

    The unit vectors of all docs are cut by k-means. A query belongs to the centroid that is
    nearest to the mean of its good docs. A part of fewer than `FEWEST` queries is left out, and
    its queries go to the nearest other part. If all are so small, the largest takes all.

    Raises:
        EffbenchError: the docs have no vectors, or there are fewer docs than clusters.

    """
    if data.vectors is None:
        raise EffbenchError("prompt-domain: clusters need passages: ROW beside examples")
    if clusters > len(data.docs):
        raise EffbenchError(
            f"prompt-domain: {clusters} clusters of {len(data.docs)} docs (take fewer)"
        )
    docs = unit(data.vectors(range(len(data.docs))))
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):  # docs may all be equal
        warnings.simplefilter("ignore", UserWarning)  # of a cluster that lost all its docs
        centroids, _ = kmeans2(docs, clusters, minit="++", rng=np.random.default_rng(seed))
    means = np.stack([docs[np.array(good)].mean(0) for good in data.positives])
    sizes = np.bincount(nearest(means, centroids), minlength=clusters)
    large = np.flatnonzero(sizes >= FEWEST)
    centroids = centroids[large if len(large) else [sizes.argmax()]]
    labels = nearest(means, centroids)
    rows = [np.flatnonzero(labels == number).tolist() for number in range(len(centroids))]
    return centroids, [chosen(data, part) for part in rows]


def place_of(folder: Path, number: int) -> Path:
    """Return the folder of the prompt of a part, which is numbered from 0."""
    return folder / str(number + 1)


def nearest(vectors: Vectors, centroids: Vectors) -> Positions:
    """Return the number of the nearest centroid of each vector, [n]."""
    numbers: Positions = vq(vectors, centroids)[0]
    return numbers
