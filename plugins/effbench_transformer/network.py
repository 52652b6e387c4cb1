"""Token ids into vectors: batches by length, the transformer, pooling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from effbench_transformer.onednn import pack_linears

if TYPE_CHECKING:
    from effbench.api import Vectors

CPU_BATCH, GPU_BATCH = 1024, 65_536
"""Tokens. On an AMD EPYC, MiniLM is fastest with 512 to 2,048, whose activations stay in
its caches; 4,096 is an eighth slower, 8,192 a fifth."""


class PooledNetwork:
    """A transformer whose token vectors are pooled into one vector a text."""

    def __init__(
        self,
        network: Any,
        pad: int | None,
        pooling: str,
        normalize: bool,
        batch_tokens: int | None,
        onednn: bool,
        prompt: int = 0,
    ) -> None:
        self._network = network
        self._device: torch.device = network.device
        self._pad = pad or 0  # masked, so any token would do
        self._pooling = pooling
        self._normalize = normalize
        on_cpu = self._device.type == "cpu"
        self._prompt = prompt  # positions that the network adds to each text
        self._batch_tokens = batch_tokens or (CPU_BATCH if on_cpu else GPU_BATCH)
        if onednn and on_cpu:
            pack_linears(network)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[list[int]]) -> Vectors:
        """Return float32 [len(texts), d], zeros for a text without a single token."""
        vectors = np.zeros((len(texts), self._network.config.hidden_size), dtype=np.float32)
        lengths = [len(tokens) and len(tokens) + self._prompt for tokens in texts]
        for rows in _batches(lengths, self._batch_tokens):
            vectors[rows] = self._encode([texts[row] for row in rows]).cpu().numpy()
        return vectors

    def _encode(self, texts: list[list[int]]) -> torch.Tensor:
        """Return the vectors of texts, the longest of which comes first."""
        longest, mask = len(texts[0]), None
        if len(texts[-1]) < longest:  # equal lengths need no mask, and attention is faster
            lengths = torch.tensor([[len(tokens)] for tokens in texts], device=self._device)
            mask = (torch.arange(longest, device=self._device) < lengths).long()
            texts = [tokens + [self._pad] * (longest - len(tokens)) for tokens in texts]
        ids = torch.tensor(texts, device=self._device)
        hidden = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = pool(hidden.float(), mask, self._pooling)
        return torch.nn.functional.normalize(pooled) if self._normalize else pooled


def weights_in(network: torch.nn.Module) -> int:
    """Return how many weights make token vectors: all but a pooler's, which nobody reads."""
    weights = network.named_parameters()
    return sum(weight.numel() for name, weight in weights if "pooler." not in name)


def _batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield rows, longest first, in batches of up to ``budget`` tokens; skip empty rows."""
    rows = sorted(
        (row for row in range(len(lengths)) if lengths[row]), key=lambda row: -lengths[row]
    )
    start = 0
    while start < len(rows):
        size = max(1, budget // lengths[rows[start]])
        yield rows[start : start + size]
        start += size


def pool(hidden: torch.Tensor, mask: torch.Tensor | None, pooling: str) -> torch.Tensor:
    """Reduce token vectors [b, t, d] to [b, d], over the tokens in ``mask`` [b, t]."""
    if pooling == "cls":
        return hidden[:, 0]
    if mask is None:
        return hidden.mean(1) if pooling == "mean" else hidden.amax(1)
    outside = mask[:, :, None] == 0
    if pooling == "max":
        return hidden.masked_fill(outside, -torch.inf).amax(1)
    return hidden.masked_fill(outside, 0).sum(1) / mask.sum(1, keepdim=True)
