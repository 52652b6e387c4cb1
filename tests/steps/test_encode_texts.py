"""Texts for training are encoded: by whom, how they are kept, and when anew."""

from __future__ import annotations

from pathlib import Path

import effbench_toy
import numpy as np
import pytest

from altered import altered
from made_mixes import LINES, SOURCE, SUITE, made


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
