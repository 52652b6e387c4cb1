from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from effbench import (
    Doc,
    EffbenchError,
    EncodedTexts,
    Examples,
    ModelId,
    Qrel,
    ScoredDoc,
    SearchedDataset,
    TrainedModel,
)
from effbench_training import Contrastive, Mine

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

LETTERS = "abcdefghijkl"
HITS = [
    ("q1", [ScoredDoc(f"d{i}", 10.0 - i) for i in range(1, 9)]),
    ("q2", [ScoredDoc(f"d{i}", 10.0 - i) for i in range(4, 9)]),
    ("unjudged", [ScoredDoc("d1", 1.0)]),
]
QRELS = [Qrel("q1", "d2", 2), Qrel("q1", "d5", 1), Qrel("q1", "d3", 0), Qrel("q2", "d99", 1)]


def mined(folder: Path, hits: Any = HITS, seed: int = 0, **options: Any) -> dict[str, list]:
    Mine(SearchedDataset(hits, QRELS), **options).train(folder, seed=seed)
    found: dict[str, list] = {}
    for line in (folder / "docpairs.tsv").read_text().splitlines():
        query_id, doc_id_a, doc_id_b = line.split("\t")
        found.setdefault(query_id, []).append((doc_id_a, doc_id_b))
    return found


def test_mined_pairs_set_a_relevant_doc_against_one_that_is_not(tmp_path: Path):
    found = mined(tmp_path, negatives=99)
    assert [b for _, b in found["q1"]] == ["d1", "d3", "d4", "d6", "d7", "d8"]
    assert [a for a, _ in found["q1"]] == ["d2", "d5"] * 3
    assert set(found) == {"q1", "q2"}


def test_negatives_come_from_a_window_of_ranks_below_a_margin(tmp_path: Path):
    top = mined(tmp_path, negatives=2, pick="top", first_rank=3)
    assert [b for _, b in top["q1"]] == ["d3", "d4"]
    below = mined(tmp_path, negatives=99, margin=3.0)
    assert [b for _, b in below["q1"]] == ["d6", "d7", "d8"], "the best good doc scores 8"
    assert "q2" not in below, "its good doc was not found: nothing is known of the margin"


def test_the_seed_draws_negatives(tmp_path: Path):
    draws = [mined(tmp_path, negatives=3, seed=seed)["q1"] for seed in (0, 0, 1, 2)]
    assert draws[0] == draws[1]
    assert len({str(draw) for draw in draws}) > 1


def test_nothing_to_mine_is_one_line(tmp_path: Path):
    with pytest.raises(EffbenchError, match="no negative is left"):
        mined(tmp_path, first_rank=50)
    assert not (tmp_path / "docpairs.tsv").exists()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    without = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("base"), **without)))


def one_hot(letters: Sequence[str]) -> np.ndarray:
    rows = [LETTERS.index(letter) for letter in letters]
    return np.eye(32, dtype=np.float32)[rows]


def examples(vectors: bool = True, negatives: bool = True) -> Examples:
    """Query "a b" wants the doc of a letter two further on, and not that of its own letter."""
    docs = [Doc(f"d-{letter}", f"{letter} {letter}") for letter in LETTERS]
    count = len(LETTERS)
    return Examples(
        [f"{letter} {letter}" for letter in LETTERS],
        [[(i + 2) % count] for i in range(count)],
        [[i, (i + 5) % count] if negatives else [] for i in range(count)],
        docs,
        (lambda rows: one_hot([LETTERS[row] for row in rows])) if vectors else None,
        "big" if vectors else None,
        [0] * count,
    )


def aligned(base: ModelId, folder: Path, cell: str) -> TrainedModel:
    from effbench_small_query import Align

    texts = [f"{letter} {letter}" for letter in LETTERS]
    given = EncodedTexts(texts, one_hot(LETTERS), "big")
    Align(given, base, cell=cell, embeddings="free", epochs=1).train(folder, seed=0)
    return TrainedModel("student", folder)


