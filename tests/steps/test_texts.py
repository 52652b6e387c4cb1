"""Texts for training: what each source gives, how often it is seen, and who encodes it."""

from __future__ import annotations

import json
from pathlib import Path

import effbench_toy
import numpy as np
import pytest

from altered import altered

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
