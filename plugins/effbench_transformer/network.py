"""Token ids into vectors: batches by length, the transformer, pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import torch

from effbench import EffbenchError
from effbench_transformer.onednn import pack_linears
from effbench_transformer.soundness import batch_decides, moved_by_a_batch

if TYPE_CHECKING:
    from effbench import Vectors

TRIED = 64
"""Tokens of the text that is read alone and in a batch, to see whether that is the same."""

CPU_BATCH, GPU_BATCH = 1024, 65_536
"""Tokens. On an AMD EPYC, MiniLM is fastest with 512 to 2,048, whose activations stay in
its caches; 4,096 is an eighth slower, 8,192 a fifth."""

Parts: TypeAlias = "tuple[int, list[tuple[list[int], Any]]]"
"""How many texts there are; of each batch of them the rows, and what a stage made of it."""


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
        self._half = network.dtype != torch.float32
        self._tried = False
        if onednn and on_cpu:
            pack_linears(network)

    def __call__(self, texts: Sequence[list[int]]) -> Vectors:
        """Return float32 [len(texts), d], zeros for a text without a single token.

        Raises:
            EffbenchError: a text's vector depends on what else is in its batch.

        """
        if len(texts) > 1 and not self._tried:  # single queries are not made to wait for it
            self._try_batch(max(texts, key=len))
        return self._embed(texts)

    def _try_batch(self, text: list[int]) -> None:
        """Read a text and the first half of it, in one batch and each alone."""
        long = text[: min(TRIED, self._batch_tokens // 2 - self._prompt)]
        pair = [long, long[: len(long) // 2]]
        if len(long) > 1:
            alone = np.concatenate([self._embed([one]) for one in pair])
            if moved_by_a_batch(alone, self._embed(pair), self._half):
                raise batch_decides(self._network.config.name_or_path, alone)
            if self._pooling == "cls" and np.array_equal(*alone):
                raise EffbenchError(
                    "pooling: cls: the first token of this model sees no other, so that all "
                    "texts have one vector (say mean)"
                )
            self._tried = True

    @torch.inference_mode()
    def _embed(self, texts: Sequence[list[int]]) -> Vectors:
        vectors = self._zeros(len(texts))
        for rows in self._batches(texts):
            read = self._forward([texts[row] for row in rows])
            vectors[rows] = self._pooled(*read).cpu().numpy()
        return vectors

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return what a call does; here all batches go through a stage before the next one."""

        @torch.inference_mode()
        def forward(texts: Sequence[list[int]]) -> Parts:
            parts: list[tuple[list[int], Any]] = [
                (rows, self._forward([texts[row] for row in rows]))
                for rows in self._batches(texts)
            ]
            return len(texts), parts

        @torch.inference_mode()
        def pool(read: Parts) -> Parts:
            count, parts = read
            return count, [(rows, self._pooled(*part)) for rows, part in parts]

        def copy(pooled: Parts) -> Vectors:
            count, parts = pooled
            vectors = self._zeros(count)
            for rows, part in parts:
                vectors[rows] = part.cpu().numpy()
            return vectors

        return {"forward": forward, "pool": pool, "copy": copy}

    def _zeros(self, count: int) -> Vectors:
        return np.zeros((count, self._network.config.hidden_size), dtype=np.float32)

    def _batches(self, texts: Sequence[list[int]]) -> Iterator[list[int]]:
        lengths = [len(tokens) and len(tokens) + self._prompt for tokens in texts]
        return _batches(lengths, self._batch_tokens)

    def _forward(self, texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return token vectors and mask of texts, the longest of which comes first."""
        longest, mask = len(texts[0]), None
        if len(texts[-1]) < longest:  # equal lengths need no mask, and attention is faster
            lengths = torch.tensor([[len(tokens)] for tokens in texts], device=self._device)
            mask = (torch.arange(longest, device=self._device) < lengths).long()
            texts = [tokens + [self._pad] * (longest - len(tokens)) for tokens in texts]
        ids = torch.tensor(texts, device=self._device)
        hidden = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden, mask

    def _pooled(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        pooled = pool(hidden.float(), mask, self._pooling)
        return torch.nn.functional.normalize(pooled) if self._normalize else pooled


class Reads(NamedTuple):
    """The bytes of weights that are read of a network."""

    once: int
    """By a text of any length."""

    word: int
    """A row of the word embeddings, one for each token."""

    position: int
    """A row of the position embeddings, where there are any."""

    def of(self, tokens: int) -> int:
        """Return the bytes of a text of so many tokens."""
        return tokens and self.once + tokens * (self.word + self.position)


def weights_in(network: torch.nn.Module) -> int:
    """Return how many weights make token vectors: all but a pooler's, which nobody reads."""
    weights = network.named_parameters()
    return sum(weight.numel() for name, weight in weights if "pooler." not in name)


def reads_in(network: Any) -> Reads:
    """Return what is read of a network whose linear layers are not packed yet."""
    words = network.get_input_embeddings().weight
    once = position = 0
    for name, weight in network.named_parameters():
        if weight is words or "pooler." in name:
            continue
        if name.endswith(("position_embeddings.weight", "wpe.weight")):  # GPT-2's is wpe
            position += weight[0].nbytes
        elif name.endswith("token_type_embeddings.weight"):
            once += weight[0].nbytes  # all tokens are of one type
        else:
            once += weight.nbytes
    return Reads(once, words[0].nbytes, position)


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