@pytest.fixture(scope="module")
def student(base: ModelId, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return aligned(base, tmp_path_factory.mktemp("gru"), "gru")


def train(folder: Path, data: Examples, **options: Any) -> Path:
    fast = {"epochs": 30, "batch_size": 4, "learning_rate": 1e-2, "negatives": 2}
    options = {**fast, "temperature": 0.1, **options}
    Contrastive(data, **options).train(folder, seed=1)
    return folder


def accuracy(data: Examples, queries: np.ndarray, docs: np.ndarray) -> float:
    best = (queries @ docs.T).argmax(1)
    return float(np.mean([b in good for b, good in zip(best, data.positives, strict=True)]))


@pytest.mark.parametrize(
    ("cell", "rate"), [("gru", 0.01), ("static", 0.1), ("transformer", 0.01)]
)
def test_a_student_learns_what_its_judgments_say(
    base: ModelId, tmp_path: Path, cell: str, rate: float
):
    from effbench_small_query import small_query

    data = examples()
    student = aligned(base, tmp_path / "aligned", cell)
    folder = train(tmp_path / "tuned", data, student=student, learning_rate=rate)
    assert data.vectors is not None
    docs = data.vectors(range(len(LETTERS)))
    before = small_query(student).encode_queries(data.queries)
    after = small_query(folder).encode_queries(data.queries)
    assert accuracy(data, after, docs) > max(0.9, accuracy(data, before, docs))
    assert not (folder / "passages").exists()
    assert not list(folder.glob("**/checkpoint*"))


def test_one_encoder_for_both_sides(base: ModelId, tmp_path: Path):
    from effbench_transformer import TransformerEncoder

    queries = [f"{letter} z" for letter in LETTERS]  # one encoder: a text is nearest to itself
    positives = [[i] for i in range(len(LETTERS))]
    data = examples(vectors=False)._replace(queries=queries, positives=positives)
    data = data._replace(negatives=[[(i + 1) % len(LETTERS)] for i in range(len(LETTERS))])
    options = {"base": base, "pooling": "mean", "normalize": True, "negatives": 1}
    folder = train(tmp_path, data, learning_rate=2e-3, epochs=20, **options)
    encoder = TransformerEncoder(ModelId(str(folder)), pooling="mean", normalize=True)
    docs = encoder.encode_corpus(data.docs)
    assert accuracy(data, encoder.encode_queries(data.queries), docs) > 0.5
    curve = [entry["loss"] for entry in json.loads((folder / "loss.json").read_text())]
    assert np.mean(curve[-5:]) < np.mean(curve[:5]) / 2


def test_a_passage_side_that_is_trained_along_stands_beside_the_student(
    base: ModelId, student: TrainedModel, tmp_path: Path
):
    from effbench_small_query import small_query

    data = examples(vectors=False)
    rates = {"learning_rate": 1e-3, "query_learning_rate": 1e-2}
    folder = train(tmp_path, data, student=student, base=base, pooling="mean", **rates)
    encoder: Any = small_query(folder)
    docs = encoder.encode_corpus(data.docs)
    assert accuracy(data, encoder.encode_queries(data.queries), docs) > 0.5
    assert not hasattr(small_query(student), "encode_corpus")


def test_a_loss_that_does_not_fall_is_said(student: TrainedModel, tmp_path: Path):
    for name, options, count in (
        ("learnt", {}, 0),
        ("alone", {"negatives": 0, "batch_size": 1, "epochs": 1}, 1),  # nothing to lose against
    ):
        folder = train(tmp_path / name, examples(), student=student, **options)
        said = json.loads((folder / "about.json").read_text())
        assert said["steps"] == len(LETTERS) * (1 if count else 30 / 4)
        assert len(said["remarks"]) == count, said
        assert not count or "its loss did not fall (0 when" in said["remarks"][0]


def test_a_length_has_room_for_a_word_and_ends_where_positions_do(
    base: ModelId, tmp_path: Path
):
    data = examples(vectors=False)._replace(queries=["a " * 99] * len(LETTERS))
    for option in ("max_length", "query_max_length"):
        with pytest.raises(EffbenchError, match=f"contrastive: {option}: 2 is outside"):
            train(tmp_path, data, base=base, **{option: 2})
    train(tmp_path, data, base=base, query_max_length=100, epochs=1)


def test_gradient_caching_changes_nothing(base: ModelId, tmp_path: Path):
    data = examples(vectors=False)
    curves = []
    for name, cached in (("whole", None), ("cached", 3)):
        options = {"base": base, "epochs": 3, "learning_rate": 1e-3, "cached": cached}
        folder = train(tmp_path / name, data, normalize=True, **options)
        curves.append([e["loss"] for e in json.loads((folder / "loss.json").read_text())])
    assert len(curves[0]) == 9
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)


