"""The loader of a Sentence Transformers model; it refuses models that would be unsound."""

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
from effbench_transformer.reads import weights_in
from effbench_transformer.soundness import (
    prepare_tokenizer,
    refuse_foreign_words,
    rust_vocabulary,
    whole_weights,
)
from effbench_transformer.tokens import length_limit, positions_of


def load(
    model: str,
    revision: str | None,
    dtype: str,
    device: str,
    trust_remote_code: bool,
    kind: Any = SentenceTransformer,
) -> Any:
    """Return a model with all its weights and its own tokenizers.

    ``kind`` is its class, `SentenceTransformer` or another one of the library.

    Raises:
        EffbenchError: the model cannot be loaded, lacks weights, has the tokenizer of another
            model, or does not say how it pools.

    """
    place = place_for(device, dtype)
    loaded: Any = None

    def pooler_is_read() -> bool:
        outputs = (module.module_output_name for module in transformers_of(loaded))
        return any(name != "token_embeddings" for name in outputs)

    with loading(model, revision), whole_weights(model, pooler_is_read):
        loaded = kind(
            model,
            revision=revision,
            device=str(place),
            trust_remote_code=trust_remote_code,
            model_kwargs={"torch_dtype": getattr(torch, dtype), "use_safetensors": True},
        )
        pools = kind is not SentenceTransformer  # other kinds tell from the architecture
        if not pools and not is_sentence_transformer_model(model, revision=revision):
            raise EffbenchError(
                f"model {model!r}: it has no modules.json, and its pooling would be a guess "
                "(use: transformer with the pooling that it was trained with, or save it with "
                "Sentence Transformers)"
            )
    for module in _inputs(loaded):
        if isinstance(module, StaticEmbedding):
            vocabulary = rust_vocabulary(module.tokenizer)
            refuse_foreign_words(model, vocabulary, module.embedding.num_embeddings)
    for module in transformers_of(loaded):
        prepare_tokenizer(model, module.tokenizer, module.model)
    return loaded


def transformers_of(model: Any) -> list[Any]:
    """Return the transformers that read texts, in all routes."""
    transformers = (module for module in _inputs(model) if isinstance(module, Transformer))
    return [module for module in transformers if module.tokenizer is not None]


def pad_right(model: Any) -> None:
    """Put padding behind the texts: it takes no first place and no positions from them."""
    for module in transformers_of(model):
        module.tokenizer.padding_side = "right"


def _inputs(model: Any) -> Iterator[Any]:
    """Yield the modules that may read texts; a Router's are the modules of all its routes."""
    for module in model:
        if isinstance(module, Router):
            yield from (part for route in module.sub_modules.values() for part in route)
        else:
            yield module


def query_parameters(model: Any) -> int | None:
    """Return how many weights a query uses; None if a Router has no route named query."""
    count = 0
    for module in model:
        routes = getattr(module, "sub_modules", None)  # only a Router has them
        if routes is None:
            count += weights_in(module)
        elif "query" in routes:
            count += weights_in(routes["query"])
        else:
            return None
    return count


def cut(model: Any, max_length: int | None, prompts: tuple[str, str]) -> None:
    """Make the model cut texts at ``max_length`` tokens; by default, at the model's limit.

    The limit is never larger than the model's number of positions.

    Raises:
        EffbenchError: the model does not allow this length, or reads texts of any length.

    """
    transformers = transformers_of(model)
    if max_length is not None and not transformers:
        raise EffbenchError("max_length: this model reads texts of any length (leave it out)")
    for module in transformers:
        tokenizer, network = module.tokenizer, module.model.base_model
        model_limit = min(module.max_seq_length or float("inf"), positions_of(network))
        if max_length is None and model_limit > 1e9:
            continue  # the model has no limit, and the library does not need any
        limits = [
            length_limit(tokenizer, network, max_length, "max_length", prefix=prompt)
            for prompt in prompts
        ]
        module.max_seq_length = limits[0]
        for task in ("query_length", "document_length"):  # limits that only some models have
            if getattr(module, task, None) is not None:
                setattr(module, task, min(getattr(module, task), limits[0]))
