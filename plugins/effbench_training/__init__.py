"""Contrastive training of encoders, and the mining of its hard negatives.

Cohen, Fairstein and Kushilevitz (Extremely efficient online query encoding for dense retrieval,
Findings of NAACL 2024) train a small query encoder and a large passage encoder so, after the
recipe of Gao and Callan's coCondenser (ACL 2022); both stages serve any bi-encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import (
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
"""A share of all steps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LoopTrainer:
    """What all trainers have in common that train with `effbench_training.loop`."""

    together = True
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
    """Mine hard negatives: hits of an encoder or retriever that are not judged relevant.

    Of each query's hits from rank ``first_rank`` down to the depth of ``hits``, those that are
    judged relevant are left out, and with a ``margin`` those that score above the best
    relevant hit less ``margin`` (and all of them if no relevant doc was found). ``negatives``
    of the rest are kept: drawn at random with the seed, or the ``top`` ones.

    Raises:
        EffbenchError: options make no sense, or nothing is left.

    """

    hits: SearchedDataset
    _: KW_ONLY
    negatives: Count = 30
    pick: Literal["random", "top"] = "random"
    first_rank: Count = 1
    margin: float | None = None

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write ``docpairs.tsv``: query_id, a relevant doc_id, a negative's doc_id a line."""
        from effbench_training.mining import mine

        mine(self, output_dir, seed)


@dataclass(frozen=True, eq=False)
class Contrastive(LoopTrainer):
    """Train an encoder to score a query's good docs above all others of the batch.

    The loss is softmax cross-entropy over the passages of the batch: for each query a good one
    and ``negatives`` of its bad ones, all drawn anew for every epoch. Passages that are good
    for a query, though another query brought them, are left out of its sum. Scores are inner
    products divided by ``temperature``; the paper's vectors have no unit length and take 1,
    normalised ones want about 0.05.

    What is trained:

    - ``student`` and ``passages`` of ``data``: the student alone. Passages stay what that row
      made of them, so its vectors and indexes are used as they are.
    - ``student`` and ``base``: the student, and a passage encoder that starts from ``base``.
      The model holds both; its row needs no ``passages``, its corpus is encoded anew.
    - ``base`` alone: one encoder for queries and passages, with ``pooling`` and ``normalize``.

    AdamW with ``learning_rate``, the query side with ``query_learning_rate`` if given;
    ``warmup_ratio`` of all steps, then linear decay. ``batch_size`` queries a device.
    ``shared_negatives``: passages of all devices are in the sum. ``cached``: gradients for
    batches that do not fit, that many texts through an encoder at once, their activations
    computed again on the way back. Texts are cut at ``query_max_length`` and ``max_length``
    tokens, and where the positions of ``base`` end. Word ``embeddings`` stay ``frozen`` or are
    trained.

    Raises:
        EffbenchError: options, models and data do not go together, or the loss is NaN.

    """

    version = 2  # 1 rounded scores to bf16 under bf16

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
        """Write the query side for Sentence Transformers, a passage side in ``passages``."""
        from effbench_training.contrastive import train

        train(self, output_dir, seed)


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``mine`` and ``contrastive``."""
    return {"mine": Mine, "contrastive": Contrastive}
