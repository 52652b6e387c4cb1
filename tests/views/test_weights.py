"""The words of sparse vectors, as ``effbench show`` prints them."""

from __future__ import annotations

import json

import pytest

SUITE = """\
suite: words
datasets: [{use: toy}]
measures: [nDCG@10]
models: {statistics: {use: word-statistics, corpus: target}}
encoders:
  weights: {use: bm25-weights, statistics: statistics}
  dense: {use: words}
retrievers: {bm25: {use: bm25}}
indexes: {exact: {use: exact}}
latency: false
"""


@pytest.fixture
def shown(effbench, suite, monkeypatch, tmp_path):
    """Return a function that runs `effbench show` on a cell of a suite that was run."""
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,bm25,exact")
    path = suite(SUITE)

    def show(*arguments: str, ran: bool = True):
        results = tmp_path / "r"
        if ran and not results.exists():
            assert effbench("run", path, "--results", results).exit_code == 0
        return effbench("show", *arguments, "--suite", path)

    return show


def test_the_hits_are_those_of_the_retriever(shown, tmp_path) -> None:
    shown("toy--weights--exact", "--doc", "d1")
    paths = tmp_path.glob("r/*/words/*--*.json")
    records = {path.stem: json.loads(path.read_text()) for path in paths}
    weights, bm25 = records["toy--weights--exact"], records["toy--bm25"]
    assert weights["scores"] == bm25["scores"]
    assert weights["trained_on"] == ["corpus"]


def test_words_are_shown_by_weight(shown) -> None:
    done = shown("toy--weights--exact", "--doc", "d1", "--json")
    assert done.exit_code == 0, done.stderr
    weights = json.loads(done.stdout)["words"]
    assert weights
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    lines = shown("toy--weights--exact", "--doc", "d1").stdout.splitlines()
    assert [line.split()[1] for line in lines[: len(weights)]] == list(weights)[: len(lines)]
    query = shown("toy--weights--exact", "--query", "q2", "--json")
    assert set(json.loads(query.stdout)["words"].values()) <= {1.0, 2.0, 3.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("toy--weights--exact", "--doc", "nix"), "no doc 'nix' has a vector"),
        (("toy--dense--exact", "--doc", "d1"), "'dense' makes no sparse vectors"),
        (("toy--bm25", "--doc", "d1"), "a retriever has no vectors"),
        (("toy--weight--exact", "--doc", "d1"), "no such cell in this suite"),
        (("toy--weights--exact", "--doc", "d1", "--query", "q1"), "one of them, needs --suite"),
    ],
)
def test_mistakes_are_one_line(shown, arguments: tuple[str, ...], said: str) -> None:
    done = shown(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_vectors_that_were_not_made_are_told(shown) -> None:
    done = shown("toy--weights--exact", "--doc", "d1", ran=False)
    assert "it is not in the cache" in done.stderr
    assert "(effbench run makes it)" in done.stderr


def test_words_without_spelling_are_numbers() -> None:
    from types import SimpleNamespace
    from typing import Any

    import numpy as np

    from effbench.views.weights import _spelled

    bench: Any = SimpleNamespace(instance=lambda row: object())
    row: Any = SimpleNamespace(who="encoder 'e'")
    assert _spelled(bench, row, np.array([3, 1])) == ["#3", "#1"]
