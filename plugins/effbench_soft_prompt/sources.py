"""The sources of a mix: domains with their prompts, what these gained, and their mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor

from effbench import ABOUT, Domain, EffbenchError, TrainedModel
from effbench_soft_prompt.parts import NAME, nearest, place_of
from effbench_soft_prompt.prompts import CENTROIDS, Prompt, load_prompt
from effbench_soft_prompt.weights import Numbers, unit

if TYPE_CHECKING:
    from effbench import Vectors


class Source(NamedTuple):
    """A source domain: a dataset, or a part of one, with its prompt."""

    domain: Domain
    dataset: str
    """The name of the dataset; parts of one have the same."""

    folder: Path
    """The folder of the prompt."""

    prompt: Prompt

    @property
    def name(self) -> str:
        """The name of the domain."""
        return self.domain.name


class _Measured(msgspec.Struct):
    """The fact that ``prompt-domain`` writes into about.json."""

    gain: float


def sources_of(domains: Sequence[Domain]) -> list[Source]:
    """Return the sources in the order of their datasets' names, with their prompts.

    Raises:
        EffbenchError: a folder holds no prompt; the prompts have different backbones, shapes or
            options of encoding; or a domain was cut by vectors of another width.

    """
    ordered = sorted(domains, key=lambda domain: domain.name)  # their order must not matter
    sources = [source for domain in ordered for source in _sources_in(domain)]
    for source in sources:
        _refuse_mismatch(sources[0], source)
    return sources


def gains_of(sources: Sequence[Source]) -> Numbers:
    """Return what each prompt gained on the held-out queries of its domain, float64 [s].

    Raises:
        EffbenchError: nobody measured the gain of a prompt.

    """
    return np.array([_gain_of(source) for source in sources])


def mean_prompt(sources: Sequence[Source], weights: Numbers) -> Prompt:
    """Return the mean of the sources' prompts by ``weights`` [s]."""
    prompts = [source.prompt for source in sources]

    def mean(sides: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(sides)).double()
        return torch.einsum("s,snd->nd", torch.from_numpy(weights), stacked).float()

    queries = mean([prompt.queries for prompt in prompts])
    tied = all(prompt.tied for prompt in prompts)
    passages = queries if tied else mean([prompt.passages for prompt in prompts])
    return prompts[0]._replace(queries=queries, passages=passages)


def _sources_in(domain: Domain) -> Iterator[Source]:
    """Yield the parts of a domain that ``prompt-domain`` cut, or the domain itself.

    The features of a part are those of the domain's docs and queries that are nearest to its
    centroid; a part without any has its centroid for a feature.
    """
    if domain.model is None:
        return
    model, folder = domain.model
    if not (folder / CENTROIDS).exists():
        yield Source(domain, domain.name, folder, load_prompt(folder))
        return
    centroids, sides = _centroids(folder), (domain.passages, domain.queries)
    if centroids.shape[1:] != domain.passages.shape[1:]:
        raise EffbenchError(
            f"prompt-mix: {domain.name} was cut by vectors of another width than the features "
            "(name one row in features and in passages of prompt-domain)"
        )
    labels = [nearest(unit(side), centroids) for side in sides]
    for number, centroid in enumerate(centroids):
        passages, queries = (
            side[near == number] for side, near in zip(sides, labels, strict=True)
        )
        if not len(passages) + len(queries):
            passages = centroid[None]
        place, name = place_of(folder, number), f"part {number + 1} of {len(centroids)}"
        part = Domain(f"{domain.name} {name}", passages, queries, TrainedModel(model, place))
        yield Source(part, domain.name, place, load_prompt(place))


def _centroids(folder: Path) -> Vectors:
    try:
        centroids: Vectors = load_file(folder / CENTROIDS)[NAME]
    except (OSError, KeyError, SafetensorError) as error:
        raise EffbenchError(
            f"{folder / CENTROIDS}: no centroids ({error}; train the prompts again)"
        ) from error
    return centroids


def _gain_of(source: Source) -> float:
    try:
        about = (source.folder / ABOUT).read_bytes()
        return msgspec.json.decode(about, type=_Measured).gain
    except (OSError, msgspec.DecodeError) as error:
        raise EffbenchError(
            f"prompt-mix: nobody measured what the prompt of {source.name} gained (train it by "
            "prompt-domain)"
        ) from error


def _refuse_mismatch(one: Source, other: Source) -> None:
    names, first, second = f"{one.name} and {other.name}", one.prompt, other.prompt
    if first.backbone.weights != second.backbone.weights or first.reading != second.reading:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other backbones or are read in other "
            "ways (mix prompts of one row)"
        )
    if first.queries.shape != second.queries.shape:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other shapes (mix prompts of one row)"
        )
