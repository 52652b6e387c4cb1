"""Training a soft prompt: what it learns, what it leaves alone, mixtures of tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from effbench import EffbenchError, Examples, ModelId, TrainedModel
from effbench_soft_prompt import soft_prompt
from tiny_prompts import LETTERS, encoder, examples, vectors_of, words_of

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("backbone"))))


def train(folder: Path, data: Examples | None = None, *, seed: int = 0, **options) -> Path:
    from effbench_soft_prompt import PromptTrainer

    usual = {"length": 4, "epochs": 2, "batch_size": 8, "temperature": 0.5}
    usual |= {"query_max_length": 10, "max_length": 12, "learning_rate": 0.02}
    folder.mkdir(parents=True, exist_ok=True)
    PromptTrainer(data or examples(), **{**usual, **options}).train(folder, seed=seed)
    return folder


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((folder / "loss.json").read_text())]


def test_training_learns_and_leaves_the_backbone_alone(backbone, tmp_path: Path) -> None:
    before = (Path(backbone) / "model.safetensors").read_bytes()
    folder = train(tmp_path, backbone=backbone, epochs=30, negatives=1)
    curve = losses(folder)
    assert np.mean(curve[-5:]) < 0.7 * np.mean(curve[:5])
    about = json.loads((folder / "about.json").read_text())
    assert about["trained_parameters"] == 2 * 4 * 32, "queries and passages, four vectors each"
    assert about["prompt_bytes"] < 2000
    assert about["backbone_parameters"] > 10 * about["trained_parameters"]
    assert (Path(backbone) / "model.safetensors").read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {
        "about.json", "loss.json", "prompt.json", "prompt.safetensors",
    }  # fmt: skip
    assert encoder(folder).describe().query_parameters == about["backbone_parameters"] + 4 * 32


def test_the_seed_decides_the_prompt(backbone, tmp_path: Path) -> None:
    a, b, c = (
        vectors_of(train(tmp_path / str(i), backbone=backbone, seed=seed))["queries"]
        for i, seed in enumerate((0, 0, 1))
    )
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.1, "other words of the vocabulary to begin with"


def test_tied_prompts_are_one(backbone, tmp_path: Path) -> None:
    tied = vectors_of(train(tmp_path / "tied", backbone=backbone, tied=True))
    assert set(tied) == {"queries"}
    two = vectors_of(train(tmp_path / "two", backbone=backbone))
    assert np.abs(two["queries"] - two["passages"]).max() > 1e-3


def test_a_prompt_begins_as_words_or_as_another_prompt(backbone, tmp_path: Path) -> None:
    still = {"learning_rate": 1e-12, "epochs": 1}
    base = train(tmp_path / "base", backbone=backbone, pooling="cls", **still)
    words = words_of(backbone, [*LETTERS.upper(), *LETTERS, "##a"])
    assert vectors_of(base)["queries"].std() == pytest.approx(words.std(), rel=0.3)
    start = TrainedModel("base", base)
    again = train(tmp_path / "again", start=start, length=9, **still)
    np.testing.assert_allclose(
        vectors_of(again)["queries"], vectors_of(base)["queries"], atol=1e-6
    )
    kept = json.loads((again / "prompt.json").read_text())
    assert kept == json.loads((base / "prompt.json").read_text()), "backbone, pooling, lengths"
    other = ModelId(str(tiny_bert.save(tmp_path / "other", num_hidden_layers=1)))
    with pytest.raises(EffbenchError, match="start: the prompt was trained for"):
        train(tmp_path / "wrong", start=start, backbone=other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "which backbone"),
        (
            {"backbone": True, "max_length": 39},
            "outside what the model takes after a prompt of 4",
        ),
        ({"backbone": True, "negatives": 2}, "no negatives"),
        ({"backbone": True, "learning_rate": 1e30, "epochs": 20}, "the loss is"),
    ],
)
def test_what_cannot_be_trained_is_one_line(backbone, tmp_path: Path, options, message) -> None:
    given = {**options, **({"backbone": backbone} if "backbone" in options else {})}
    with pytest.raises(EffbenchError, match=message):
        train(tmp_path, examples(negatives=False), **given)
    assert not (tmp_path / "prompt.json").exists()


def test_a_killed_training_goes_on_to_the_same_prompt(
    backbone, tmp_path: Path, monkeypatch
) -> None:
    from effbench_soft_prompt import mixture

    options = {"backbone": backbone, "epochs": 6, "checkpoint_steps": 3, "negatives": 1}
    whole = vectors_of(train(tmp_path / "whole", **options))["passages"]
    read = mixture.Mixture.__getitem__
    count = iter(range(10_000))

    def dies(self, item):
        if next(count) == 60:
            raise KeyboardInterrupt
        return read(self, item)

    with monkeypatch.context() as patch:
        patch.setattr(mixture.Mixture, "__getitem__", dies)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", **options)
    (checkpoint,) = (tmp_path / "cut" / "checkpoints").glob("checkpoint-*")
    sizes = [path.stat().st_size for path in checkpoint.glob("*.safetensors")]
    assert 0 < max(sizes) < 3000, "a checkpoint holds the prompt, not the backbone"
    resumed = vectors_of(train(tmp_path / "cut", **options))["passages"]
    np.testing.assert_allclose(resumed, whole, atol=1e-6)


def order(mixture: str, batches: str, epoch: int = 0, seed: int = 0) -> list[int]:
    from effbench_soft_prompt import PromptTrainer
    from effbench_soft_prompt.mixture import Mixture

    data = examples([0] * 11 + [1] * 4 + [2])
    options: Any = {"mixture": mixture, "batches": batches, "batch_size": 4}
    return Mixture(PromptTrainer(data, **options), seed).order(epoch)


def task(row: int) -> int:
    return 0 if row < 11 else 1 if row < 15 else 2


def test_a_mixture_in_proportion_to_size_takes_every_example_once() -> None:
    assert sorted(order("size", "mixed")) == list(range(16))
    single = order("size", "single")
    assert set(single) == set(range(16)), "and a task's last batch is filled up from the task"
    assert len(single) == 12 + 4 + 4


def test_an_even_mixture_takes_as_many_of_each_task() -> None:
    for batches in ("single", "mixed"):
        found = [task(row) for row in order("even", batches)]
        counts = [found.count(each) for each in range(3)]
        assert max(counts) - min(counts) <= 2, counts


@pytest.mark.parametrize("mixture", ["size", "even"])
def test_a_batch_of_a_single_task_is_of_one(mixture: str) -> None:
    rows = order(mixture, "single")
    batches = [{task(row) for row in rows[at : at + 4]} for at in range(0, len(rows), 4)]
    assert len(rows) % 4 == 0
    assert all(len(batch) == 1 for batch in batches)
    assert set().union(*batches) == {0, 1, 2}


@pytest.mark.parametrize("batches", ["single", "mixed"])
def test_seed_and_epoch_decide_the_order(batches: str) -> None:
    assert order("even", batches, 1) == order("even", batches, 1)
    assert order("even", batches, 1) != order("even", batches, 2)
    assert order("even", batches, 1) != order("even", batches, 1, seed=5)
    assert len(order("even", batches, 1)) == len(order("even", batches, 2))


@pytest.mark.gpu
def test_a_prompt_of_a_gpu_is_read_alike_on_a_cpu(backbone, tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    folder = train(tmp_path, backbone=backbone, epochs=30, negatives=1, bf16=True)
    curve = losses(folder)
    assert np.mean(curve[-5:]) < 0.7 * np.mean(curve[:5])
    texts = [f"{letter} {letter}" for letter in LETTERS]
    here, there = (
        soft_prompt(folder, device=device).encode_queries(texts) for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(here, there, atol=2e-3)
