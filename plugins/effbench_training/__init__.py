"""Training with passages: the options of ``mine``, ``contrastive`` and ``distil``.

``mine`` finds hard negatives, ``contrastive`` trains with them; both serve any bi-encoder.
``distil`` trains a student to rank passages as its teacher does.
Cohen, Fairstein and Kushilevitz (Extremely efficient online query encoding for dense retrieval,
Findings of NAACL 2024) train a small query encoder and a large passage encoder in this way.
They follow the recipe of Gao and Callan's coCondenser (ACL 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import (
    EncodedTexts,
    Examples,
    ModelId,
    SearchedDataset,
    SpeedOnly,
    TrainedModel,
    Trainer,
    hookimpl,
)

Natural: TypeAlias = Annotated[int, Meta(ge=0)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
Positive: TypeAlias = Annotated[float, Meta(gt=0)]
Warmup: TypeAlias = Annotated[float, Meta(ge=0, le=0.5)]
"""The warm-up as a share of all steps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LoopTrainer:
    """The options of every trainer that trains with `effbench_training.loop.fit`.

    ``batch_size`` counts texts or queries per device. ``bf16`` calculates in bfloat16 where
    torch considers it safe. A checkpoint is saved every ``checkpoint_steps`` steps.
    """

    together = True  # torchrun's processes train one model together
    requires: ClassVar[Mapping[str, str]] = {
        "accelerate": "effbench[train]",
        "sentence_transformers": "effbench[sentence-transformers]",
    }

    epochs: Count
    learning_rate: Positive
    batch_size: Count
    bf16: bool = False
    checkpoint_steps: SpeedOnly[Count]


@dataclass(frozen=True, eq=False)
class Mine:
    """Mine hard negatives: docs that a row finds for a query and nobody judged relevant.

    ``hits`` are the hits of an encoder or a retriever for the queries of a dataset. From each
    query's hits, ``mine`` removes the hits above rank ``first_rank`` and the docs that are
    judged relevant. A ``margin`` also removes every hit whose score is higher than the score of
    the best relevant hit minus ``margin``; if no hit is relevant, it removes all hits of the
    query. ``negatives`` of the remaining hits are kept: drawn at ``random`` with the seed, or
    the ``top`` of them.

    Raises:
        EffbenchError: no negative is left.

    """

    hits: SearchedDataset
    _: KW_ONLY
    negatives: Count = 30
    pick: Literal["random", "top"] = "random"
    first_rank: Count = 1
    margin: float | None = None

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write ``docpairs.tsv``: query_id, relevant doc_id and negative doc_id per line."""
        from effbench_training.mining import mine

        mine(self, output_dir, seed)


@dataclass(frozen=True, eq=False)
class Contrastive(LoopTrainer):
    """Train an encoder to score a query's positive docs above all other docs of the batch.

    For each query of a batch, one of its positives and ``negatives`` of its negatives are drawn
    anew in every epoch. These docs of all queries are the passages of the batch. The loss is
    softmax cross-entropy over them. A passage of another query that is also a positive of this
    query is left out of this query's softmax. A score is the inner product divided by
    ``temperature``: 1 suits the paper's vectors, which are not normalised; about 0.05 suits
    normalised vectors.

    The options decide what is trained:

    ``student`` is a model of Sentence Transformers that any trainer wrote, such as ``align``.

    - ``student``, and ``data`` with ``passages``: the student only. The passage vectors do not
      change, so the vectors and indexes of the row ``passages`` are used again.
    - ``student`` and ``base``: the student, and a passage encoder that starts as ``base``. The
      model holds both; its row needs no ``passages``, and its corpus is encoded again.
    - ``base`` only: one encoder for queries and passages, with ``pooling`` and ``normalize``.

    The optimizer is AdamW with ``learning_rate``; the query side takes ``query_learning_rate``
    if it is given. The learning rate rises during ``warmup_ratio`` of all steps, then falls
    linearly to 0. ``batch_size`` counts queries per device. With ``shared_negatives``, the
    passages of all devices are in the softmax. ``cached`` saves memory for large batches: that
    many texts go through an encoder at once, and their activations are computed again in the
    backward pass. Queries are cut at ``query_max_length`` tokens, passages at ``max_length``
    tokens, both where the positions of ``base`` end. The word ``embeddings`` are ``frozen`` or
    trained (``free``).

    Raises:
        EffbenchError: options, models and data do not fit together, or the loss is NaN.

    """

    version = 2  # version 1 rounded scores to bfloat16 if bf16 was on

    data: Examples
    _: KW_ONLY
    student: TrainedModel | None = None
    base: ModelId | None = None
    revision: str | None = None
    pooling: Literal["mean", "cls", "max"] = "cls"
    normalize: bool = False
    embeddings: Literal["frozen", "free"] = "free"
    negatives: Natural = 7
    temperature: Positive = 1.0
    epochs: Count = 3
    learning_rate: Positive = 5e-6
    query_learning_rate: Positive | None = None
    warmup_ratio: Warmup = 0.1
    batch_size: Count = 8
    query_max_length: Count = 32
    max_length: Count = 128
    shared_negatives: bool = True
    cached: SpeedOnly[Count | None] = None
    checkpoint_steps: SpeedOnly[Count] = 2000

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the query side for Sentence Transformers, a passage side into ``passages``."""
        from effbench_training.contrastive import train

        train(self, output_dir, seed)


@dataclass(frozen=True, eq=False)
class Distil(LoopTrainer):
    """Train a student to rank passages as its teacher ranks them (ranking distillation).

    For each query of a batch, one of its positives and ``negatives`` of its negatives are drawn
    anew in every epoch. These docs of all queries are the passages of the batch. The teacher
    gives each query a distribution over them, a softmax of the inner products with its own
    vector of the query, divided by ``temperature``; so does the student. The loss is the
    Kullback-Leibler divergence of the student's from the teacher's. The method is that of
    TCT-ColBERT (Lin, Yang and Lin, In-batch negatives for knowledge distillation with
    tightly-coupled teachers for dense retrieval, RepL4NLP 2021), with passages that do not
    change. Judgments decide only which passages a batch holds.

    ``student`` is a model of Sentence Transformers that any trainer wrote, such as ``align``.
    ``data`` has ``passages``, the row whose vectors the student searches. ``targets`` has the
    teacher's vectors of all queries of ``data``: its texts name the same datasets, as
    ``{queries: DATASET}``, and its encoder is that of ``passages``, or another one in the same
    vector space.

    A temperature of about 0.05 suits normalised vectors, 1 others. The optimizer is AdamW: the
    learning rate rises during ``warmup_ratio`` of all steps, then falls linearly to 0.
    ``batch_size`` counts queries per device. A transformer cuts queries at
    ``query_max_length`` tokens. The word ``embeddings`` are ``frozen`` or trained (``free``).

    Raises:
        EffbenchError: student, data and targets do not fit together, or the loss is NaN.

    """

    data: Examples
    student: TrainedModel
    targets: EncodedTexts
    _: KW_ONLY
    embeddings: Literal["frozen", "free"] = "free"
    negatives: Natural = 7
    temperature: Positive = 0.05
    epochs: Count = 3
    learning_rate: Positive = 1e-4
    warmup_ratio: Warmup = 0.1
    batch_size: Count = 32
    query_max_length: Count = 32
    checkpoint_steps: SpeedOnly[Count] = 2000

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the student as a folder of Sentence Transformers; write modules.json last."""
        from effbench_training.distillation import train

        train(self, output_dir, seed)


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``mine``, ``contrastive`` and ``distil``."""
    return {"mine": Mine, "contrastive": Contrastive, "distil": Distil}
