"""The way from token ids to vectors: batches by length, the transformer, and pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from effbench import EffbenchError, tell_encoded
from effbench_transformer.batches import ahead, batches, in_lanes
from effbench_transformer.onednn import pack_linears
from effbench_transformer.prepared import OneText
from effbench_transformer.soundness import batch_decides, moved_by_a_batch

if TYPE_CHECKING:
    from effbench import Vectors

TRIED_TOKENS = 64
"""The length of the text that is read alone and in a batch, to compare its vectors."""

CPU_BATCH, GPU_BATCH = 1024, 65_536
"""Tokens in a batch. On an AMD EPYC, MiniLM is fastest with 512 to 2,048, since the
activations stay in the caches. 4,096 is slower by an eighth, 8,192 by a fifth."""

PART = 1024
"""Texts that are tokenised at once, while the network reads those before."""

Parts: TypeAlias = "tuple[int, list[tuple[list[int], Any]]]"
"""The number of texts; and for each batch the rows of its texts, and the result of a stage."""


class PooledNetwork:
    """A transformer whose token vectors are pooled into one vector for each text."""

    def __init__(
        self,
        network: Any,
        pad: int | None,
        pooling: str,
        normalize: bool,
        batch_tokens: int | None,
        onednn: bool,
        prompt: int = 0,
        compiled: bool = False,
        prepared: OneText | None = None,
    ) -> None:
        self._network = network
        self._prepared = prepared  # reads a single text
        self._device: torch.device = network.device
        self._pad = pad or 0  # any token will do, since it is masked
        self._pooling = pooling
        self._normalize = normalize
        on_cpu = self._device.type == "cpu"
        self._prompt = prompt  # positions that the network adds to each text
        self._batch_tokens = batch_tokens or (CPU_BATCH if on_cpu else GPU_BATCH)
        self._half = network.dtype != torch.float32
        self._tried = False
        if compiled:  # torch cannot compile the operators of `pack_linears`
            network.compile(dynamic=True)
        elif onednn and on_cpu:
            pack_linears(network if prepared is None else prepared)
        # code that torch compiles for a CPU uses all threads, whatever the lane says
        self._lanes = on_cpu and not compiled

    def __call__(
        self, texts: Sequence[str], tokenise: Callable[[Sequence[str]], list[list[int]]]
    ) -> Vectors:
        """Return float32 [len(texts), d]; a thread tokenises texts while others are read.

        Texts of similar length are read together. The progress of the run moves with each
        batch. The vector of a text without tokens is zeros.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        if len(texts) == 1:  # a single query is on the clock
            return self._alone(tokenise(texts))
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        parts = [order[begin : begin + PART] for begin in range(0, len(order), PART)]
        tokenised = ahead(lambda rows: tokenise([texts[row] for row in rows]), parts)
        vectors = self._zeros(len(texts))
        for rows, tokens in zip(parts, tokenised, strict=True):
            self._check(tokens)
            vectors[rows] = self._embed(tokens, tell_encoded)
        return vectors

    def _check(self, texts: Sequence[list[int]]) -> None:
        if len(texts) > 1 and not self._tried:  # a single query does not wait for the check
            self._try_batch(max(texts, key=len))

    def _try_batch(self, text: list[int]) -> None:
        """Check that a text and its first half have the same vectors alone and in a batch.

        Raises:
            EffbenchError: they have not.

        """
        long = text[: min(TRIED_TOKENS, self._batch_tokens // 2 - self._prompt)]
        pair = [long, long[: len(long) // 2]]
        if len(long) > 1:
            alone = np.concatenate([self._embed([tokens]) for tokens in pair])
            if moved_by_a_batch(alone, self._embed(pair), self._half):
                raise batch_decides(self._network.config.name_or_path, alone)
            if self._pooling == "cls" and np.array_equal(*alone):
                raise EffbenchError(
                    "pooling: cls: the first token of this model sees no other, so that all "
                    "texts have one vector (say mean)"
                )
            self._tried = True

    def _embed(
        self, texts: Sequence[list[int]], tell: Callable[[int], None] | None = None
    ) -> Vectors:
        vectors, batched = self._zeros(len(texts)), list(self._batches(texts))
        each = in_lanes if self._lanes and len(batched) > 1 else map
        parts = []
        for part in each(self._read, [[texts[row] for row in rows] for rows in batched]):
            parts.append(part)
            if tell is not None:
                tell(len(part))
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        for rows, part in zip(batched, parts, strict=True):
            vectors[rows] = part.numpy()
        return vectors

    @torch.inference_mode()
    def _alone(self, texts: list[list[int]]) -> Vectors:
        """Return the vector [1, d] of a single text."""
        if self._prepared is None or not texts[0]:
            return self._embed(texts)
        vectors: Vectors = self._pooled(self._prepared.forward(texts[0]), None).numpy()
        return vectors

    @torch.inference_mode()
    def _read(self, texts: list[list[int]]) -> torch.Tensor:
        """Return the vectors [b, d] of a batch, on the CPU.

        A GPU may still work on them: while it does, the next batch is made.
        """
        vectors = self._pooled(*self._forward(texts))
        if self._device.type != "cuda":
            return vectors.cpu()
        pinned = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
        return pinned.copy_(vectors, non_blocking=True)

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages of a call by name, in order: forward, pool and copy.

        All batches go through a stage before the next stage begins.
        """

        @torch.inference_mode()
        def forward(texts: Sequence[list[int]]) -> Parts:
            if self._prepared is not None and len(texts) == 1 and texts[0]:
                return 1, [([0], (self._prepared.forward(texts[0]), None))]
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
        return batches(lengths, self._batch_tokens)

    def _forward(self, texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return token vectors [b, t, d] and the mask [b, t]; the longest text is the first.

        The mask is None if all texts have the same length.
        """
        longest, mask = len(texts[0]), None
        if len(texts[-1]) < longest:  # equal lengths need no mask, and attention is faster
            lengths = self._placed([[len(tokens)] for tokens in texts])
            mask = (torch.arange(longest, device=self._device) < lengths).long()
            texts = [tokens + [self._pad] * (longest - len(tokens)) for tokens in texts]
        ids = self._placed(texts)
        hidden = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden, mask

    def _placed(self, numbers: list[list[int]]) -> torch.Tensor:
        """Return numbers on the network's device; a GPU copies them while Python goes on."""
        if self._device.type != "cuda":
            return torch.tensor(numbers, device=self._device)
        return torch.tensor(numbers).pin_memory().to(self._device, non_blocking=True)

    def _pooled(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        pooled = pool(hidden.float(), mask, self._pooling)
        return torch.nn.functional.normalize(pooled) if self._normalize else pooled


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
