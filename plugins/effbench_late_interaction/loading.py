"""The loader of a model that makes token vectors; it refuses models that would be unsound."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.util import load_file_path

from effbench import EffbenchError
from effbench_sentence_transformers.loading import transformers_of
from effbench_transformer.loading import loading, place_for
from effbench_transformer.soundness import prepare_tokenizer, whole_weights
from effbench_transformer.tokens import length_limit, positions_of

EXPANDED = 32
"""The length of an expanded query, in tokens, where neither row nor model says it."""


def load(
    model: str, revision: str | None, dtype: str, device: str, trust_remote_code: bool
) -> Any:
    """Return a `MultiVectorEncoder` with all its weights and its own tokenizers.

    A model that was not trained for late interaction gets no projection: the library would add
    one with random weights.

    Raises:
        EffbenchError: the model cannot be loaded, lacks weights, or has the tokenizer of
            another model.

    """
    place = place_for(device, dtype)
    with loading(model, revision), whole_weights(model), _quiet():
        loaded = MultiVectorEncoder(
            model,
            revision=revision,
            device=str(place),
            trust_remote_code=trust_remote_code,
            model_kwargs={"torch_dtype": getattr(torch, dtype), "use_safetensors": True},
        )
        if not _has_projection(model, revision):
            kept = [module for module in loaded if not isinstance(module, Dense)]
            prompts = loaded.prompts
            loaded = MultiVectorEncoder(modules=kept, prompts=prompts, device=str(place))
    for module in transformers_of(loaded):
        prepare_tokenizer(model, module.tokenizer, module.model)
    return loaded.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from saying what it converts: the docs of the encoder say it."""
    logger = logging.getLogger("sentence_transformers")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _has_projection(model: str, revision: str | None) -> bool:
    """Return whether the files of a model hold the weights of a projection."""
    named = load_file_path(model, "modules.json", revision=revision)
    if named is not None:
        kinds = json.loads(Path(named).read_text(encoding="utf-8"))
        return any(kind["type"].endswith("Dense") for kind in kinds)
    config = load_file_path(model, "config.json", revision=revision)
    said = json.loads(Path(config).read_text(encoding="utf-8")) if config else {}
    return "HF_ColBERT" in (said.get("architectures") or ())  # Stanford's files


def cut_docs(model: Any, length: int | None, prompt: str) -> None:
    """Make the model cut docs at ``length`` tokens; by default, at its own limit.

    Raises:
        EffbenchError: the model does not allow this length.

    """
    for module in transformers_of(model):
        _cut(module, "document_length", length, "doc_length", prompt)


def cut_queries(model: Any, length: int | None, expansion: bool | None, prompt: str) -> None:
    """Make the model cut queries, and fill short ones up with mask tokens or not.

    Raises:
        EffbenchError: the model does not allow this length, or cannot fill queries up.

    """
    for module in transformers_of(model):
        filled = _expansion(module, length, expansion)
        module.query_expansion = None  # the library compares the length with the old one
        if filled is not None and filled["strategy"] == "fixed":
            length = filled["length"]
        _cut(module, "query_length", length, "query_length", prompt)
        if filled is not None:
            filled["length"] = min(filled["length"], module.query_length or filled["length"])
            _expand(model, module, filled)


def _expansion(module: Any, length: int | None, wanted: bool | None) -> dict[str, Any] | None:
    """Return the expansion of queries: the model's, as far as the row does not change it."""
    expansion = module.query_expansion
    if wanted is False or (wanted is None and expansion is None):
        return None
    if expansion is None:
        return {"strategy": "fixed", "length": length or EXPANDED}
    fixed = expansion["strategy"] == "fixed"
    return {**expansion, "length": length} if length and fixed else {**expansion}


def _expand(model: Any, module: Any, expansion: dict[str, Any]) -> None:
    if not any(isinstance(each, MultiVectorMask) for each in model):
        raise EffbenchError(
            "query_expansion: the model has no module MultiVectorMask, so that mask tokens "
            "would not be scored (leave it out)"
        )
    try:
        module.query_expansion = expansion
    except ValueError as error:  # the tokenizer has no such token
        raise EffbenchError(
            "query_expansion: the tokenizer of this model has no mask token (leave it out)"
        ) from error


def _cut(module: Any, limit: str, wanted: int | None, option: str, prompt: str) -> None:
    usual = getattr(module, limit) or module.max_seq_length or float("inf")
    most = min(usual, positions_of(module.model))
    if wanted is None and most > 1e9:
        return  # the model has no limit, and the library does not need any
    tokens = length_limit(
        module.tokenizer, module.model, wanted or int(most), option, prefix=prompt
    )
    setattr(module, limit, tokens)