def test_a_passage_that_is_good_for_the_query_is_no_negative(base: ModelId):
    import torch

    from effbench_training.contrastive import Contrast

    class Given(torch.nn.Module):
        def forward(self, features: Any) -> Any:
            return {"sentence_embedding": features["x"]}

    contrast = Contrast(Given(), None, temperature=1.0, shared=True)
    queries = [{"x": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}]
    passages, rows = torch.tensor([[1.0, 0.0], [5.0, 1.0]]), torch.tensor([7, 8])
    alone = contrast(queries, passages, rows, torch.tensor([[7, 8], [8, -1]]))["loss"]
    wrong = contrast(queries, passages, rows, torch.tensor([[7, -1], [8, -1]]))["loss"]
    second = torch.log(1 + torch.exp(torch.tensor(-1.0))) / 2
    torch.testing.assert_close(alone, second)
    assert wrong > alone + 1


def test_a_killed_training_goes_on_to_the_same_model(
    base: ModelId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from safetensors.numpy import load_file

    from effbench_training.loop import _Loop

    options = {"base": base, "epochs": 3, "checkpoint_steps": 2}
    whole = train(tmp_path / "whole", examples(vectors=False), **options)
    step, steps = _Loop.training_step, []

    def counted(self: Any, *arguments: Any) -> Any:
        steps.append(self.state.global_step)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(_Loop, "training_step", counted)
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        train(killed, examples(vectors=False), **options)
    assert not (killed / "modules.json").exists()
    train(killed, examples(vectors=False), **options)
    assert steps[6] == 4, "in the midst of the second epoch"
    expected, found = (load_file(folder / "model.safetensors") for folder in (whole, killed))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("why", ["a signal", "the time"])
def test_what_was_trained_when_it_ends_is_kept(
    base: ModelId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
):
    """Long before ``checkpoint_steps``, and in the midst of an entry of the loss curve."""
    from safetensors.numpy import load_file

    from effbench.guard import interruption
    from effbench_training import checkpoints, loop

    made, steps, listener = loop._arguments, [], interruption._Listener()
    monkeypatch.setattr(interruption, "_listener", listener)
    monkeypatch.setattr(loop, "_arguments", lambda *given: logged(made(*given)))

    def logged(options: Any) -> Any:
        options.logging_steps = 2
        return options

    def train_step(self: Any, *arguments: Any) -> Any:
        steps.append(self.state.global_step)
        if len(steps) == 3 and why == "a signal":
            listener._hear(15, None)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return step(self, *arguments)

    options = {"base": base, "epochs": 3}
    whole = train(tmp_path / "whole", examples(vectors=False), **options)
    step = loop._Loop.training_step
    monkeypatch.setattr(loop._Loop, "training_step", train_step)
    if why == "the time":
        monkeypatch.setattr(checkpoints, "SECONDS", -1.0)
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        train(killed, examples(vectors=False), **options)
    assert not (killed / "modules.json").exists()
    before = len(steps)
    assert before == (3 if why == "a signal" else 4)
    listener._first = None
    steps[:] = [0] * 9
    train(killed, examples(vectors=False), **options)
    assert steps[9] == 3, "it goes on where it was"
    for name, wanted in load_file(whole / "model.safetensors").items():
        np.testing.assert_array_equal(load_file(killed / "model.safetensors")[name], wanted)
    told = [json.loads((one / "loss.json").read_text()) for one in (whole, killed)]
    assert told[0]
    assert [e["loss"] for e in told[1]] == [e["loss"] for e in told[0]]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (examples(), {}, "nothing to train"),
        (examples(vectors=False), {"student": True}, "nothing to train"),
        (examples(), {"base": True}, "give one of the two"),
        (examples(negatives=False), {"student": True}, "have no negatives"),
        (
            examples()._replace(vectors=lambda rows: np.ones((len(rows), 8), np.float32)),
            {"student": True},
            "vectors are 32 wide, the passages' 8",
        ),
        (examples(), {"student": True, "learning_rate": 1e38}, "the loss is nan at step"),
    ],
)
def test_bad_training_is_one_line_and_leaves_no_model(
    base: ModelId,
    student: TrainedModel,
    tmp_path: Path,
    data: Examples,
    options: dict[str, Any],
    message: str,
):
    given = {name: value for name, value in options.items() if value is not True}
    named = {"student": student, "base": base}
    given.update({name: named[name] for name in options if options[name] is True})
    with pytest.raises(EffbenchError, match=message) as error:
        train(tmp_path, data, **given)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.json"))
