"""Recipes of ``align``: what a student begins with, the losses, and a second stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from effbench import EffbenchError, EncodedTexts, ModelId, TrainedModel
from effbench_small_query import Align, Realign, small_query
from tiny_students import ODD, STUDENTS, WIDTH, WORDS, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

STILL = {"epochs": 1, "learning_rate": 1e-12}
"""Options of a training that changes nothing to speak of."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return save_base(tmp_path_factory.mktemp("base"))


def about(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "about.json").read_text())
    return found


def cosine(folder: Path, given: EncodedTexts) -> float:
    vectors = small_query(folder).encode_queries(given.texts)
    return float((vectors * given.vectors[: len(given.texts)]).sum(1).mean())


def test_layers_are_spread_from_the_first_to_the_last() -> None:
    from effbench_small_query.starts import spread

    assert spread(6, 12) == [0, 2, 4, 7, 9, 11]
    assert spread(3, 3) == [0, 1, 2]
    assert spread(1, 12) == [0]


def test_a_student_that_skips_layers_has_those_of_its_base(
    base: ModelId, tmp_path: Path
) -> None:
    options = {"cell": "transformer", "layers": 2, "start": "skipping"}
    found = load_file(
        train(base, targets(), tmp_path, **options, **STILL) / "model.safetensors"
    )
    wanted = load_file(Path(base) / "model.safetensors")
    name = "encoder.layer.{}.output.dense.weight"
    for own, its in ((0, 0), (1, 2)):
        np.testing.assert_allclose(found[name.format(own)], wanted[name.format(its)], atol=1e-6)
    assert name.format(2) not in found


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_table_may_begin_with_the_vectors_of_single_words(
    base: ModelId, tmp_path: Path, pooling: str
) -> None:
    from effbench_transformer import TransformerEncoder

    options = {"cell": "static", "start": "vectors", "pooling": pooling}
    found = small_query(train(base, targets(), tmp_path, **options, **STILL))
    teacher = TransformerEncoder(base, pooling=pooling, normalize=True, device="cpu")
    wanted = teacher.encode_queries(WORDS)
    np.testing.assert_allclose(found.encode_queries(WORDS), wanted, atol=1e-5)


def test_whitened_vectors_keep_their_length_and_nearly_their_axes() -> None:
    from effbench_small_query.starts import whitened

    draw = torch.Generator().manual_seed(0)
    skew = torch.eye(4) + 0.2 * torch.rand(4, 4, generator=draw)
    vectors = torch.randn(500, 4, generator=draw) @ skew * torch.tensor([9.0, 3, 1, 0.1]) + 2
    white = whitened(vectors)
    covariance = torch.cov(white.T)
    torch.testing.assert_close(white.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        covariance, torch.eye(4) * covariance[0, 0], atol=1e-2, rtol=0.01
    )
    torch.testing.assert_close(white.norm(dim=1).mean(), vectors.norm(dim=1).mean())
    few = whitened(vectors[:3])  # fewer words than dimensions
    assert torch.isfinite(few).all()


@pytest.mark.parametrize("cell", ["gru", "static"])
def test_a_student_learns_from_whitened_words(base: ModelId, tmp_path: Path, cell: str) -> None:
    folder = train(
        base, targets(), tmp_path, cell=cell, start="whitened", embeddings="free", epochs=20
    )
    assert about(folder)["cosine"] > 0.8


def test_a_static_student_with_layers_is_read_by_sentence_transformers(
    base: ModelId, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    options = {"cell": "static", "feed_forward": 1, "embeddings": "free"}
    folder = train(base, targets(24), tmp_path, **options, epochs=20)
    assert about(folder)["cosine"] > 0.9
    names = [item["type"].rpartition(".")[2] for item in _modules(folder)]
    assert names == ["StaticEmbedding", "LayerNorm", "Dense", "Dense", "Normalize"]
    library = SentenceTransformer(str(folder), device="cpu").encode_query(ODD)
    np.testing.assert_allclose(small_query(folder).encode_queries(ODD), library, atol=1e-5)


def test_layers_above_a_table_only_normalise_before_training() -> None:
    from effbench_small_query.students import feed_forward

    vectors = torch.randn(8, WIDTH, generator=torch.Generator().manual_seed(0)) * 3 + 1
    found = torch.nn.Sequential(*feed_forward(WIDTH))({"sentence_embedding": vectors})
    wanted = torch.nn.functional.layer_norm(vectors, [WIDTH])
    torch.testing.assert_close(found["sentence_embedding"], wanted)


def pairs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    made = torch.randn(2, count, WIDTH, generator=draw)
    vectors, wanted = torch.nn.functional.normalize(made, dim=2)
    return vectors, wanted


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_a_ranking_is_that_of_sentence_transformers_without_the_text_itself(
    temperature: float,
) -> None:
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss

    from effbench_small_query.losses import loss_of

    vectors, wanted = pairs(5)
    library = DistillKLDivLoss(None, temperature=temperature)
    losses = []
    for row in range(5):
        others = [wanted[[other]] for other in range(5) if other != row]
        labels = torch.cat([wanted[row] @ other.T for other in others])[None]
        losses.append(library.compute_loss_from_embeddings([vectors[[row]], *others], labels))
    found = loss_of({"ranking": temperature})(vectors, wanted)
    expected = torch.stack(losses).mean() / temperature**2
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["kale", "ranking"])
def test_a_soft_loss_is_0_at_the_target_and_for_it_alone(name: str) -> None:
    from effbench_small_query.losses import loss_of

    loss = loss_of(name)
    vectors, wanted = pairs(6)
    vectors.requires_grad_()
    assert loss(wanted, wanted).item() == pytest.approx(0, abs=1e-6)
    assert loss(vectors, wanted) > loss_of({name: 10.0})(vectors, wanted) > 0
    loss(vectors, wanted).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    if name == "ranking":  # a batch of one has no other text
        assert loss(vectors[:1], wanted[:1]) == 0


