"""The way from texts to token vectors: batches by length, the model, cutting and pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import torch
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling
from sentence_transformers.util import batch_to_device

from effbench import tell_encoded
from effbench_sentence_transformers.loading import pad_right
from effbench_transformer.batches import in_lanes
from effbench_transformer.soundness import batch_decides, moved_by_a_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays: TypeAlias = "list[NDArray[np.float32]]"
"""The vectors of each text, float32 [tokens, d]."""

QUERY, DOCUMENT = "query", "document"

CPU_BATCH, GPU_BATCH = 8, 32
"""Texts in a batch. A CPU was faster with 8 texts of 256 tokens than with 32."""

PAIR = ("a", "some more words, so that the other text is padded in a batch with this one")


class Shape(NamedTuple):
    """What is done to the vectors of the model."""

    dims: int | None
    """They are cut after so many dimensions, and normalised."""

    pool_factor: float
    """A doc keeps so many times fewer vectors."""


class TokenNetwork:
    """A `MultiVectorEncoder` that returns arrays in host memory."""

    def __init__(
        self,
        name: str,
        model: Any,
        prompts: Mapping[str, str],
        batch_size: int | None,
        shape: Shape,
    ) -> None:
        self._name, self._model, self._prompts = name, model, prompts
        usual = CPU_BATCH if model.device.type == "cpu" else GPU_BATCH
        self._batch_size, self._dims = batch_size or usual, shape.dims
        self._pooling = None
        if shape.pool_factor > 1:
            self._pooling = HierarchicalTokenPooling(shape.pool_factor)
        self._half = next(model.parameters()).dtype != torch.float32
        self._tried: set[str] = set()

    def __call__(self, texts: Sequence[str], task: str) -> Arrays:
        """Return the vectors of texts that are queries or documents.

        Raises:
            EffbenchError: a text's vectors depend on the other texts in its batch.

        """
        if len(texts) > 1 or task == DOCUMENT:  # a single query does not wait for the check
            self._try_batch(task)
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        begins = range(0, len(order), self._batch_size)
        batches = [order[begin : begin + self._batch_size] for begin in begins]
        tokens = [self._tokenise([texts[row] for row in rows], task) for rows in batches]

        def read(features: dict[str, Any]) -> Arrays:
            return self._pooled(self._copy(self._forward(features, task)), task)

        each = in_lanes if self._model.device.type == "cpu" else map
        vectors: dict[int, NDArray[np.float32]] = {}
        for rows, part in zip(batches, each(read, tokens), strict=True):
            vectors.update(zip(rows, part, strict=True))
            if task == DOCUMENT:
                tell_encoded(len(rows))
        return [vectors[row] for row in range(len(texts))]

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages of a query by name, in order: tokenise, forward and copy."""
        return {
            "tokenise": lambda texts: self._tokenise(texts, QUERY),
            "forward": lambda features: self._forward(features, QUERY),
            "copy": self._copy,
        }

    def count_tokens(self, queries: Sequence[str]) -> list[int]:
        """Return how many tokens of each query the model reads, mask tokens included."""
        features = self._tokenise(queries, QUERY)
        mask = features["attention_mask"].bool()
        expanded = features.get("query_expansion_positions")
        counted = mask if expanded is None else mask | expanded.to(mask.device)
        tokens: list[int] = counted.sum(1).tolist()
        return tokens

    def _read(self, texts: Sequence[str], task: str) -> Arrays:
        return self._copy(self._forward(self._tokenise(texts, task), task))

    def _tokenise(self, texts: Sequence[str], task: str) -> dict[str, Any]:
        prompt = self._prompts[task] or None
        features = self._model.preprocess(list(texts), prompt=prompt, task=task)
        placed: dict[str, Any] = batch_to_device(features, self._model.device)
        return placed

    @torch.inference_mode()
    def _forward(self, features: dict[str, Any], task: str) -> dict[str, Any]:
        mask = features["attention_mask"]
        if not mask.numel():  # no text of the batch has a token, and no network reads nothing
            nothing = torch.zeros(*mask.shape, self._model.get_embedding_dimension())
            return {"attention_mask": mask, "token_embeddings": nothing}
        read: dict[str, Any] = self._model(features, task=task)
        return read

    @torch.inference_mode()
    def _copy(self, features: dict[str, Any]) -> Arrays:
        masks, vectors = features["attention_mask"].bool(), features["token_embeddings"]
        tokens = [each[mask].float().cpu() for each, mask in zip(vectors, masks, strict=True)]
        if self._dims is not None:
            cut = (each[:, : self._dims] for each in tokens)
            tokens = [torch.nn.functional.normalize(each, dim=-1) for each in cut]
        # the contract wants a vector for each text: that of a text without tokens is zeros
        return [each.numpy() if len(each) else _nothing(each) for each in tokens]

    def _pooled(self, part: Arrays, task: str) -> Arrays:
        """Return fewer vectors for docs, if the row says so."""
        if self._pooling is None or task == QUERY:
            return part
        tokens = [torch.from_numpy(each) for each in part]
        return [each.numpy() for each in self._pooling.pool(tokens)]

    def _try_batch(self, task: str) -> None:
        """Compare two texts' vectors alone and in a batch; if they differ, pad on the right.

        Raises:
            EffbenchError: they differ with padding on the right, too.

        """
        if task in self._tried:
            return
        alone = np.concatenate(
            [vectors for text in PAIR for vectors in self._read([text], task)]
        )
        if self._moved(alone, task):
            pad_right(self._model)
            if self._moved(alone, task):
                raise batch_decides(self._name, alone)
        self._tried.add(task)

    def _moved(self, alone: NDArray[np.float32], task: str) -> bool:
        together = np.concatenate(self._read(PAIR, task))
        return len(alone) != len(together) or moved_by_a_batch(alone, together, self._half)


def _nothing(vectors: torch.Tensor) -> NDArray[np.float32]:
    return np.zeros((1, vectors.shape[1]), dtype=np.float32)
