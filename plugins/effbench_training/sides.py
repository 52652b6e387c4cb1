"""The query side and the passage side of a bi-encoder: how they are opened and saved.

A side is the encoder of queries or the encoder of passages, as a `SentenceTransformer`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from torch import nn
from transformers.utils import logging

from effbench import EffbenchError
from effbench_training import Contrastive
from effbench_training.students import open_student
from effbench_transformer.loading import loading
from effbench_transformer.soundness import prepare_tokenizer, whole_weights
from effbench_transformer.tokens import length_limit, positions_of


def open_sides(
    options: Contrastive,
) -> tuple[SentenceTransformer, SentenceTransformer | None]:
    """Return the query side, and the passage side or None if ``data`` has passage vectors.

    If one encoder is trained for both sides, both are the same object.

    Raises:
        EffbenchError: the options and the data do not fit together, or a model cannot be
            loaded.

    """
    student, base, vectors = options.student, options.base, options.data.vectors
    if base is None and (student is None or vectors is None):
        raise EffbenchError(
            "contrastive: nothing to train (give base, or a student and passages in data)"
        )
    if base is not None and vectors is not None:
        raise EffbenchError(
            "contrastive: base is trained, the passages in data are not (give one of the two)"
        )
    passages: Any = None if base is None else _open_base(options, base)
    if student is None:
        return passages, passages
    queries = open_student(student.folder)
    freeze("contrastive", queries, options.embeddings)
    width = queries.get_embedding_dimension()
    given = vectors([0]).shape[1] if vectors else passages.get_embedding_dimension()
    if width != given:
        raise EffbenchError(
            f"contrastive: the student's vectors are {width} wide, the passages' {given} "
            "(take the passages that it was aligned to)"
        )
    return queries, passages


def save_side(side: SentenceTransformer, folder: Path) -> None:
    """Write a side as a folder of Sentence Transformers, without a progress bar."""
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        side.save(str(folder), create_model_card=False, safe_serialization=True)
    finally:
        if bars:
            logging.enable_progress_bar()


def open_transformer(model: str, revision: str | None, **config: Any) -> Transformer:
    """Return the transformer of a folder or hub id as a module that pads on the right.

    ``config`` are values that replace those in the model's config.json.

    Raises:
        EffbenchError: the model cannot be loaded, weights are missing, or its tokenizer
            belongs to another model.

    """
    # without this, transformers asks on the terminal whether to run the folder's code
    source = {"trust_remote_code": False, **({"revision": revision} if revision else {})}
    with loading(model, revision), whole_weights(model):
        network = Transformer(
            model,
            config_kwargs={**config, **source},
            model_kwargs={"use_safetensors": True, **source},
            processor_kwargs={"padding_side": "right", **source},
        )
    prepare_tokenizer(model, network.tokenizer, network.model)
    return network


def _open_base(options: Contrastive, model: str) -> SentenceTransformer:
    """Return a side that starts from the transformer ``model``."""
    network = open_transformer(model, options.revision)
    if getattr(network.model, "pooler", None) is not None:
        network.model.pooler.requires_grad_(False)  # nobody reads it
    lengths = {"max_length": options.max_length, "query_max_length": options.query_max_length}
    positions = positions_of(network.model)
    network.max_seq_length = max(
        length_limit(
            network.tokenizer,
            network.model,
            int(min(length, positions)),
            f"contrastive: {option}",
        )
        for option, length in lengths.items()
    )
    modules = [network, Pooling(network.get_embedding_dimension(), options.pooling)]
    side = SentenceTransformer(
        modules=[*modules, Normalize()] if options.normalize else modules,
        device="cpu",
        similarity_fn_name="cosine" if options.normalize else "dot",
    )
    freeze("contrastive", side, options.embeddings)
    return side


def freeze(who: str, side: SentenceTransformer, embeddings: str) -> None:
    """Freeze or free the word embeddings of a side.

    Raises:
        EffbenchError: no weight of the side is left to train; ``who`` names the trainer.

    """
    for words in _word_embeddings(side[0]):
        words.requires_grad_(embeddings == "free")
    if not any(parameter.requires_grad for parameter in side.parameters()):
        raise EffbenchError(
            f"{who}: a static student is nothing but embeddings (say embeddings: free)"
        )


def _word_embeddings(first: Any) -> list[nn.Module]:
    """Return the embeddings of words in the first module of a side; a network may have none."""
    if isinstance(first, Transformer):  # it has embeddings of positions too
        return [first.model.get_input_embeddings()]
    kinds = (nn.Embedding, nn.EmbeddingBag)
    return [module for module in first.modules() if isinstance(module, kinds)]
