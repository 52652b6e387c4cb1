"""Texts for training: what each source gives, how often it is seen, and who encodes it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import effbench_toy
import numpy as np
import pytest

from altered import altered
from effbench import EncodedTexts

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  table:
    use: table
    targets:
      texts: [{queries: target}]
      encoder: words
encoders:
  words: {use: words}
  student: {use: table, model: table, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""
SOURCE = "[{queries: target}]"
LINES = "one two\n\n  three   four \none two\nfive\n"


def made(folder: Path, kind: str) -> list[Path]:
    return [path.parent for path in folder.glob(f"cache/{kind}/*/manifest.json")]


@pytest.fixture
def gather(run, tmp_path: Path):
    """Run a suite with these sources of texts; return the texts."""
    (tmp_path / "lines.txt").write_text(LINES)

    def gathered(sources: str) -> list[str]:
        found = run(altered(SUITE, SOURCE, sources))
        assert found.exit_code == 0, found.output
        (folder,) = made(tmp_path, "texts")
        texts: list[str] = json.loads((folder / "texts.json").read_text())
        return texts

    return gathered


def test_a_doc_is_its_title_and_its_text(gather) -> None:
    texts = gather("[{docs: target}]")
    assert len(texts) == 60
    assert texts[0].startswith("no 0 ")


@pytest.mark.parametrize("part", ["spans", "keywords"])
def test_a_doc_gives_as_many_short_texts_as_the_source_says(gather, part: str) -> None:
    texts = gather(f"[{{{part}: target, least: 2, most: 3, each: 1}}]")
    assert 30 < len(texts) <= 60
    assert {len(text.split()) for text in texts} <= {2, 3}


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


def test_a_weight_trains_anew_and_encodes_nothing_anew(
    run, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    for sources in ("[{queries: target}]", "[{queries: target, weight: 1}]"):
        assert run(altered(SUITE, SOURCE, sources)).exit_code == 0
        assert len(made(tmp_path, "model")) == 1
    encoded = set(made(tmp_path, "queries"))
    sources = "[{queries: target, weight: 2.5}]"
    assert run(altered(SUITE, SOURCE, sources)).exit_code == 0
    assert len(made(tmp_path, "model")) == 2
    (new,) = set(made(tmp_path, "queries")) - encoded
    assert len(np.load(new / "00000.npy")) == 30, "only the queries of the new student"
    assert len(made(tmp_path, "texts")) == 1
    notes = (tmp_path / "log").read_text().splitlines()
    assert [note for note in notes if note.startswith("weights")] == ["weights [2.5]"]


def test_a_source_is_encoded_as_passages(run, tmp_path: Path, monkeypatch) -> None:
    asked: list[object] = []
    read = effbench_toy.WordsEncoder.encode_corpus
    monkeypatch.setattr(
        effbench_toy.WordsEncoder,
        "encode_corpus",
        lambda self, docs: asked.extend(docs) or -read(self, docs),
    )
    (tmp_path / "lines.txt").write_text(LINES)
    sources = "[{queries: target}, {file: lines.txt, side: passages}, {titles: target}]"
    assert run(altered(SUITE, SOURCE, sources)).exit_code == 0
    texts = [doc.text for doc in asked if not doc.title]
    assert texts == ["one two", "three four", "five"]
    vectors = [np.load(path) for path in tmp_path.glob("cache/queries/*/00000.npy")]
    signs = {len(array): set(np.sign(array.sum(1))) for array in vectors}
    assert signs[30] == signs[60] == {1.0}
    assert signs[3] == {-1.0}


@pytest.mark.parametrize("row", ["words: {use: words, store: float16}", "words: {use: words}"])
def test_vectors_of_texts_are_kept_as_those_of_docs(run, tmp_path: Path, row: str) -> None:
    assert run(altered(SUITE, "words: {use: words}", row)).exit_code == 0
    kinds = {np.load(path).dtype.name for path in tmp_path.glob("cache/encode/*/*.npy")}
    assert kinds == {"float16" if "float16" in row else "float32"}
    (texts,) = made(tmp_path, "texts")
    assert texts
    found = {np.load(path).dtype.name for path in tmp_path.glob("cache/queries/*/*.npy")}
    assert found == kinds | {"float32"}, "those of the judged queries stay float32"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{spans: target, least: 5, most: 3}", "spans: least: 5 is more than most: 3"),
        ("{spans: target, each: 0}", "each: 0 is not a number of texts"),
        ("{keywords: target, most: x}", "most: 'x' is not a number of words"),
        ("{docs: target, each: 2}", "unknown key 'each' of a source"),
        ("{queries: target, column: x}", "unknown key 'column' of a source"),
        ("{queries: target, titles: target}", "is no source of texts (give one of file, quer"),
        ("{docs: target, side: docs}", "side: 'docs' is no side (say queries or passages)"),
        ("{docs: target, weight: 0}", "weight: 0 is no weight (take a number above 0, up to"),
        ("{docs: target, weight: 1001}", "weight: 1001 is no weight"),
        ("{docs: target, weight: true}", "weight: True is no weight"),
    ],
)
def test_mistakes_are_found_when_planning(effbench, suite, source: str, message: str) -> None:
    found = effbench("plan", suite(altered(SUITE, SOURCE, f"[{source}]")))
    assert found.exit_code == 2
    assert "models.table.targets: " in found.stderr
    assert message in found.stderr
