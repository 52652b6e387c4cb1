"""Build an untrained student from its teacher's model."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    StaticEmbedding,
)
from tokenizers import Tokenizer
from torch import Tensor, nn

from effbench import EffbenchError
from effbench_small_query import RECURRENT, Align
from effbench_small_query.recurrent import Recurrent
from effbench_training.sides import open_transformer, save_side
from effbench_transformer.loading import load
from effbench_transformer.tokens import length_limit


class Student(NamedTuple):
    """A student in training, and what it is deployed as."""

    network: nn.Sequential
    """``input_ids`` and ``attention_mask`` -> ``sentence_embedding``."""

    tokenizer: Tokenizer
    special_tokens: bool
    modules: Callable[[], list[nn.Module]]
    """What `SentenceTransformer` is made of."""


def build(options: Align, width: int, normalized: bool) -> Student:
    """Return an untrained student whose vectors are ``width`` wide.

    Raises:
        EffbenchError: the base cannot be loaded, or student and width do not go together.

    """
    tokenizer, teacher = load(options.base, options.revision, "float32", "cpu", False)
    rust = _plain(tokenizer, options.base)
    words = teacher.get_input_embeddings().weight.detach().clone()
    hidden = (options.hidden or width) if options.cell in RECURRENT else words.shape[1]
    if hidden != width and not options.projection:
        raise EffbenchError(
            f"align: the student's vectors are {hidden} wide, the targets' {width} "
            "(say projection: true, or choose a base or a hidden that fits)"
        )
    ending = [Normalize()] if normalized else []
    if options.cell == "static":
        static = Static(words, width)
        static.embedding.weight.requires_grad_(options.embeddings == "free")
        network = nn.Sequential(static, *ending)
        return Student(network, rust, False, lambda: [static.folded(rust), *ending])
    special = options.cell == "transformer"
    if special:
        length_limit(tokenizer, teacher, options.max_length, "align: max_length")
        modules = [*_transformer(options, width, teacher), *ending]
    else:
        modules = [_recurrent(rust, options, words, hidden, width), *ending]
    return Student(nn.Sequential(*modules), rust, special, lambda: modules)


def _plain(tokenizer: Any, base: str) -> Tokenizer:
    """Return a copy of a tokenizer that neither pads nor cuts."""
    if not tokenizer.is_fast:
        raise EffbenchError(f"align: base {base!r} has no fast tokenizer (take one that has)")
    plain: Tokenizer = copy.deepcopy(tokenizer.backend_tokenizer)
    plain.no_padding()
    plain.no_truncation()
    return plain


def _recurrent(
    tokenizer: Tokenizer, options: Align, words: Tensor, hidden: int, width: int
) -> Recurrent:
    student = Recurrent(
        tokenizer,
        cell=options.cell,
        vocabulary=words.shape[0],
        width=words.shape[1],
        hidden=hidden,
        layers=options.layers,
        feed_forward=options.feed_forward,
        output=width,
    )
    student.embedding.weight = nn.Parameter(words, requires_grad=options.embeddings == "free")
    return student


def _transformer(options: Align, width: int, teacher: Any) -> list[Any]:
    """Return the first layers of the base, or random ones above its word embeddings."""
    depth = teacher.config.num_hidden_layers
    if options.layers > depth and options.start == "teacher":
        raise EffbenchError(
            f"align: layers: {options.base!r} has {depth} (say up to {depth}, or start: random)"
        )
    student = open_transformer(
        options.base, options.revision, num_hidden_layers=min(options.layers, depth)
    )
    if options.start == "random":
        config = copy.deepcopy(teacher.config)
        config.num_hidden_layers = options.layers
        student.model = type(teacher)(config)
        student.model.get_input_embeddings().load_state_dict(
            teacher.get_input_embeddings().state_dict()
        )
    words = student.model.get_input_embeddings()
    words.requires_grad_(options.embeddings == "free")
    modules = [student, Pooling(words.weight.shape[1], options.pooling)]
    if words.weight.shape[1] != width:
        modules.append(Dense(words.weight.shape[1], width, activation_function=nn.Identity()))
    return modules


def save(student: Student, options: Align, normalized: bool, folder: Path) -> None:
    """Write a folder for Sentence Transformers, and what `open_student` wants to know."""
    model = SentenceTransformer(
        modules=student.modules(),
        device="cpu",
        similarity_fn_name="cosine" if normalized else "dot",
    )
    save_side(model, folder)
    facts = {"cell": options.cell, "pooling": options.pooling, "normalize": normalized}
    (folder / "small_query.json").write_text(json.dumps(facts), encoding="utf-8")


class Static(nn.Module):
    """The mean of the tokens' vectors, each times its token's weight."""

    def __init__(self, words: Tensor, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words.shape[0], words.shape[1], _weight=words)
        self.weight = nn.Parameter(torch.ones(len(words)))
        self.projection: nn.Module = nn.Identity()
        if words.shape[1] != width:
            self.projection = nn.Linear(words.shape[1], width, bias=False)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add ``sentence_embedding`` [b, width]."""
        ids, mask = features["input_ids"], features["attention_mask"]
        weights = self.weight[ids] * mask
        total = torch.einsum("bt,btd->bd", weights, self.embedding(ids))
        mean = total / mask.sum(1, keepdim=True)
        return {**features, "sentence_embedding": self.projection(mean)}

    @torch.no_grad()
    def folded(self, tokenizer: Tokenizer) -> StaticEmbedding:
        """Return the same as one table: weights and projection are linear in the vectors."""
        table = self.projection(self.embedding.weight * self.weight[:, None])
        return StaticEmbedding(tokenizer, embedding_weights=table.cpu())
