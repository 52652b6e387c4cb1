"""The losses of ``align``: how far a student's vectors are from the teacher's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from effbench_training.distillation import divergence

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Vectors and targets, both float32 [b, d] -> a mean over the batch."""

TEMPERATURE = 0.05
NOT_ITSELF = -1e4
"""The score of a text with itself in `ranking`: no softmax sees it. The text of a batch of one
is still a distribution, where -inf would be none."""


def loss_of(said: str | Mapping[str, float]) -> Loss:
    """Return the loss that the option ``loss`` says."""
    if isinstance(said, str):
        return LOSSES[said]
    ((name, temperature),) = said.items()
    return partial(LOSSES[name], temperature=temperature)


def cosine(vectors: Tensor, targets: Tensor) -> Tensor:
    """Return the negative mean cosine."""
    return -functional.cosine_similarity(vectors, targets).mean()


def kale(vectors: Tensor, targets: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Return the mean divergence of two softmaxes over the dimensions of a vector."""
    return divergence(vectors, targets, temperature)


def ranking(vectors: Tensor, targets: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Return the mean divergence of two softmaxes over the other texts of the batch."""
    itself = torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    scores, wanted = (
        (side @ targets.T).masked_fill(itself, NOT_ITSELF) for side in (vectors, targets)
    )
    return divergence(scores, wanted, temperature)


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "cosine": cosine,
    "mse": functional.mse_loss,
    "kale": kale,
    "ranking": ranking,
}
