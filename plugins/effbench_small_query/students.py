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
from effbench_small_query import RECURRENT, Shape
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


def build(
    base: str, revision: str | None, shape: Shape, width: int, normalized: bool, length: int
) -> Student:
    """Return a student whose vectors are ``width`` wide, for texts of ``length`` tokens.

    Raises:
        EffbenchError: the base cannot be loaded, or student and width do not go together.

    """
    tokenizer, teacher = load(base, revision, "float32", "cpu", False)
    if not tokenizer.is_fast:
        raise EffbenchError(f"align: base {base!r} has no fast tokenizer (take one that has)")
    rust = copy.deepcopy(tokenizer.backend_tokenizer)
    rust.no_padding()
    rust.no_truncation()
    words = teacher.get_input_embeddings().weight.detach().clone()
    own = (shape.hidden or width) if shape.cell in RECURRENT else words.shape[1]
    if own != width and not shape.projection:
        raise EffbenchError(
            f"align: the student's vectors are {own} wide, the targets' {width} "
            "(say projection: true, or choose a base or a hidden that fits)"
        )
    ending = [Normalize()] if normalized else []
    if shape.cell == "static":
        static = Static(words, width)
        static.embedding.weight.requires_grad_(shape.embeddings == "free")
        return Student(
            nn.Sequential(static, *ending), rust, False, lambda: [static.folded(rust), *ending]
        )
    modules: list[Any]
    if shape.cell == "transformer":
        length_limit(tokenizer, teacher, length, "align: max_length")
        modules = _transformer(base, revision, shape, width, teacher)
    else:
        modules = [_recurrent(rust, shape, words, own, width)]
    modules += ending
    return Student(nn.Sequential(*modules), rust, shape.cell == "transformer", lambda: modules)


def _recurrent(
    tokenizer: Tokenizer, shape: Shape, words: Tensor, hidden: int, width: int
) -> Recurrent:
    student = Recurrent(
        tokenizer,
        cell=shape.cell,
        vocabulary=words.shape[0],
        width=words.shape[1],
        hidden=hidden,
        layers=shape.layers,
        feed_forward=shape.feed_forward,
        output=width,
    )
    student.embedding.weight = nn.Parameter(words, requires_grad=shape.embeddings == "free")
    return student


def _transformer(
    base: str, revision: str | None, shape: Shape, width: int, teacher: Any
) -> list[Any]:
    """Return the first layers of the base, or random ones above its word embeddings."""
    depth = teacher.config.num_hidden_layers
    if shape.layers > depth and shape.start == "teacher":
        raise EffbenchError(
            f"align: layers: {base!r} has {depth} (say up to {depth}, or start: random)"
        )
    student = open_transformer(base, revision, num_hidden_layers=min(shape.layers, depth))
    if shape.start == "random":
        config = copy.deepcopy(teacher.config)
        config.num_hidden_layers = shape.layers
        student.model = type(teacher)(config)
        student.model.get_input_embeddings().load_state_dict(
            teacher.get_input_embeddings().state_dict()
        )
    words = student.model.get_input_embeddings()
    words.requires_grad_(shape.embeddings == "free")
    modules = [student, Pooling(words.weight.shape[1], shape.pooling)]
    if words.weight.shape[1] != width:
        modules.append(Dense(words.weight.shape[1], width, activation_function=nn.Identity()))
    return modules


def save(student: Student, shape: Shape, normalized: bool, folder: Path) -> None:
    """Write a folder for Sentence Transformers, and what `open_student` wants to know."""
    model = SentenceTransformer(
        modules=student.modules(),
        device="cpu",
        similarity_fn_name="cosine" if normalized else "dot",
    )
    save_side(model, folder)
    facts = {"cell": shape.cell, "pooling": shape.pooling, "normalize": normalized}
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
