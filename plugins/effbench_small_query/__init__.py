"""Small query encoders that land in the vector space of a large passage encoder.

Cohen, Fairstein and Kushilevitz, Extremely efficient online query encoding for dense
retrieval, Findings of NAACL 2024: ``align`` trains a student on the teacher's query vectors,
``small-query`` encodes queries with it, ``passages: TEACHER`` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from effbench import (
    EffbenchError,
    EncodedTexts,
    ModelId,
    QueryEncoder,
    SpeedOnly,
    TrainedModel,
    Trainer,
    hookimpl,
)
from effbench_training import Count, LoopTrainer, Natural, Positive

if TYPE_CHECKING:
    from collections.abc import Callable

RECURRENT = ("gru", "lstm")


@dataclass(frozen=True, eq=False)
class Align(LoopTrainer):
    """Train a student to give the teacher's vectors of ``targets``.

    ``base`` is the Hugging Face model, a folder or hub id, that tokenizer and word embeddings
    are taken from, and layers for a transformer that starts from the ``teacher``. Students:

    - ``gru``, ``lstm``: ``layers`` of ``hidden`` units (the teacher's width when not given)
      read the tokens, no special ones among them; the last state, after ``feed_forward``
      layers of BERT's shape, is the vector.
    - ``transformer``: the first ``layers`` of ``base``, or as many ``random`` ones.
    - ``static``: a vector and a weight per token, averaged; no network at query time.

    Word ``embeddings`` stay ``frozen`` or are trained (``free``). Where widths differ, a linear
    ``projection`` ends the student. Vectors are normalised if the teacher's are.

    AdamW, ``warmup_steps`` (where they are more than half of all, a tenth of all) and then
    linear decay; ``batch_size`` is per device, texts are cut at ``max_length`` tokens for
    training. Defaults are the paper's; a static student wants a larger learning rate, such as
    3e-3. Every ``checkpoint_steps``, and every 5 minutes, a checkpoint is kept.

    Raises:
        EffbenchError: options, base or targets do not go together, or the loss is NaN.

    """

    version = 2  # 1 let a warm-up of more steps than there are run to the end

    targets: EncodedTexts
    base: ModelId
    _: KW_ONLY
    revision: str | None = None
    cell: Literal["gru", "lstm", "transformer", "static"]
    layers: Count = 1
    feed_forward: Natural = 0
    hidden: Count | None = None
    embeddings: Literal["frozen", "free"] = "frozen"
    start: Literal["teacher", "random"] = "teacher"
    pooling: Literal["mean", "cls", "max"] = "mean"
    projection: bool = True
    loss: Literal["cosine", "mse"] = "cosine"
    epochs: Count = 3
    learning_rate: Positive = 1e-4
    warmup_steps: Natural = 1000
    batch_size: Count = 64
    max_length: Count = 16
    checkpoint_steps: SpeedOnly[Count] = 2000

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the student as a Sentence Transformers folder, its modules.json last."""
        from effbench_small_query.training import train

        train(self, output_dir, seed)

    @staticmethod
    def check(
        *, cell: str, feed_forward: int, hidden: int | None, start: str, **_: object
    ) -> None:
        """Raise `EffbenchError` for options of another student."""
        if cell not in RECURRENT and (feed_forward or hidden is not None):
            raise EffbenchError(
                f"align: a {cell} student takes no feed_forward and no hidden (drop them)"
            )
        if cell != "transformer" and start != "teacher":
            raise EffbenchError(f"align: a {cell} student takes no start (leave it out)")


def small_query(
    model: TrainedModel | Path,
    *,
    device: SpeedOnly[str] = "auto",
    int8: bool = False,
    precompute: SpeedOnly[bool] = False,
) -> QueryEncoder:
    """Open a student that ``align`` trained.

    A recurrent one also reads queries while they are typed. ``int8`` quantises the weights
    of its products, on a CPU. ``precompute`` multiplies a recurrent student's word embeddings
    by its input weights once for all: faster, for vocabulary x 3 (LSTM: 4) x hidden floats.

    Raises:
        EffbenchError: the folder holds no student, or an option does not suit it.

    """
    from effbench_small_query.reading import open_student

    folder = model.folder if isinstance(model, TrainedModel) else model
    return open_student(folder, device, int8, precompute)


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``align``."""
    return {"align": Align}


@hookimpl
def effbench_encoders() -> Mapping[str, Callable[..., QueryEncoder]]:
    """Offer ``small-query``."""
    return {"small-query": small_query}
