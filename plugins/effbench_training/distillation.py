"""Ranking distillation: the loss of ``distil``, and what is written at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import set_seed

from effbench import EffbenchError
from effbench_training import Distil
from effbench_training.batches import Batches, DrawnExample, ExampleSet, Features, SideFeatures
from effbench_training.loop import fit
from effbench_training.sides import freeze, save_side
from effbench_training.students import open_student

README = """\
# Trained by effbench

A small query encoder, trained on {queries} queries to rank passages as the row `{teacher}`
ranks them. Passages are encoded by the row `{passages}`.
"""


def divergence(scores: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Return the mean Kullback-Leibler divergence of softmaxes over rows of [n, m].

    It is that of the distribution of ``scores`` from the distribution of ``wanted``, both
    divided by ``temperature``. Sentence Transformers' `DistillKLDivLoss` is the same times the
    squared temperature, but reads a column of passages for each query: here all queries of a
    batch share all its passages, and a matrix product makes the scores.
    """
    given, goal = (
        nn.functional.log_softmax(each / temperature, 1) for each in (scores, wanted)
    )
    return nn.functional.kl_div(given, goal, reduction="batchmean", log_target=True)


def train(options: Distil, output_dir: Path, seed: int) -> None:
    """Train the student, and write it into ``output_dir``; continue from a checkpoint there.

    Raises:
        EffbenchError: student, data and targets do not fit together, or the loss is NaN.

    """
    set_seed(seed)
    data, vectors = options.data, options.data.vectors
    if vectors is None:
        raise EffbenchError("distil: the docs have no vectors (say passages: ROW in data)")
    student = open_student(options.student.folder)
    freeze("distil", student, options.embeddings)
    targets = _targets_of(options)
    widths = {
        "student's": student.get_embedding_dimension(),
        "targets'": options.targets.vectors.shape[1],
        "passages'": vectors([0]).shape[1],
    }
    if len({*widths.values()}) > 1:
        told = ", ".join(f"the {whose} {width}" for whose, width in widths.items())
        raise EffbenchError(
            f"distil: vectors differ in width: {told} (take the passages and the encoder that "
            "the student was aligned to)"
        )

    def save(folder: Path) -> dict[str, Any]:
        save_side(student, folder)
        names = {"teacher": options.targets.encoder, "passages": data.passages}
        text = README.format(queries=len(data.queries), **names)
        (folder / "README.md").write_text(text, encoding="utf-8")
        return {"queries": len(data.queries)}

    fit(
        "distil",
        Distillation(student, options.temperature),
        ExampleSet("distil", data, options.negatives, seed),
        _TaughtBatches(
            SideFeatures(student, options.query_max_length, None),
            lambda rows: torch.from_numpy(vectors(rows)),
            targets,
        ),
        save,
        output_dir,
        options=options,
        warmup=options.warmup_ratio,
        seed=seed,
    )


def _targets_of(options: Distil) -> Callable[[Sequence[str]], Tensor]:
    """Return a function from queries to the teacher's vectors of them, float32 [n, d].

    Raises:
        EffbenchError: a query of the data is not among the texts of the targets, or the
            texts have weights.

    """
    if options.targets.weights is not None:
        raise EffbenchError(
            "distil: targets: the queries of data decide how often a text is seen (leave "
            "weight out)"
        )
    vectors = options.targets.vectors
    row_of = {text: row for row, text in enumerate(options.targets.texts)}
    lost = [query for query in options.data.queries if _plain(query) not in row_of]
    if lost:
        raise EffbenchError(
            f"distil: targets: {len(lost)} of {len(options.data.queries)} queries of data are "
            f"not among the texts, the first {lost[0][:60]!r} (add {{queries: DATASET}} of "
            "each dataset in data)"
        )

    def read(queries: Sequence[str]) -> Tensor:
        rows = [row_of[_plain(query)] for query in queries]
        found = np.concatenate([vectors[row : row + 1] for row in rows])
        return torch.from_numpy(found.astype(np.float32))

    return read


def _plain(query: str) -> str:
    """Return a query as it stands among gathered texts, which have single blanks."""
    return " ".join(query.split())


class _TaughtBatches(Batches):
    """Makes the arguments of `Distillation` from drawn examples."""

    def __init__(
        self,
        queries: Callable[[Sequence[str]], Features],
        passages: Callable[[Sequence[int]], Tensor],
        targets: Callable[[Sequence[str]], Tensor],
    ) -> None:
        super().__init__(queries, passages)
        self._targets = targets

    def __call__(self, examples: Sequence[DrawnExample]) -> dict[str, Any]:
        """Return the arguments of `Distillation.forward` for a batch, by name."""
        made = super().__call__(examples)
        return {
            "queries": made["queries"],
            "passages": made["passages"],
            "targets": self._targets([example.query for example in examples]),
        }


class Distillation(nn.Module):
    """A student with its loss: how far its ranking of passages is from the teacher's."""

    def __init__(self, student: nn.Module, temperature: float) -> None:
        super().__init__()
        self.student = student
        self._temperature = temperature

    def forward(
        self, queries: Features, passages: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the device's queries.

        ``queries`` are features in one chunk, ``passages`` vectors [p, d], and ``targets`` the
        teacher's vectors [q, d] of the queries.
        """
        (features,) = queries
        vectors: Tensor = self.student(dict(features))["sentence_embedding"].float()
        with torch.autocast(vectors.device.type, enabled=False):  # no rounding to bf16
            scores, wanted = vectors @ passages.T, targets @ passages.T
            return {"loss": divergence(scores, wanted, self._temperature)}
