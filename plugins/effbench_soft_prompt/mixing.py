"""Mixing of prompts: the similarity of domains, the weights, and the mean of the prompts."""

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
"""A number for each source domain, float64 [s]."""


def mix(options: PromptMix, folder: Path, seed: int) -> None:
    """Write the weighted mean of the sources' prompts, and the weights into about.json.

    Raises:
        EffbenchError: the prompts have different backbones, shapes or options of encoding.

    """
    target, unordered = options.prompts
    sources = sorted(unordered, key=lambda source: source.name)  # the order must not matter
    names = [source.name for source in sources]
    models = [source.model for source in sources if source.model is not None]
    prompts = [load_prompt(model.folder) for model in models]
    for name, prompt in zip(names, prompts, strict=True):
        _refuse_mismatch(prompts[0], prompt, f"{names[0]} and {name}")
    kind = options.similarity
    similarities = np.array([similarity(target, source, kind) for source in sources])
    weights = weigh(similarities, options, [seed, *target.name.encode()])
    save_prompt(_mean(prompts, weights), folder)
    about = {
        "target": target.name,
        "similarity": kind,
        "similarities": dict(zip(names, similarities.tolist(), strict=True)),
        "weights": {n: w for n, w in zip(names, weights.tolist(), strict=True) if w},
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def similarity(first: Domain, second: Domain, kind: str) -> float:
    """Return the similarity of two domains, from -1 to 1.

    ``average``: the cosine of their mean vectors. ``pairwise``: the mean cosine of all pairs of
    a text of the first domain and a text of the second.
    """
    a, b = (np.concatenate([domain.passages, domain.queries]) for domain in (first, second))
    if kind == "pairwise":  # the mean of all products is the product of the means
        return float(_unit(a).mean(0) @ _unit(b).mean(0))
    a, b = (_unit(vectors.mean(0, keepdims=True)) for vectors in (a, b))
    return float((a @ b.T)[0, 0])


def weigh(similarities: Weights, options: PromptMix, seed: Sequence[int]) -> Weights:
    """Return the weight of each source, float64 [s]; the sum is 1.

    Only the ``top`` most similar sources have a weight above 0. The weights are the ``softmax``
    of similarity divided by temperature, ``even``, or ``random``: drawn with equal probability
    from all weights whose sum is 1.
    """
    kept = np.argsort(-similarities, kind="stable")[: options.top]
    weights: Weights = np.zeros(len(similarities))
    if options.weights == "softmax":
        scaled = similarities[kept] / options.temperature
        weights[kept] = np.exp(scaled - scaled.max())
    elif options.weights == "even":
        weights[kept] = 1
    else:
        weights[np.sort(kept)] = np.random.default_rng(seed).exponential(size=len(kept))
    weights /= weights.sum()
    return weights


def _mean(prompts: Sequence[Prompt], weights: Weights) -> Prompt:
    """Return the mean of prompts by ``weights`` [s]."""

    def mean(sides: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(sides)).double()
        return torch.einsum("s,snd->nd", torch.from_numpy(weights), stacked).float()

    queries = mean([prompt.queries for prompt in prompts])
    tied = all(prompt.tied for prompt in prompts)
    passages = queries if tied else mean([prompt.passages for prompt in prompts])
    return prompts[0]._replace(queries=queries, passages=passages)


def _refuse_mismatch(first: Prompt, second: Prompt, names: str) -> None:
    if first.backbone.weights != second.backbone.weights or first.reading != second.reading:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other backbones or are read in other "
            "ways (mix prompts of one row)"
        )
    if first.queries.shape != second.queries.shape:
        raise EffbenchError(
            f"prompt-mix: the prompts of {names} have other shapes (mix prompts of one row)"
        )


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, 1e-12)
    return scaled