@pytest.mark.parametrize("loss", ["mse", "kale", "ranking", {"ranking": 0.2}])
def test_a_student_learns_with_each_loss(base: ModelId, tmp_path: Path, loss: Any) -> None:
    options = {"cell": "static", "embeddings": "free", "epochs": 30}
    learnt = about(train(base, targets(), tmp_path, **options, loss=loss))
    assert learnt["last_loss"] < learnt["first_loss"] / 2
    assert learnt["own_target_first"] > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "static", "start": "skipping"}, "no start: skipping .say teacher, vectors"),
        ({"cell": "transformer", "start": "vectors"}, "no start: vectors .say teacher, skip"),
        ({"loss": {"cosine": 0.1}}, "align: loss: .'cosine': 0.1. is not one loss"),
        ({"loss": {"kale": 1.0, "ranking": 1.0}}, "is not one loss with its temperature"),
        ({"loss": {}}, "is not one loss with its temperature"),
        ({"loss": "ranking", "batch_size": 2}, "a batch of 2 has fewer than two other texts"),
        ({"loss": {"ranking": 0.1}, "batch_size": 1}, "say batch_size: 3 or more"),
    ],
)
def test_check_refuses(options: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"cell": "gru", "feed_forward": 0, "hidden": None, "batch_size": 8}
    with pytest.raises(EffbenchError, match=message):
        Align.check(**{**usual, "start": "teacher", "loss": "cosine", **options})


def test_layers_that_are_no_list_are_not_spread() -> None:
    from effbench_small_query.starts import take_spread_layers

    network: Any = torch.nn.Linear(2, 2)
    network.config = type("Config", (), {"num_hidden_layers": 2})
    with pytest.raises(EffbenchError, match="the layers of base are no list"):
        take_spread_layers(network, network)


def realigned(student: Path, folder: Path, given: EncodedTexts, **options: Any) -> Path:
    fast = {"epochs": 20, "batch_size": 8, "learning_rate": 1e-2, "warmup_steps": 2}
    Realign(given, TrainedModel("first", student), **{**fast, **options}).train(folder, seed=3)
    return folder


@pytest.mark.parametrize(
    ("name", "extra"), [*((name, {}) for name in STUDENTS), ("static", {"feed_forward": 1})]
)
def test_a_student_is_trained_further_and_keeps_its_shape(
    base: ModelId, tmp_path: Path, name: str, extra: dict[str, Any]
) -> None:
    given = targets(24)
    options = {**STUDENTS[name], **extra, "epochs": 1}
    before = train(base, given, tmp_path / "before", **options)
    after = realigned(before, tmp_path / "after", given, learning_rate=3e-3)
    assert cosine(after, given) > cosine(before, given) + 0.05
    assert _modules(after) == _modules(before)
    assert about(after)["steps"] == 20 * 6
    assert "The student `first`, trained on 48 texts" in (after / "README.md").read_text()


@pytest.mark.parametrize("name", ["gru", "static", "first-layers"])
def test_a_second_stage_begins_where_the_first_ended(
    base: ModelId, tmp_path: Path, name: str
) -> None:
    before = train(base, targets(), tmp_path / "before", **STUDENTS[name])
    options = {"loss": "ranking", "embeddings": "frozen", **STILL}
    after = realigned(before, tmp_path / "after", targets(), **options)
    found, wanted = (small_query(each).encode_queries(ODD) for each in (after, before))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def _modules(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "modules.json").read_text())
    return found


def test_a_student_that_cannot_be_trained_further_is_one_line(
    base: ModelId, tmp_path: Path
) -> None:
    student = train(base, targets(), tmp_path / "student", cell="static", epochs=1)
    with pytest.raises(EffbenchError, match="'first' are 32 wide, the targets' 24"):
        realigned(student, tmp_path / "narrow", targets(24))
    with pytest.raises(EffbenchError, match=r"realign: loss: \{'mse'"):
        Realign.check(loss={"mse": 1.0}, batch_size=8)
    config = student / "config_sentence_transformers.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "prompts": {"query": "q"}}))
    with pytest.raises(EffbenchError, match="'first' has a prompt"):
        realigned(student, tmp_path / "prompt", targets())
