"""Mixtures of sources of texts: each text once, in their order, with its vector and weight."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import effbench_toy
import numpy as np
import pytest

from altered import altered
from effbench import EncodedTexts
from made_mixes import LINES, SOURCE, SUITE, made


@pytest.fixture
def given(run, monkeypatch):
    """Run a suite with these sources of texts; return what the trainer was given, in memory."""
    seen: list[EncodedTexts] = []
    train = effbench_toy.TableTrainer.train

    def watched(self, output_dir: Path, *, seed: int) -> None:
        texts, vectors, *rest = self.targets
        assert [texts[row] for row in range(len(texts))] == list(texts) == texts[:]
        assert vectors.shape == (len(texts), vectors[0:1].shape[1])
        rows = [vectors[row : row + 1] for row in range(len(texts))]
        assert np.array_equal(np.concatenate(rows), vectors[:])
        assert np.array_equal(vectors.at(np.arange(len(texts))[::-1]), vectors[:][::-1])
        assert vectors.kept(slice(1, 3)).dtype == vectors.dtype
        seen.append(EncodedTexts(texts[:], vectors[:], *rest))
        train(self, output_dir, seed=seed)

    monkeypatch.setattr(effbench_toy.TableTrainer, "train", watched)

    def gathered(sources: str) -> EncodedTexts:
        found = run(altered(SUITE, SOURCE, sources))
        assert found.exit_code == 0, found.output
        return seen[-1]

    return gathered


def test_equal_texts_are_taken_once_and_a_draw_takes_the_smallest_hashes(
    given, tmp_path: Path
) -> None:
    lines = [f"text {number % 40}" for number in range(90)]
    (tmp_path / "lines.txt").write_text(LINES)
    (tmp_path / "more.txt").write_text("\n".join(lines))
    sources = "[{file: lines.txt}, {file: more.txt, draw: 7}, {file: more.txt, draw: 9}]"
    texts, vectors, _, weights = given(sources)
    assert texts[:3] == ["one two", "three four", "five"]
    ranked = sorted(set(lines), key=lambda text: sha256(text.encode()).digest())
    assert texts[3:10] == [text for text in lines[:40] if text in ranked[:7]]
    assert set(texts[10:]) == set(ranked[7:9]), "of nine, seven are there"
    assert weights is None
    encoder = effbench_toy.WordsEncoder()
    np.testing.assert_allclose(vectors, encoder.encode_queries(texts), atol=1e-6)


def test_a_text_of_two_sources_has_the_weight_of_the_first(given, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "b.txt").write_text("four\ntwo\nfive\nsix\n")
    found = given("[{file: a.txt}, {file: b.txt, weight: 3}]")
    assert found.texts == ["one", "two", "three", "four", "five", "six"]
    assert found.weights.tolist() == [1, 1, 1, 3, 3, 3]


def test_another_source_encodes_only_its_own_texts(given, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.txt").write_text("three\n")
    given("[{file: a.txt}]")
    before = set(made(tmp_path, "queries"))
    assert given("[{file: b.txt}, {file: a.txt}]").texts == ["three", "one", "two"]
    new = {len(np.load(made / "00000.npy")) for made in set(made(tmp_path, "queries")) - before}
    assert new == {1, 30}, "the text of b.txt, and the queries of the new student"


def test_others_are_the_docs_of_the_other_collections_each_once(
    run, tmp_path: Path, monkeypatch
) -> None:
    two = "[{use: toy}, {use: toy, docs: 20, name: few}, {use: toy, docs: 20, name: fewer}]"
    suite = altered(altered(SUITE, "[{use: toy}]", two), SOURCE, "[{titles: others}]")
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    assert run(suite).exit_code == 0
    notes = (tmp_path / "log").read_text().splitlines()
    trained = sorted(note for note in notes if note.startswith("trained on"))
    assert [note.split()[2] for note in trained] == ["20", "60"], "two splits share a corpus"


def test_others_without_a_second_collection_are_refused(effbench, suite) -> None:
    found = effbench("plan", suite(altered(SUITE, SOURCE, "[{titles: others}]")))
    assert found.exit_code == 2
    assert "'others' names no dataset (give the suite a second collection)" in found.stderr
