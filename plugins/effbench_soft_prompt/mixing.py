"""Transfer: how alike domains are, and the mean of their prompts by that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from effbench import ABOUT, Domain, EffbenchError
from effbench_soft_prompt import PromptMix
from effbench_soft_prompt.prompts import Prompt, load_prompt, save_prompt

if TYPE_CHECKING:
    from effbench import Vectors

Weights: TypeAlias = NDArray[np.float64]


def mix(options: PromptMix, folder: Path, seed: int) -> None:
    """Write the weighted mean of the sources' prompts, and the weights."""
    target, sources = options.prompts
    ordered = sorted(sources, key=lambda one: one.name)  # so that their order changes nothing
    prompts = [load_prompt(one.model.folder) for one in ordered if one.model is not None]
    for one, prompt in zip(ordered, prompts, strict=True):
        _refuse_other(prompts[0], prompt, f"{ordered[0].name} and {one.name}")
    alike = np.array([similarity(target, one, options.similarity) for one in ordered])
    weights = weigh(alike, options, [seed, *target.name.encode()])
    save_prompt(_mean(prompts, weights), folder)
    names = [one.name for one in ordered]
    about = {
        "target": target.name,
        "similarity": options.similarity,
        "similarities": dict(zip(names, alike.tolist(), strict=True)),
        "weights": {n: w for n, w in zip(names, weights.tolist(), strict=True) if w},
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def similarity(one: Domain, other: Domain, kind: str) -> float:
    """Return how alike two domains are: a cosine, or a mean of cosines.

    ``average``: the cosine of their mean vectors. ``pairwise``: the mean of the cosines of all
    pairs of a text of one and a text of the other.
    """
    a, b = (np.concatenate([each.passages, each.queries]) for each in (one, other))
    if kind == "pairwise":  # the mean of all products is the product of the means
        return float(_unit(a).mean(0) @ _unit(b).mean(0))
    a, b = (_unit(each.mean(0, keepdims=True)) for each in (a, b))
    return float((a @ b.T)[0, 0])


def weigh(alike: Weights, options: PromptMix, seed: Sequence[int]) -> Weights:
    """Return a weight for each source, float64 [s]; they sum to one.

    Only the ``top`` most similar ones have any. ``softmax`` of similarity over temperature,
    ``even``, or ``random``: drawn evenly from all weights there can be.
    """
    kept = np.argsort(-alike, kind="stable")[: options.top]
    weights: Weights = np.zeros(len(alike))
    if options.weights == "softmax":
        scaled = alike[kept] / options.temperature
        weights[kept] = np.exp(scaled - scaled.max())
    elif options.weights == "even":
        weights[kept] = 1
    else:
        weights[np.sort(kept)] = np.random.default_rng(seed).exponential(size=len(kept))
    weights /= weights.sum()
    return weights


def _mean(prompts: Sequence[Prompt], weights: Weights) -> Prompt:
    def mean(sides: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(sides)).double()
        return torch.einsum("s,snd->nd", torch.from_numpy(weights), stacked).float()

    queries = mean([prompt.queries for prompt in prompts])
    tied = all(prompt.tied for prompt in prompts)
    passages = queries if tied else mean([prompt.passages for prompt in prompts])
    return prompts[0]._replace(queries=queries, passages=passages)


def _refuse_other(first: Prompt, other: Prompt, names: str) -> None:
    if first.backbone.weights != other.backbone.weights or first.reading != other.reading:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other backbones or are read in other "
            "ways (mix prompts of one row)"
        )
    if first.queries.shape != other.queries.shape:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other shapes (mix prompts of one row)"
        )


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, 1e-12)
    return scaled
