"""Students before and after training: built from the base, opened again, saved."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    LayerNorm,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer
from torch import Tensor, nn

from effbench import EffbenchError
from effbench_small_query import RECURRENT, Align, Realign
from effbench_small_query.recurrent import Recurrent
from effbench_small_query.starts import table_of, take_spread_layers
from effbench_training.sides import open_transformer, save_side
from effbench_training.students import open_student
from effbench_transformer.loading import load
from effbench_transformer.tokens import length_limit


class Student(NamedTuple):
    """A student in training, and the modules that are saved of it."""

    network: nn.Sequential
    """``input_ids`` and ``attention_mask`` [b, t] -> ``sentence_embedding`` [b, d]."""

    tokenizer: Tokenizer
    special_tokens: bool
    """Whether the student reads the tokenizer's special tokens."""

    modules: Callable[[], list[nn.Module]]
    """Return the modules of the `SentenceTransformer` that is saved."""


def build(options: Align, width: int, normalized: bool) -> Student:
    """Return an untrained student whose vectors are ``width`` wide.

    Raises:
        EffbenchError: the base cannot be loaded, or options, base and width do not fit.

    """
    tokenizer, base = load(options.base, options.revision, "float32", "cpu", False)
    plain = _plain_tokenizer(tokenizer, options.base)
    words = table_of(options.start, plain, base, options.pooling, normalized)
    hidden = (options.hidden or width) if options.cell in RECURRENT else words.shape[1]
    if hidden != width and not options.projection:
        raise EffbenchError(
            f"align: the student's vectors are {hidden} wide, the targets' {width} "
            "(say projection: true, or choose a base or a hidden that fits)"
        )
    ending = [Normalize()] if normalized else []
    if options.cell == "static":
        layers = [part for _ in range(options.feed_forward) for part in feed_forward(width)]
        return _static(plain, words, width, [*layers, *ending], options.embeddings)
    special = options.cell == "transformer"
    if special:
        length_limit(tokenizer, base, options.max_length, "align: max_length")
        modules = [*_transformer(options, width, base), *ending]
    else:
        modules = [_recurrent(plain, options, words, hidden, width), *ending]
    return Student(nn.Sequential(*modules), plain, special, lambda: modules)


def reopen(options: Realign, width: int) -> Student:
    """Return a trained student, ready to be trained further to vectors ``width`` wide.

    Raises:
        EffbenchError: the folder holds no student, or none that can be trained so.

    """
    model, name = open_student(options.student.folder), options.student.name
    if model.get_embedding_dimension() != width:
        raise EffbenchError(
            f"realign: the vectors of {name!r} are {model.get_embedding_dimension()} wide, the "
            f"targets' {width} (take the encoder that it was aligned to)"
        )
    if any(model.prompts.values()):
        raise EffbenchError(
            f"realign: {name!r} has a prompt, which is not read (take contrastive)"
        )
    first, *rest = modules = list(model)
    free = options.embeddings == "free"
    if isinstance(first, StaticEmbedding):
        words = first.embedding.weight.detach().clone()
        return _static(first.tokenizer, words, words.shape[1], rest, options.embeddings)
    if isinstance(first, Recurrent):
        first.embedding.requires_grad_(free)
        return Student(nn.Sequential(*modules), first.tokenizer, False, lambda: modules)
    if isinstance(first, Transformer):
        length_limit(first.tokenizer, first.model, options.max_length, "realign: max_length")
        first.model.get_input_embeddings().requires_grad_(free)
        plain = _plain_tokenizer(first.tokenizer, name)
        return Student(nn.Sequential(*modules), plain, True, lambda: modules)
    raise EffbenchError(
        f"realign: {name!r} begins with {type(first).__name__}, which is not read here (take a "
        "student of align, or tune this one with contrastive or distil)"
    )


