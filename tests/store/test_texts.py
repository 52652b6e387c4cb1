"""Texts on disk: they are read one by one, and an older effbench reads the same file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from effbench.store import texts as store
from effbench.store.artifacts import Artifact
from effbench.store.texts import open_texts, put_texts

TEXTS = ["one", 'a "quoted", \\ text', "é 猫 🐱", "\x01 [", "]", ", ", "last"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_texts(Artifact(tmp_path), iter(TEXTS))
    return tmp_path


def test_texts_are_read_as_from_a_list(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(store, "CHUNK", 3)
    texts = open_texts(folder)
    assert len(texts) == len(TEXTS)
    assert list(texts) == TEXTS
    assert [texts[np.int64(row)] for row in range(len(TEXTS))] == TEXTS
    for rows in (slice(None), slice(2, 5), slice(5, 99), slice(3, 3), slice(6, 0, -2)):
        assert texts[rows] == TEXTS[rows]
    assert texts[-1] == "last"
    with pytest.raises(IndexError):
        texts[len(TEXTS)]


def test_the_file_is_that_of_an_older_effbench_which_wrote_it_alone(folder: Path) -> None:
    whole = (folder / store.TEXTS).read_text(encoding="utf-8")
    assert whole == json.dumps(TEXTS, ensure_ascii=False)
    (folder / store.STARTS).unlink()
    assert open_texts(folder) == TEXTS
