"""Prompts of domains: held-out queries, what a prompt gains on them, and parts of a domain."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import tiny_bert
from effbench import Doc, EffbenchError, Examples, ModelId, TrainedModel
from tiny_prompts import LETTERS, encoder, examples, vectors_of

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")
pytestmark = pytest.mark.usefixtures("one_thread")

USUAL = {"epochs": 2, "batch_size": 8, "temperature": 0.5, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    from effbench_soft_prompt import PromptTrainer

    backbone = ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("backbone"))))
    folder = tmp_path_factory.mktemp("base")
    shape = {"length": 4, "query_max_length": 10, "max_length": 12}
    PromptTrainer(examples(), backbone=backbone, **shape, **USUAL).train(folder, seed=0)
    return TrainedModel("base", folder)


def trained(folder: Path, base: TrainedModel, data: Examples, **options) -> Path:
    from effbench_soft_prompt import DomainPrompt

    folder.mkdir(exist_ok=True)
    DomainPrompt(data, start=base, **USUAL, **options).train(folder, seed=0)
    return folder


def facts(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


def only(data: Examples, rows: list[int]) -> Examples:
    lists = ("queries", "positives", "negatives", "tasks")
    return data._replace(**{name: [getattr(data, name)[row] for row in rows] for name in lists})


def ndcg(folder: Path, held: dict) -> float:
    """With one good doc for each query."""
    reader = encoder(folder)
    docs = reader.encode_corpus([Doc(*doc) for doc in held["docs"]])
    scores = reader.encode_queries(held["queries"]) @ docs.T
    ranks = [
        (line > line[good]).sum() for line, (good,) in zip(scores, held["good"], strict=True)
    ]
    return float(np.mean([1 / math.log2(rank + 2) if rank < 10 else 0 for rank in ranks]))


def test_held_out_queries_tell_the_gain_and_are_not_trained_on(base, tmp_path: Path) -> None:
    from effbench_soft_prompt import PromptTrainer

    folder = trained(tmp_path / "own", base, examples())
    held = facts(folder, "held_out.json")
    assert len(held["queries"]) == 4, "a quarter"
    for query, (good,) in zip(held["queries"], held["good"], strict=True):
        wanted = LETTERS[(LETTERS.index(query[0]) + 1) % len(LETTERS)]
        assert held["docs"][good][0] == f"d-{wanted}"
    rest = [row for row, query in enumerate(examples().queries) if query not in held["queries"]]
    (tmp_path / "same").mkdir()
    PromptTrainer(only(examples(), rest), start=base, **USUAL).train(tmp_path / "same", seed=0)
    for side, vectors in vectors_of(tmp_path / "same").items():
        np.testing.assert_array_equal(vectors_of(folder)[side], vectors)
    about = facts(folder, "about.json")
    assert about["held_out"]["before"] == pytest.approx(ndcg(base.folder, held), abs=1e-6)
    assert about["held_out"]["after"] == pytest.approx(ndcg(folder, held), abs=1e-6)
    assert about["gain"] == about["held_out"]["after"] - about["held_out"]["before"]
    assert (about["gain"] <= 0) == any("gained nothing" in text for text in about["remarks"])


def test_the_order_of_the_examples_does_not_decide_what_is_held_out(base) -> None:
    from effbench_soft_prompt.held_out import hold_out

    turned = only(examples(), list(range(16))[::-1])
    both = [hold_out(data, 3)[1] for data in (examples(), turned)]
    assert both[0] == both[1]
    assert len(both[0].queries) == 3


def test_too_few_queries_are_refused(base, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="too few queries to hold some out: 3 "):
        trained(tmp_path / "few", base, only(examples(), [0, 1, 2]))


def with_vectors(first: int) -> Examples:
    """The good docs of the ``first`` queries are near one axis, all others near another."""
    side = np.array([0 if (row - 1) % 16 < first else 1 for row in range(16)])
    noise = np.random.default_rng(0).normal(scale=0.01, size=(16, 8))
    vectors = (np.eye(8)[side] + noise).astype(np.float32)
    return examples()._replace(vectors=lambda rows: vectors[list(rows)], passages="words")


def test_each_part_has_a_prompt_of_its_own(base, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    folder = trained(tmp_path / "parts", base, with_vectors(8), clusters=2)
    centroids = load_file(folder / "centroids.safetensors")["centroids"]
    assert centroids.shape == (2, 8)
    about = facts(folder, "about.json")
    halves = [set(LETTERS[:8]), set(LETTERS[8:])]
    found = []
    for number in "12":
        held = facts(folder / number, "held_out.json")
        letters = {query[0] for query in held["queries"]}
        assert len(letters) == 2
        (half,) = [half for half in halves if letters <= half]
        found.append(half)
        axis = halves.index(half)
        assert centroids[int(number) - 1][axis] == pytest.approx(1, abs=0.05)
        assert about["parts"][number]["gain"] == facts(folder / number, "about.json")["gain"]
    assert found[0] != found[1]
    one, other = (vectors_of(folder / number)["queries"] for number in "12")
    assert np.abs(one - other).max() > 1e-3


def test_a_finished_part_is_not_trained_again(base, tmp_path: Path) -> None:
    folder = trained(tmp_path / "parts", base, with_vectors(8), clusters=2)
    before = (folder / "1" / "about.json").stat().st_mtime_ns
    (folder / "2" / "about.json").unlink()
    second = vectors_of(folder / "2")["queries"]
    trained(folder, base, with_vectors(8), clusters=2)
    assert (folder / "1" / "about.json").stat().st_mtime_ns == before
    np.testing.assert_array_equal(vectors_of(folder / "2")["queries"], second)


def test_a_small_part_joins_the_others(base, tmp_path: Path) -> None:
    folder = trained(tmp_path / "parts", base, with_vectors(12), clusters=2)
    assert not (folder / "2").exists()
    assert len(facts(folder / "1", "held_out.json")["queries"]) == 4


def test_where_all_parts_are_small_the_largest_takes_all_queries(base) -> None:
    from effbench_soft_prompt.parts import cut

    apart = np.eye(16, dtype=np.float32)  # a part for each doc
    for vectors, clusters in ((apart, 16), (np.ones_like(apart), 3)):
        data = examples()._replace(vectors=lambda rows, v=vectors: v[list(rows)])
        centroids, (part,) = cut(data, clusters, seed=0)
        assert len(centroids) == 1
        assert sorted(part.queries) == sorted(examples().queries)


def test_prompts_of_parts_are_not_one_prompt(base, tmp_path: Path) -> None:
    folder = trained(tmp_path / "parts", base, with_vectors(8), clusters=2)
    with pytest.raises(EffbenchError, match=r"a prompt for each part of a domain .*clusters"):
        encoder(folder)
    encoder(folder / "1")


def test_more_clusters_than_docs_are_refused(base, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="17 clusters of 16 docs"):
        trained(tmp_path / "parts", base, with_vectors(8), clusters=17)
