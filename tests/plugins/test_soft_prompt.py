"""Soft prompts: reading after one, training one, and what it belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_bert

from effbench import Doc, EffbenchError, Examples, ModelId, TrainedModel

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

LETTERS = "abcdefghijklmnop"
TEXTS = ["a b", "c", "d e f g h i j", "k k k k", "zz top"]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("backbone"))))


def prompt_of(folder: Path, backbone: str, vectors, pooling: str = "mean", **reading) -> Path:
    """Write a prompt of given vectors."""
    import torch

    from effbench_soft_prompt.prompts import Prompt, Reading, open_backbone, save_prompt

    rows = torch.as_tensor(vectors, dtype=torch.float32)
    read = {"normalize": False, "query_max_length": 16, "max_length": 20, **reading}
    belongs = open_backbone(backbone, None).backbone
    save_prompt(Prompt(rows, rows, belongs, Reading(pooling, **read)), folder)
    return folder


def encoder(folder: Path, **options):
    from effbench_soft_prompt import soft_prompt

    return soft_prompt(folder, device="cpu", **options)


def words_of(backbone: str, words: list[str]) -> np.ndarray:
    from effbench_soft_prompt.prompts import open_backbone

    opened = open_backbone(backbone, None)
    ids = opened.tokenizer.convert_tokens_to_ids(words)
    return opened.network.get_input_embeddings().weight.detach()[ids].numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("onednn", [True, False])
def test_a_prompt_of_no_vectors_is_the_plain_backbone(
    backbone, tmp_path: Path, pooling: str, onednn: bool
) -> None:
    from effbench_transformer import TransformerEncoder

    empty = prompt_of(tmp_path, backbone, np.zeros((0, 32)), pooling)
    ours = encoder(empty, onednn=onednn)
    plain = TransformerEncoder(
        backbone,
        pooling=pooling,
        max_length=20,
        query_max_length=16,
        device="cpu",
        onednn=onednn,
    )
    docs = [Doc(str(i), text, f"title {i}") for i, text in enumerate(TEXTS)]
    np.testing.assert_array_equal(ours.encode_queries(TEXTS), plain.encode_queries(TEXTS))
    np.testing.assert_array_equal(ours.encode_corpus(docs), plain.encode_corpus(docs))


def test_a_prompt_of_words_is_those_words_before_the_text(backbone, tmp_path: Path) -> None:
    """The prompt stands before [CLS]; its own vectors are in no mean."""
    import torch

    from effbench_soft_prompt.prompts import open_backbone

    words = ["x", "y", "##z"]
    ours = encoder(prompt_of(tmp_path, backbone, words_of(backbone, words)))
    opened = open_backbone(backbone, None)
    before = opened.tokenizer.convert_tokens_to_ids(words)
    found = ours.encode_queries(TEXTS)  # of different lengths: read padded, in one batch
    for text, vector in zip(TEXTS, found, strict=True):
        ids = torch.tensor([before + opened.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            hidden = opened.network(input_ids=ids).last_hidden_state[0, len(words) :]
        np.testing.assert_allclose(vector, hidden.mean(0).numpy(), atol=2e-6)


def test_without_special_tokens_it_is_the_longer_text(tmp_path: Path) -> None:
    from effbench_transformer import TransformerEncoder

    bare = ModelId(str(tiny_bert.save(tmp_path / "bare", special_tokens=False)))
    ours = encoder(prompt_of(tmp_path / "p", bare, words_of(bare, ["x", "y"]), "cls"))
    plain = TransformerEncoder(bare, pooling="max", device="cpu")
    assert np.abs(ours.encode_queries(["a b"]) - plain.encode_queries(["a b"])).max() > 0.1
    every = encoder(prompt_of(tmp_path / "q", bare, words_of(bare, ["x"]), "mean"))
    mean = TransformerEncoder(bare, pooling="mean", device="cpu").encode_queries(["x a"])
    first = TransformerEncoder(bare, pooling="cls", device="cpu").encode_queries(["x a"])
    # the mean over "x a" is half the vector of x, half the mean over what is not the prompt
    np.testing.assert_allclose(every.encode_queries(["a"]), 2 * mean - first, atol=2e-6)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")  # peft's
def test_peft_reads_a_prompt_the_same_way(backbone, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="held against peft: pip install peft")
    import torch

    from effbench_soft_prompt.prompts import open_backbone
    from effbench_soft_prompt.reading import read

    opened = open_backbone(backbone, None)
    config = peft.PromptTuningConfig(
        task_type=peft.TaskType.FEATURE_EXTRACTION, num_virtual_tokens=3
    )
    theirs = peft.get_peft_model(opened.network, config).eval()
    batch = opened.tokenizer(TEXTS, padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    with torch.no_grad():
        wanted = theirs(input_ids=ids, attention_mask=mask).last_hidden_state[:, 3:]
        found = read(theirs.base_model, theirs.get_prompt(1)[0], ids, mask)
    assert (wanted - found)[mask.bool()].abs().max() < 1e-6


def test_batches_move_no_vector(backbone, tmp_path: Path) -> None:
    folder = prompt_of(tmp_path, backbone, words_of(backbone, ["x", "y"]), normalize=True)
    one, all_ = (encoder(folder, batch_tokens=n).encode_queries(TEXTS) for n in (1, 1000))
    np.testing.assert_allclose(one, all_, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)


def test_a_prompt_refuses_another_backbone(backbone, tmp_path: Path) -> None:
    folder = prompt_of(tmp_path / "prompt", backbone, words_of(backbone, ["x"]))
    other = str(tiny_bert.save(tmp_path / "other", num_hidden_layers=1))
    with pytest.raises(EffbenchError, match=r"trained for .* has other weights"):
        encoder(folder, backbone=other)
    same = str(tiny_bert.save(tmp_path / "moved"))
    moved, here = encoder(folder, backbone=same), encoder(folder)
    np.testing.assert_array_equal(moved.encode_queries(["a"]), here.encode_queries(["a"]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt.json", None),
        ("prompt.json", "{"),
        ("prompt.json", "{}"),
        ("prompt.json", '{"format": 99}'),
        ("prompt.safetensors", None),
        ("prompt.safetensors", "no tensors"),
    ],
)
def test_a_broken_prompt_is_one_line(backbone, tmp_path: Path, name: str, text) -> None:
    prompt_of(tmp_path, backbone, words_of(backbone, ["x"]))
    (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)
    with pytest.raises(EffbenchError, match=r"no prompt|newer effbench"):
        encoder(tmp_path)


def test_a_text_has_the_positions_that_the_prompt_leaves(backbone, tmp_path: Path) -> None:
    vectors = np.zeros((tiny_bert.POSITIONS - 20, 32))
    folder = prompt_of(tmp_path, backbone, vectors)
    encoder(folder).encode_queries(["a " * 100])
    with pytest.raises(EffbenchError, match=r"max_length: 21 .* \(say 20 at most\)"):
        encoder(folder, max_length=21)


# Training.


def examples(tasks: list[int] | None = None, negatives: bool = True) -> Examples:
    """Query "a a" wants the doc of the next letter, which no backbone knows."""
    count = len(LETTERS)
    return Examples(
        [f"{letter} {letter}" for letter in LETTERS],
        [[(i + 1) % count] for i in range(count)],
        [[i] if negatives else [] for i in range(count)],
        [Doc(f"d-{letter}", f"{letter} {letter} {letter}") for letter in LETTERS],
        None,
        None,
        tasks or [0] * count,
    )


def train(folder: Path, data: Examples | None = None, *, seed: int = 0, **options) -> Path:
    from effbench_soft_prompt import PromptTrainer

    usual = {"length": 4, "epochs": 2, "batch_size": 8, "temperature": 0.5}
    usual |= {"query_max_length": 10, "max_length": 12, "learning_rate": 0.02}
    folder.mkdir(parents=True, exist_ok=True)
    PromptTrainer(data or examples(), **{**usual, **options}).train(folder, seed=seed)
    return folder


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((folder / "loss.json").read_text())]


def vectors_of(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "prompt.safetensors")


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
    assert encoder(folder).query_parameters == about["backbone_parameters"] + 4 * 32


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
        ({"backbone": True, "max_length": 39}, "more than the model's 40 positions"),
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
    from effbench_soft_prompt import Objective
    from effbench_soft_prompt.mixture import Mixture

    data = examples([0] * 11 + [1] * 4 + [2])
    objective = Objective(0, 1.0, True, mixture, batches)
    return Mixture(data, objective, 4, seed).order(epoch)


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
