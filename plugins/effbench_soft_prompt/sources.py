"""The sources of a mix: their prompts, what these gained, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from effbench import ABOUT, Domain, EffbenchError
from effbench_soft_prompt.parts import parts_of
from effbench_soft_prompt.prompts import Prompt, load_prompt
from effbench_soft_prompt.weights import Numbers


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
        EffbenchError: a folder holds no prompt, or the prompts have different backbones, shapes
            or options of encoding.

    """
    sources = [
        Source(*part, load_prompt(part.folder))
        for domain in sorted(domains, key=lambda domain: domain.name)
        for part in parts_of(domain)
    ]
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
