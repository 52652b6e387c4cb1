"""A side with a network: modules of Sentence Transformers, in batches of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import vstack
from sentence_transformers.sparse_encoder.modules import SpladePooling
from sentence_transformers.util import select_max_active_dims

from effbench import tell_encoded
from effbench_sparse.heaviest import sparse_rows
from effbench_transformer.batches import in_lanes
from effbench_transformer.reads import weights_in
from effbench_transformer.soundness import batch_decides, moved_by_a_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import SparseVectors

PAIR = ("a", "some more words, so that the other text is padded in a batch with this one")

CPU_TOKENS, GPU_TOKENS = 256, 16_384
"""Tokens that are read at once. Each has a number for each word of the vocabulary: 120 KB for
30,522 words. A CPU was faster with 256 than with more, which leave its caches."""


class Network:
    """Reads texts by the modules that a task uses."""

    bytes_read = None

    def __init__(
        self,
        name: str,
        model: Any,
        modules: Sequence[Any],
        task: str,
        prompt: str,
        batch_size: int,
    ) -> None:
        self._name, self._model, self._modules = name, model.eval(), modules
        self._task, self._prompt, self._batch_size = task, prompt, batch_size
        self._tried = False
        for module in modules:
            if isinstance(module, SpladePooling) and module.pooling_strategy == "max":
                module.forward = partial(_largest_first, module, module.forward)

    @property
    def parameters(self) -> int:
        """The number of weights of the modules; a table that serves twice counts once."""
        return weights_in(torch.nn.ModuleList(self._modules))

    def __call__(self, texts: Sequence[str]) -> SparseVectors:
        """Return the vectors of texts.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        if len(texts) == 1:  # a single query is on the clock
            return sparse_rows(self._read(texts))
        self._try_batch()
        if not texts:
            return sparse_rows(self._read([""])[:0])  # only a vector shows the width
        order = np.argsort([-len(text) for text in texts], kind="stable")
        begins = range(0, len(order), self._batch_size)
        batches = [order[begin : begin + self._batch_size] for begin in begins]
        tokens = [self._tokenise([texts[row] for row in rows]) for rows in batches]
        each = in_lanes if self._model.device.type == "cpu" else map
        parts = []
        for part in each(self._weigh, tokens):
            parts.append(part)
            tell_encoded(part.shape[0])
        vectors: SparseVectors = vstack(parts, format="csr")[np.argsort(order)]
        return vectors

    def _weigh(self, features: Mapping[str, Any]) -> SparseVectors:
        return sparse_rows(self._copy(self._forward(features)))

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages tokenise, forward and copy."""
        return {
            "tokenise": self._tokenise,
            "forward": lambda features: list(self._forward(features)),
            "copy": lambda parts: sparse_rows(self._copy(parts)),
        }

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, with special tokens."""
        masks = (self._tokenise([text])["attention_mask"] for text in texts)
        return [int(mask.sum()) for mask in masks]

    def _read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._copy(self._forward(self._tokenise(texts)))

    def _tokenise(self, texts: Sequence[str]) -> dict[str, Any]:
        features: dict[str, Any] = self._model.preprocess(
            list(texts), prompt=self._prompt or None, task=self._task
        )
        return features

    def _forward(self, features: Mapping[str, Any]) -> Iterator[torch.Tensor]:
        """Yield the vectors [b, words] of parts of a batch."""
        device, count = self._model.device, len(features["input_ids"])
        tokens = CPU_TOKENS if device.type == "cpu" else GPU_TOKENS
        at_once = max(1, tokens // max(1, features["input_ids"].shape[1]))
        most = self._model.max_active_dims
        given = {} if most is None else {"max_active_dims": most}
        for begin in range(0, count, at_once):
            part = {
                name: value[begin : begin + at_once].to(device)
                if _is_batch(value, count)
                else value
                for name, value in features.items()
            }
            with torch.inference_mode():
                vectors = self._model(part, task=self._task, **given)["sentence_embedding"]
            yield vectors if most is None else select_max_active_dims(vectors, most)

    def _copy(self, parts: Iterable[torch.Tensor]) -> NDArray[np.float32]:
        arrays: list[NDArray[np.float32]] = [part.float().cpu().numpy() for part in parts]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def _try_batch(self) -> None:
        """Compare two texts' vectors alone and in a batch.

        Raises:
            EffbenchError: they differ.

        """
        if self._tried:
            return
        alone = np.concatenate([self._read([text]) for text in PAIR])
        half = self._model.dtype != torch.float32
        if moved_by_a_batch(alone, self._read(PAIR), half):
            raise batch_decides(self._name, alone)
        self._tried = True


def _largest_first(
    pooling: SpladePooling,
    usual: Callable[[dict[str, Any]], dict[str, Any]],
    features: dict[str, Any],
) -> dict[str, Any]:
    """Pool the logits [b, t, words] of a batch, and then take logarithms.

    The result is that of the library, which takes the logarithm of every token's logits first:
    a logarithm never changes which number is the largest.
    """
    if "cu_seq_lens_q" in features:  # the texts stand behind each other, without padding
        return usual(features)
    logits, mask = features["token_embeddings"], features["attention_mask"]
    if not mask.all():
        logits = logits.masked_fill_(mask[:, :, None] == 0, 0)
    pooled = logits.amax(1).relu_().log1p_()
    if pooling.activation_function == "log1p_relu":
        pooled = pooled.log1p_()
    return {**features, "sentence_embedding": pooled}


def _is_batch(value: Any, count: int) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0 and len(value) == count
