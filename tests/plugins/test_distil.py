"""Ranking distillation: a student learns to rank passages as its teacher does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_bert
from effbench import Doc, EffbenchError, EncodedTexts, Examples, ModelId, TrainedModel
from effbench_training import Distil

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

LETTERS = "abcdefghijkl"
WIDTH = 32


def vectors_of(seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(len(LETTERS), WIDTH)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


DOCS = vectors_of(1)


def examples(vectors: bool = True) -> Examples:
    docs = [Doc(f"d-{letter}", letter) for letter in LETTERS]
    count = len(LETTERS)
    return Examples(
        [f"{letter}  {letter} " for letter in LETTERS],  # gathered texts have single blanks
        [[i] for i in range(count)],
        [[(i + step) % count for step in range(1, 6)] for i in range(count)],
        docs,
        (lambda rows: DOCS[list(rows)]) if vectors else None,
        "big" if vectors else None,
        [0] * count,
    )


def targets(vectors: np.ndarray | None = None) -> EncodedTexts:
    """The teacher's vectors of the queries, in another order than theirs."""
    texts = ["unused", *(f"{letter} {letter}" for letter in reversed(LETTERS))]
    made = vectors_of(2) if vectors is None else vectors
    return EncodedTexts(texts, np.concatenate([made[:1], made[::-1]]), "big")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("base"))))


def aligned(base: ModelId, folder: Path, cell: str) -> TrainedModel:
    from effbench_small_query import Align

    given = EncodedTexts(list(LETTERS), vectors_of(3), "big")
    Align(given, base, cell=cell, embeddings="free", epochs=1).train(folder, seed=0)
    return TrainedModel("student", folder)


@pytest.fixture(scope="module")
def student(base: ModelId, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return aligned(base, tmp_path_factory.mktemp("static"), "static")


def distilled(folder: Path, student: TrainedModel, **options: Any) -> Path:
    fast = {"epochs": 40, "batch_size": 4, "learning_rate": 1e-2, "negatives": 3}
    given = {"data": examples(), "targets": targets(), **fast, **options}
    Distil(given.pop("data"), student, given.pop("targets"), **given).train(folder, seed=1)
    return folder


def agreement(folder: Path) -> float:
    """Return the mean correlation of the student's scores with the teacher's, over queries."""
    from effbench_small_query import small_query

    queries = small_query(folder).encode_queries([f"{letter} {letter}" for letter in LETTERS])
    pairs = zip(queries @ DOCS.T, vectors_of(2) @ DOCS.T, strict=True)
    return float(np.mean([np.corrcoef(own, its)[0, 1] for own, its in pairs]))


@pytest.mark.parametrize(
    ("cell", "rate"), [("gru", 0.01), ("static", 0.05), ("transformer", 0.005)]
)
def test_a_student_learns_the_ranking_of_its_teacher(
    base: ModelId, tmp_path: Path, cell: str, rate: float
) -> None:
    student = aligned(base, tmp_path / "aligned", cell)
    folder = distilled(tmp_path / "distilled", student, learning_rate=rate)
    assert agreement(folder) > max(0.6, agreement(student.folder) + 0.3)
    said = json.loads((folder / "about.json").read_text())
    assert said["queries"] == len(LETTERS)
    assert said["last_loss"] < said["first_loss"] / 2
    assert "as the row `big`\nranks them" in (folder / "README.md").read_text()


def test_frozen_words_stay(base: ModelId, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    student = aligned(base, tmp_path / "aligned", "gru")
    folder = distilled(tmp_path / "frozen", student, embeddings="frozen", epochs=1)
    before, after = (load_file(each / "model.safetensors") for each in (student.folder, folder))
    np.testing.assert_array_equal(after["embedding.weight"], before["embedding.weight"])
    assert np.abs(after["rnn.weight_hh_l0"] - before["rnn.weight_hh_l0"]).max() > 0


def test_the_loss_is_that_of_sentence_transformers() -> None:
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss

    from effbench_training.distillation import Distillation

    class Given(torch.nn.Module):
        def forward(self, features: Any) -> Any:
            return {"sentence_embedding": features["x"]}

    queries, wanted = torch.from_numpy(vectors_of(5)[:3]), torch.from_numpy(vectors_of(6)[:3])
    passages = torch.from_numpy(DOCS[:7])
    found = Distillation(Given(), 0.5)([{"x": queries}], passages, wanted)["loss"]
    library = DistillKLDivLoss(None, temperature=0.5)
    columns = [passage.expand(3, -1) for passage in passages]
    expected = library.compute_loss_from_embeddings([queries, *columns], wanted @ passages.T)
    torch.testing.assert_close(found, expected / 0.5**2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": examples(vectors=False)}, "the docs have no vectors .say passages: ROW"),
        (
            {"targets": EncodedTexts(["a a"], vectors_of(2)[:1], "big")},
            "11 of 12 queries of data are not among the texts, the first 'b  b '",
        ),
        (
            {"targets": targets(vectors_of(2)[:, :8])},
            "the student's 32, the targets' 8, the passages' 32",
        ),
        ({"embeddings": "frozen"}, "distil: a static student is nothing but embeddings"),
    ],
)
def test_what_does_not_fit_is_one_line(
    student: TrainedModel, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(EffbenchError, match=message) as error:
        distilled(tmp_path, student, **options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.json"))
