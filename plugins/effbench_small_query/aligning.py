"""The options of ``align`` and ``realign``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from effbench import EffbenchError, EncodedTexts, ModelId, SpeedOnly, TrainedModel
from effbench_training import Count, LoopTrainer, Natural, Positive

RECURRENT = ("gru", "lstm")
LAYER_STARTS = ("teacher", "skipping", "random")
WORD_STARTS = ("teacher", "vectors", "whitened")
TEMPERED = ("kale", "ranking")
"""The losses of `AlignLoop` that take a temperature."""
RANKED = 3
"""Texts of a batch in which `ranking` says something: one other text is always the first."""

LossName: TypeAlias = Literal["cosine", "mse", "kale", "ranking"] | Mapping[str, Positive]
"""The name of a loss, or a mapping of its name to its temperature."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AlignLoop(LoopTrainer):
    """The options that ``align`` and ``realign`` share.

    The docstring of `Align` says what they mean.
    """

    targets: EncodedTexts
    embeddings: Literal["frozen", "free"]
    loss: LossName = "cosine"
    warmup_steps: Natural = 1000
    batch_size: Count = 64
    max_length: Count = 16
    checkpoint_steps: SpeedOnly[Count] = 2000


@dataclass(frozen=True, eq=False)
class Align(AlignLoop):
    """Train a small query encoder to give the vectors that a large encoder gave.

    The small encoder is the student, the large encoder is the teacher. ``targets`` are texts
    with the teacher's vectors. ``base`` is a Hugging Face model, a folder or a hub id. The
    student takes the tokenizer of ``base``, and begins with parts of it (``start``). ``cell``
    is the kind of the student:

    - ``gru``, ``lstm``: a recurrent network of ``layers`` layers with ``hidden`` units each
      (default: the teacher's width) reads the tokens of a text without special tokens.
      ``feed_forward`` layers of BERT's shape turn its last state into the vector.
    - ``transformer``: ``layers`` layers. ``pooling`` makes the vector from the token vectors.
    - ``static``: a table with a vector and a weight for each token; a text's vector is the
      weighted mean. No network runs when a query is encoded, unless ``feed_forward`` layers
      follow: each normalises, widens four times, applies GELU and narrows. They change only
      the mean and scale of a vector before they are trained (as in Net2Net, Chen, Goodfellow
      and Shlens, ICLR 2016).

    ``start`` says what a ``transformer`` begins with, above the word embeddings of ``base``:

    - ``teacher``: its first layers;
    - ``skipping``: layers spread evenly from its first to its last (Shleifer and Rush,
      Pre-trained summarization distillation, 2020, arXiv 2010.13002; DistilBERT takes every
      other one);
    - ``random``: new layers with random weights.

    The other students have a table of words, and it begins with:

    - ``teacher``: the word embeddings of ``base``;
    - ``vectors``: the vectors that ``base`` gives to each word alone, pooled by ``pooling``
      (Model2Vec, Tulkens and van Dongen, 2024). They lie in the teacher's space if ``base`` is
      the teacher's model;
    - ``whitened``: the same with mean 0 and no correlation of dimensions. The axes stay (Kessy,
      Lewin and Strimmer, Optimal whitening and decorrelation, 2018), and so does the length.

    The word ``embeddings`` are ``frozen`` or trained (``free``). If the student's width differs
    from the teacher's, a linear layer ends the student; ``projection: false`` makes this an
    error. The student normalises its vectors if the teacher's vectors are normalised.

    ``loss`` says how far the student's vectors are from the teacher's:

    - ``cosine``: the negative cosine; ``mse``: the mean squared error of a dimension;
    - ``kale``: a softmax makes a distribution over the dimensions of each vector, and the loss
      is the Kullback-Leibler divergence of the student's from the teacher's (Campos, Magnani
      and Zhai, Quick dense retrievers consume KALE, SustaiNLP 2023, arXiv 2304.01016: they
      drop layers of a trained encoder, and align it after);
    - ``ranking``: the softmax is over the inner products with the targets of the other texts
      in the batch, so that the student learns what the teacher finds nearer. The divergence of
      rankings is the loss of TCT-ColBERT (Lin, Yang and Lin, RepL4NLP 2021).

    These two softmaxes divide by a temperature, 0.05 where the loss is only named; say another
    as ``{ranking: 0.1}``. About 0.05 suits normalised vectors, 1 others.

    The optimizer is AdamW: the learning rate rises for ``warmup_steps`` steps, then falls
    linearly to 0. Where that is more than half of all steps, a tenth of all steps is taken
    instead. ``batch_size`` counts texts per device. In training, texts are cut at
    ``max_length`` tokens. A checkpoint is saved every ``checkpoint_steps`` steps and every 5
    minutes. The defaults are the paper's; a ``static`` student needs a larger learning rate,
    such as 3e-3.

    Raises:
        EffbenchError: options, base or targets do not fit together, or the loss is NaN.

    """

    version = 2  # version 1 let a warm-up that was longer than the training run to the end

    targets: EncodedTexts
    base: ModelId
    _: KW_ONLY
    revision: str | None = None
    cell: Literal["gru", "lstm", "transformer", "static"]
    layers: Count = 1
    feed_forward: Natural = 0
    hidden: Count | None = None
    embeddings: Literal["frozen", "free"] = "frozen"
    start: Literal["teacher", "skipping", "random", "vectors", "whitened"] = "teacher"
    pooling: Literal["mean", "cls", "max"] = "mean"
    projection: bool = True
    epochs: Count = 3
    learning_rate: Positive = 1e-4

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the student as a folder of Sentence Transformers; write modules.json last."""
        from effbench_small_query.training import train

        train(self, output_dir, seed)

    @staticmethod
    def check(
        *,
        cell: str,
        feed_forward: int,
        hidden: int | None,
        start: str,
        loss: LossName,
        batch_size: int,
        **_: object,
    ) -> None:
        """Raise `EffbenchError` for an option that this kind of student does not take."""
        _check_loss("align", loss, batch_size)
        if cell not in RECURRENT and hidden is not None:
            raise EffbenchError(f"align: a {cell} student takes no hidden (drop it)")
        if cell == "transformer" and feed_forward:
            raise EffbenchError("align: a transformer student takes no feed_forward (drop it)")
        starts = LAYER_STARTS if cell == "transformer" else WORD_STARTS
        if start not in starts:
            raise EffbenchError(
                f"align: a {cell} student takes no start: {start} (say {', '.join(starts)})"
            )


@dataclass(frozen=True, eq=False)
class Realign(AlignLoop):
    """Train a student further: a second stage, often with another loss or other texts.

    ``student`` is a row of ``models`` that ``align`` or another trainer made: any student
    whose first module is a table of words, a transformer, or a recurrent network of ``align``.
    Its shape stays. Its vectors are as wide as the teacher's. The usual stages are alignment
    first and ``loss: ranking`` after, with a small learning rate. The word ``embeddings`` are
    trained (``free``) or ``frozen``. The other options are those of ``align``.

    Raises:
        EffbenchError: student and targets do not fit together, or the loss is NaN.

    """

    targets: EncodedTexts
    student: TrainedModel
    _: KW_ONLY
    embeddings: Literal["frozen", "free"] = "free"
    epochs: Count = 1
    learning_rate: Positive = 1e-4

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the student as a folder of Sentence Transformers; write modules.json last."""
        from effbench_small_query.training import train

        train(self, output_dir, seed)

    @staticmethod
    def check(*, loss: LossName, batch_size: int, **_: object) -> None:
        """Raise `EffbenchError` for a loss that takes no temperature or no such batches."""
        _check_loss("realign", loss, batch_size)


def _check_loss(who: str, loss: LossName, batch_size: int) -> None:
    if not isinstance(loss, str) and (len(loss) != 1 or not {*loss} <= {*TEMPERED}):
        raise EffbenchError(
            f"{who}: loss: {dict(loss)} is not one loss with its temperature (say "
            "{ranking: 0.05} or {kale: 0.05}; cosine and mse take none)"
        )
    if "ranking" in (loss if isinstance(loss, Mapping) else (loss,)) and batch_size < RANKED:
        raise EffbenchError(
            f"{who}: loss: ranking: a batch of {batch_size} has fewer than two other texts to "
            f"rank (say batch_size: {RANKED} or more)"
        )
