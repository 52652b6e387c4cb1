"""Contrastive training of encoders, and the mining of its hard negatives.

Cohen, Fairstein and Kushilevitz (Extremely efficient online query encoding for dense retrieval,
Findings of NAACL 2024) train a small query encoder and a large passage encoder so, after the
recipe of Gao and Callan's coCondenser (ACL 2022); both stages serve any bi-encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from effbench import (
    EffbenchError,
    Examples,
    ModelId,
    SearchedDataset,
    SpeedOnly,
    TrainedModel,
    Trainer,
    hookimpl,
)


class Mine:
    """Mine hard negatives: hits of an encoder or retriever that are not judged relevant.

    Of each query's hits from rank ``first_rank`` down to the depth of ``hits``, those that are
    judged relevant are left out, and with a ``margin`` those that score above the best
    relevant hit less ``margin`` (and all of them if no relevant doc was found). ``negatives``
    of the rest are kept: drawn at random with the seed, or the ``top`` ones.

    Raises:
        EffbenchError: options make no sense, or nothing is left.

    """

    def __init__(
        self,
        hits: SearchedDataset,
        *,
        negatives: int = 30,
        pick: Literal["random", "top"] = "random",
        first_rank: int = 1,
        margin: float | None = None,
    ) -> None:
        self._hits = hits
        self._choice = Choice(negatives, pick, first_rank, margin)

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write ``docpairs.tsv``: query_id, a relevant doc_id, a negative's doc_id a line."""
        from effbench_training.mining import mine

        mine(self._hits, self._choice, output_dir, seed)

    @staticmethod
    def check(*, negatives: int = 30, first_rank: int = 1, **others: object) -> None:
        """Raise `EffbenchError` for senseless numbers."""
        check_positive("mine", negatives=negatives, first_rank=first_rank)


class Choice(NamedTuple):
    """Which hits become negatives."""

    negatives: int
    pick: str
    first_rank: int
    margin: float | None


class Contrastive:
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
    together = True
    requires: ClassVar[Mapping[str, str]] = {
        "accelerate": "effbench[train]",
        "sentence_transformers": "effbench[sentence-transformers]",
    }

    def __init__(
        self,
        data: Examples,
        *,
        student: TrainedModel | None = None,
        base: ModelId | None = None,
        revision: str | None = None,
        pooling: Literal["mean", "cls", "max"] = "cls",
        normalize: bool = False,
        embeddings: Literal["frozen", "free"] = "free",
        negatives: int = 7,
        temperature: float = 1.0,
        epochs: int = 3,
        learning_rate: float = 5e-6,
        query_learning_rate: float | None = None,
        warmup_ratio: float = 0.1,
        batch_size: int = 8,
        query_max_length: int = 32,
        max_length: int = 128,
        shared_negatives: bool = True,
        cached: SpeedOnly[int | None] = None,
        bf16: bool = False,
        checkpoint_steps: SpeedOnly[int] = 2000,
    ) -> None:
        self._data = data
        self._start = Start(
            student and student.folder, base, revision, pooling, normalize, embeddings,
            query_max_length, max_length,
        )  # fmt: skip
        self._objective = Objective(negatives, temperature, shared_negatives, cached)
        self._schedule = Schedule(
            epochs, learning_rate, warmup_ratio, batch_size, bf16, checkpoint_steps,
            query_learning_rate,
        )  # fmt: skip

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the query side for Sentence Transformers, a passage side in ``passages``."""
        from effbench_training.contrastive import train

        train(self._data, self._start, self._objective, self._schedule, output_dir, seed)

    @staticmethod
    def check(
        *,
        negatives: int = 7,
        temperature: float = 1.0,
        epochs: int = 3,
        learning_rate: float = 5e-6,
        query_learning_rate: float | None = None,
        warmup_ratio: float = 0.1,
        batch_size: int = 8,
        cached: int | None = None,
        **others: object,
    ) -> None:
        """Raise `EffbenchError` for senseless numbers."""
        check_positive(
            "contrastive",
            negatives=negatives + 1,
            temperature=temperature,
            epochs=epochs,
            learning_rate=learning_rate,
            query_learning_rate=1 if query_learning_rate is None else query_learning_rate,
            batch_size=batch_size,
            cached=1 if cached is None else cached,
        )
        check_warmup("contrastive", warmup_ratio)


class Start(NamedTuple):
    """What is trained, and how its texts are cut."""

    student: Path | None
    base: str | None
    revision: str | None
    pooling: str
    normalize: bool
    embeddings: str
    query_max_length: int
    max_length: int


class Objective(NamedTuple):
    """What the loss compares."""

    negatives: int
    temperature: float
    shared_negatives: bool
    cached: int | None


class Schedule(NamedTuple):
    """How fast, how long."""

    epochs: int
    learning_rate: float
    warmup_ratio: float
    batch_size: int
    bf16: bool
    checkpoint_steps: int
    query_learning_rate: float | None = None
    """Where the query side has a rate of its own."""

    def arguments(self) -> dict[str, Any]:
        """Return them under the names of transformers' `TrainingArguments`."""
        return {
            "num_train_epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "warmup_steps": self.warmup_ratio,
            "per_device_train_batch_size": self.batch_size,
            "bf16": self.bf16,
            "save_steps": self.checkpoint_steps,
        }


def check_warmup(who: str, warmup_ratio: float) -> None:
    """Raise `EffbenchError` for what is no share of the steps, or most of them."""
    if not 0 <= warmup_ratio <= 0.5:
        raise EffbenchError(
            f"{who}: warmup_ratio: {warmup_ratio} is no share of steps up to a half (say 0.1)"
        )


def check_positive(who: str, **numbers: float) -> None:
    """Raise `EffbenchError` for a number that is not above 0."""
    for name, number in numbers.items():
        if not number > 0:
            raise EffbenchError(f"{who}: {name} is too small (say a larger number)")


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``mine`` and ``contrastive``."""
    return {"mine": Mine, "contrastive": Contrastive}
