"""Encoding with a prompt: the backbone reads the prompt's vectors, then the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from effbench import Description, Doc
from effbench_soft_prompt.prompts import OpenBackbone, Prompt, check_backbone, open_backbone
from effbench_transformer.network import PooledNetwork
from effbench_transformer.reads import Reads, reads_in, weights_in
from effbench_transformer.tokens import length_limit, tokens_of

if TYPE_CHECKING:
    from effbench import Vectors


def read(
    network: Any, prompt: Tensor, input_ids: Tensor, attention_mask: Tensor | None
) -> Tensor:
    """Return the token vectors [b, t, d] of texts that a network reads after a prompt.

    ``prompt`` is [n, d]; ``input_ids`` and ``attention_mask`` are [b, t]. The prompt stands
    before the embeddings of all tokens, special tokens too, and takes the first n positions.
    The result has no vectors for these positions.
    """
    words = network.get_input_embeddings()(input_ids)
    before = prompt.to(words.dtype).expand(len(words), -1, -1)
    if attention_mask is not None:
        ones = attention_mask.new_ones(before.shape[:2])
        attention_mask = torch.cat([ones, attention_mask], 1)
    output = network(inputs_embeds=torch.cat([before, words], 1), attention_mask=attention_mask)
    hidden: Tensor = output.last_hidden_state[:, len(prompt) :]
    return hidden


class Prompted(nn.Module):
    """A transformer that reads a prompt before each text; it is called like a transformer."""

    def __init__(self, network: Any, prompt: Tensor) -> None:
        super().__init__()
        self.network = network
        self._prompt = prompt.to(network.device)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        device: torch.device = self.network.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        dtype: torch.dtype = self.network.dtype
        return dtype

    @property
    def config(self) -> Any:
        """The configuration of the transformer."""
        return self.network.config

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None
    ) -> BaseModelOutput:
        """Return the token vectors [b, t, d], without those of the prompt."""
        hidden = read(self.network, self._prompt, input_ids, attention_mask)
        return BaseModelOutput(last_hidden_state=hidden)


class Limits(NamedTuple):
    """The most tokens of a query and of a passage; None for the number in the prompt."""

    query: int | None = None
    passage: int | None = None


class SoftPromptEncoder:
    """The encoder ``soft-prompt``: a frozen backbone with a prompt."""

    def __init__(
        self,
        prompt: Prompt,
        opened: OpenBackbone,
        limits: Limits,
        *,
        dtype: str = "float32",
        batch_tokens: int | None = None,
        onednn: bool = True,
    ) -> None:
        tokenizer, reading = opened.tokenizer, prompt.reading
        network = opened.network.to(getattr(torch, dtype))
        self._parameters = weights_in(network) + prompt.queries.numel()
        self._reads = _reads_after(prompt.queries, network)

        def side(vectors: Tensor, max_length: int, option: str) -> tuple[Any, PooledNetwork]:
            limit = length_limit(tokenizer, network, max_length, option, len(vectors))
            return tokens_of(tokenizer, limit), PooledNetwork(
                Prompted(network, vectors),
                tokenizer.pad_token_id,
                reading.pooling,
                reading.normalize,
                batch_tokens,
                onednn,
                prompt=len(vectors),
            )

        self._passage_tokens, self._embed_passages = side(
            prompt.passages, limits.passage or reading.max_length, "max_length"
        )
        self._query_tokens, self._embed_queries = side(
            prompt.queries, limits.query or reading.query_max_length, "query_max_length"
        )

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i."""
        return self._embed_queries(queries, self._query_tokens)

    def describe(self) -> Description:
        """Tell the stages tokenise, forward, pool and copy; only bytes count the prompt too."""
        return Description(
            stages={"tokenise": self._query_tokens, **self._embed_queries.stages()},
            count_tokens=lambda queries: [len(ids) for ids in self._query_tokens(queries)],
            bytes_read=self._reads.of,
            query_parameters=self._parameters,
        )

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d]; row i belongs to doc i."""
        texts = [doc.default_text() for doc in docs]
        return self._embed_passages(texts, self._passage_tokens)


def open_backbone_of(
    prompt: Prompt, model: str | None, revision: str | None, device: str, trusted: bool
) -> OpenBackbone:
    """Return the prompt's backbone, from the folder or hub id ``model`` if it has moved.

    Raises:
        EffbenchError: the backbone is missing or has different weights.

    """
    at = revision if model or revision else prompt.backbone.revision
    opened = open_backbone(model or prompt.backbone.model, at, device, trusted)
    check_backbone(prompt, opened, "soft-prompt")
    return opened


def _reads_after(prompt: Tensor, network: nn.Module) -> Reads:
    """Return the bytes that a network reads; the whole prompt is read for each text."""
    reads = reads_in(network)
    return reads._replace(once=reads.once + prompt.nbytes + len(prompt) * reads.position)