def _static(
    tokenizer: Tokenizer, words: Tensor, width: int, rest: list[Any], embeddings: str
) -> Student:
    """Return a static student; the modules ``rest`` follow its mean, ``width`` wide."""
    static = TrainableStatic(words, width)
    static.embedding.weight.requires_grad_(embeddings == "free")
    network = nn.Sequential(static, *rest)
    return Student(network, tokenizer, False, lambda: [static.folded(tokenizer), *rest])


def feed_forward(width: int) -> list[Any]:
    """Return layers that normalise a vector, widen it four times, apply GELU and narrow it.

    Untrained, they only normalise: GELU(x) - GELU(-x) is x, so that half of the wide units
    carry the vector through. The other half are random, and count for nothing yet.
    """
    widen = Dense(width, 4 * width, activation_function=nn.GELU())
    narrow = Dense(4 * width, width, activation_function=nn.Identity())
    both = torch.cat([torch.eye(width), -torch.eye(width)])
    with torch.no_grad():
        widen.linear.weight[: 2 * width] = both
        widen.linear.bias[: 2 * width] = 0
        narrow.linear.weight.zero_()
        narrow.linear.weight[:, : 2 * width] = both.T
        narrow.linear.bias.zero_()
    return [LayerNorm(width), widen, narrow]


def _plain_tokenizer(tokenizer: Any, base: str) -> Tokenizer:
    """Return a copy of a tokenizer of transformers that neither pads nor cuts.

    Raises:
        EffbenchError: it is not a fast tokenizer.

    """
    if not tokenizer.is_fast:
        raise EffbenchError(f"align: base {base!r} has no fast tokenizer (take one that has)")
    plain: Tokenizer = copy.deepcopy(tokenizer.backend_tokenizer)
    plain.no_padding()
    plain.no_truncation()
    return plain


def _recurrent(
    tokenizer: Tokenizer, options: Align, words: Tensor, hidden: int, width: int
) -> Recurrent:
    """Return a recurrent network above the word embeddings ``words`` [vocabulary, d]."""
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


def _transformer(options: Align, width: int, base: Any) -> list[Any]:
    """Return layers of the base, or random layers above its word embeddings.

    A pooling follows, and a linear layer if the widths differ.

    Raises:
        EffbenchError: the base has fewer layers than the student takes from it.

    """
    depth = base.config.num_hidden_layers
    if options.layers > depth and options.start != "random":
        raise EffbenchError(
            f"align: layers: {options.base!r} has {depth} (say up to {depth}, or start: random)"
        )
    student = open_transformer(
        options.base, options.revision, num_hidden_layers=min(options.layers, depth)
    )
    if options.start == "random":
        config = copy.deepcopy(base.config)
        config.num_hidden_layers = options.layers
        student.model = type(base)(config)
        student.model.get_input_embeddings().load_state_dict(
            base.get_input_embeddings().state_dict()
        )
    if options.start == "skipping":
        take_spread_layers(student.model, base)
    words = student.model.get_input_embeddings()
    words.requires_grad_(options.embeddings == "free")
    modules = [student, Pooling(words.weight.shape[1], options.pooling)]
    if words.weight.shape[1] != width:
        modules.append(Dense(words.weight.shape[1], width, activation_function=nn.Identity()))
    return modules


def save(student: Student, normalized: bool, folder: Path) -> None:
    """Write a student as a folder of Sentence Transformers."""
    model = SentenceTransformer(
        modules=student.modules(),
        device="cpu",
        similarity_fn_name="cosine" if normalized else "dot",
    )
    save_side(model, folder)


class TrainableStatic(nn.Module):
    """A static student in training: the mean of the token vectors times the token weights."""

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
        """Return the student as one table of float32 [vocabulary, width].

        The token weights and the projection are linear, so that they can be multiplied into the
        token vectors.
        """
        table = self.projection(self.embedding.weight * self.weight[:, None])
        return StaticEmbedding(tokenizer, embedding_weights=table.cpu())
