"""What a student begins with: layers of the base, or the base's vectors of single words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from effbench import EffbenchError
from effbench_transformer.network import pool

BATCH = 1024
"""Words that the base reads at once."""

SMALLEST = 1e-6
"""The least variance of a dimension in `whitened`, as a share of the largest one."""


def table_of(
    start: str, tokenizer: Tokenizer, base: Any, pooling: str, normalized: bool
) -> Tensor:
    """Return the table of words that ``start`` names, float32 [vocabulary, d].

    ``normalized``: the base's vectors are normalised, as the teacher's are.
    """
    words: Tensor = base.get_input_embeddings().weight.detach().clone()
    if start not in ("vectors", "whitened"):
        return words
    vectors = word_vectors(tokenizer, base, len(words), pooling)
    if normalized:
        vectors = nn.functional.normalize(vectors)
    return whitened(vectors) if start == "whitened" else vectors


@torch.no_grad()
def word_vectors(tokenizer: Tokenizer, base: Any, count: int, pooling: str) -> Tensor:
    """Return the base's pooled vector of each of the first ``count`` words, alone in a text.

    Special tokens stand around a word as around any text.
    """
    example = tokenizer.encode("a")
    special = example.special_tokens_mask
    first, last = special.index(0), len(special) - special[::-1].index(0)
    words = torch.arange(count)[:, None]
    before, after = (
        torch.tensor(ids, dtype=torch.long).expand(count, -1)
        for ids in (example.ids[:first], example.ids[last:])
    )
    texts = torch.cat([before, words, after], 1)
    parts: list[Tensor] = [
        pool(base(input_ids=batch.to(base.device)).last_hidden_state.float(), None, pooling)
        for batch in torch.split(texts, BATCH)
    ]
    return torch.cat(parts).cpu()


@torch.no_grad()
def whitened(vectors: Tensor) -> Tensor:
    """Return vectors [n, d] with mean 0 and no correlation, near to the old axes (ZCA).

    Their mean length stays.
    """
    centred = vectors - vectors.mean(0)
    covariance = (centred.T @ centred / len(centred)).double()
    variances, axes = torch.linalg.eigh(covariance)
    scales = variances.clamp(min=SMALLEST * variances[-1].item()).rsqrt()
    white = centred @ ((axes * scales) @ axes.T).float()
    same_length: Tensor = white * (vectors.norm(dim=1).mean() / white.norm(dim=1).mean())
    return same_length


def spread(layers: int, depth: int) -> list[int]:
    """Return the numbers of ``layers`` layers, evenly from the first to the last of ``depth``.

    One layer is the first.
    """
    return [round(number) for number in np.linspace(0, depth - 1, layers).tolist()]


def take_spread_layers(student: Any, base: Any) -> None:
    """Give the layers of a transformer the weights of layers spread over those of its base.

    Raises:
        EffbenchError: the base's layers are no list, or not alike.

    """
    own, its = (_layers(network) for network in (student, base))
    try:
        for layer, number in zip(own, spread(len(own), len(its)), strict=True):
            layer.load_state_dict(its[number].state_dict())
    except RuntimeError as error:
        raise EffbenchError(
            "align: start: skipping: the layers of base are not alike (say start: teacher)"
        ) from error


def _layers(network: Any) -> nn.ModuleList:
    depth = network.config.num_hidden_layers
    lists = (module for module in network.modules() if isinstance(module, nn.ModuleList))
    for found in lists:
        if len(found) == depth:
            return found
    raise EffbenchError(
        "align: start: skipping: the layers of base are no list (say start: teacher)"
    )
