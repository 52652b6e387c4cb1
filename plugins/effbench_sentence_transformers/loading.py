"""Load a model of Sentence Transformers, and refuse what it would load without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Router,
    StaticEmbedding,
    Transformer,
)
from sentence_transformers.util import is_sentence_transformer_model

from effbench import EffbenchError
from effbench_transformer.loading import loading, place_for
from effbench_transformer.network import weights_in
from effbench_transformer.soundness import (
    prepare_tokenizer,
    refuse_foreign_words,
    rust_vocabulary,
    whole_weights,
)
from effbench_transformer.tokens import length_limit, positions_of


def load(
    model: str, revision: str | None, dtype: str, device: str, trust_remote_code: bool
) -> Any:
    """Return a model whose tokenizers are its own and whose weights are all there.

    Raises:
        EffbenchError: there is none, or it says nothing of its pooling.

    """
    place = place_for(device, dtype)
    found: list[Any] = []

    def pooler_is_read() -> bool:
        outputs = (one.module_output_name for one in transformers_of(found[0]))
        return any(name != "token_embeddings" for name in outputs)

    with loading(model, revision), whole_weights(model, pooler_is_read):
        found.append(
            SentenceTransformer(
                model,
                revision=revision,
                device=str(place),
                trust_remote_code=trust_remote_code,
                model_kwargs={"torch_dtype": getattr(torch, dtype), "use_safetensors": True},
            )
        )
        if not is_sentence_transformer_model(model, revision=revision):
            raise EffbenchError(
                f"model {model!r}: it has no modules.json, and its pooling would be a guess "
                "(use: transformer with the pooling that it was trained with, or save it with "
                "Sentence Transformers)"
            )
    for module in _inputs(found[0]):
        if isinstance(module, StaticEmbedding):
            vocabulary = rust_vocabulary(module.tokenizer)
            refuse_foreign_words(model, vocabulary, module.embedding.num_embeddings)
    for module in transformers_of(found[0]):
        prepare_tokenizer(model, module.tokenizer, module.model)
    return found[0]


def transformers_of(model: Any) -> list[Any]:
    """Return the transformers that read texts, those of all routes."""
    found = (one for one in _inputs(model) if isinstance(one, Transformer))
    return [one for one in found if one.tokenizer is not None]


def pad_right(model: Any) -> None:
    """Put padding behind texts: it is no text's first token, and takes no positions from it."""
    for module in transformers_of(model):
        module.tokenizer.padding_side = "right"


def _inputs(model: Any) -> Iterator[Any]:
    """Yield the modules that texts enter."""
    for module in model:
        if isinstance(module, Router):
            yield from (part for route in module.sub_modules.values() for part in route)
        else:
            yield module


def query_parameters(model: Any) -> int | None:
    """Return how many weights a query is read with; None when the route is not by name."""
    count = 0
    for module in model:
        routes = getattr(module, "sub_modules", None)  # a Router's
        if routes is None:
            count += weights_in(module)
        elif "query" in routes:
            count += weights_in(routes["query"])
        else:
            return None
    return count


def cut(model: Any, max_length: int | None, prompts: tuple[str, str]) -> None:
    """Let texts be cut at ``max_length`` tokens, or at the model's own where positions end.

    Raises:
        EffbenchError: the model takes no such length, or none at all.

    """
    transformers = transformers_of(model)
    if max_length is not None and not transformers:
        raise EffbenchError("max_length: this model reads texts of any length (leave it out)")
    for module in transformers:
        tokenizer, network = module.tokenizer, module.model
        own = min(module.max_seq_length or float("inf"), positions_of(network))
        if max_length is None and own > 1e9:
            continue  # no limit, and the library wants none
        limits = [
            length_limit(tokenizer, network, max_length, "max_length", prefix=prompt)
            for prompt in prompts
        ]
        module.max_seq_length = limits[0]
        for task in ("query_length", "document_length"):  # where the model says them
            if getattr(module, task, None) is not None:
                setattr(module, task, min(getattr(module, task), limits[0]))
