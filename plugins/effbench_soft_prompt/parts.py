"""Parts of a domain: its docs cut by k-means, and the sources that the parts are to a mix."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.cluster.vq import kmeans2, vq

from effbench import Domain, EffbenchError, Examples, TrainedModel
from effbench_soft_prompt.held_out import chosen
from effbench_soft_prompt.weights import unit

if TYPE_CHECKING:
    from effbench import Positions, Vectors

FILE = "centroids.safetensors"
NAME = "centroids"
"""The name of the array in `FILE`: float32 [parts, d]."""

FEWEST = 8
"""Queries of a part: with fewer, there is nothing to train on and to hold out."""


class Part(NamedTuple):
    """A domain, or a part of one, with the folder of its prompt."""

    domain: Domain
    dataset: str
    """The name of the dataset; parts of one have the same."""

    folder: Path


def cut(data: Examples, clusters: int, seed: int) -> tuple[Vectors, list[Examples]]:
    """Cut examples into at most ``clusters`` parts; return centroids [parts, d] and the parts.

    The unit vectors of all docs are cut by k-means. A query belongs to the centroid that is
    nearest to the mean of its good docs. A part of fewer than `FEWEST` queries is left out, and
    its queries go to the nearest other part.

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a cluster that lost all its docs
        centroids, _ = kmeans2(docs, clusters, minit="++", rng=np.random.default_rng(seed))
    means = np.stack([docs[np.array(good)].mean(0) for good in data.positives])
    sizes = np.bincount(_nearest(means, centroids), minlength=clusters)
    centroids = centroids[(sizes >= FEWEST) | (sizes == sizes.max())]
    labels = _nearest(means, centroids)
    rows = [np.flatnonzero(labels == number).tolist() for number in range(len(centroids))]
    return centroids, [chosen(data, part) for part in rows]


def place_of(folder: Path, number: int) -> Path:
    """Return the folder of the prompt of a part, which is numbered from 0."""
    return folder / str(number + 1)


def parts_of(source: Domain) -> Iterator[Part]:
    """Yield the parts of a domain whose prompts were trained apart, or the domain itself.

    The features of a part are those of the domain's docs and queries that are nearest to its
    centroid; a part without any has its centroid for a feature.

    Raises:
        EffbenchError: the centroids are damaged, or have another width than the features.

    """
    if source.model is None:
        return
    name, folder = source.model
    if not (folder / FILE).exists():
        yield Part(source, source.name, folder)
        return
    centroids = _centroids(folder)
    if centroids.shape[1:] != source.passages.shape[1:]:
        raise EffbenchError(
            f"prompt-mix: {source.name} was cut by vectors of another width than the features "
            "(name one row in features and in passages of prompt-domain)"
        )
    sides = [source.passages, source.queries]
    labels = [_nearest(unit(side), centroids) for side in sides]
    for number, centroid in enumerate(centroids):
        passages, queries = (
            side[near == number] for side, near in zip(sides, labels, strict=True)
        )
        if not len(passages) + len(queries):
            passages = centroid[None]
        model = TrainedModel(name, place_of(folder, number))
        domain = Domain(
            f"{source.name} part {number + 1} of {len(centroids)}", passages, queries, model
        )
        yield Part(domain, source.name, model.folder)


def _nearest(vectors: Vectors, centroids: Vectors) -> Positions:
    """Return the number of the nearest centroid of each vector, [n]."""
    numbers: Positions = vq(vectors, centroids)[0]
    return numbers


def _centroids(folder: Path) -> Vectors:
    try:
        centroids: Vectors = load_file(folder / FILE)[NAME]
    except (OSError, KeyError, SafetensorError) as error:
        raise EffbenchError(
            f"{folder / FILE}: no centroids ({error}; train the prompts again)"
        ) from error
    return centroids
