from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from effbench import EffbenchError
from effbench_usearch import UsearchIndex, effbench_indexes

pytest.importorskip("usearch")

RANDOM = np.random.default_rng(0)


def unit(*shape: int):
    vectors = RANDOM.standard_normal(shape, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS, QUERIES = unit(1_500, 16), unit(20, 16)
DTYPES = pytest.mark.parametrize(
    ("dtype", "error"), [("float32", 1e-6), ("float16", 1e-3), ("int8", 0.04)]
)


def build(**options: Any) -> UsearchIndex:
    index = UsearchIndex(**options)
    index.build(VECTORS)
    return index


def recall(positions) -> float:
    wanted = np.argsort(-QUERIES @ VECTORS.T, axis=1)[:, :10]
    return float(
        np.mean([np.isin(*pair).mean() for pair in zip(wanted, positions, strict=True)])
    )


@DTYPES
def test_scores_are_inner_products_best_first(dtype: str, error: float) -> None:
    scores, positions = build(dtype=dtype).search(QUERIES, 10, expansion_search=500)
    assert (scores.dtype, positions.dtype) == (np.float32, np.int64)
    assert (np.diff(scores) <= 0).all()
    wanted = np.take_along_axis(QUERIES @ VECTORS.T, positions, axis=1)
    assert_allclose(scores, wanted, atol=error)
    assert recall(positions) > (0.8 if dtype == "int8" else 0.97)


def test_a_wider_search_finds_more_and_leaves_nothing_behind() -> None:
    index = build(connectivity=4, expansion_add=16)
    before = index.search(QUERIES, 10)
    few, many = (recall(index.search(QUERIES, 10, expansion_search=n)[1]) for n in (1, 400))
    assert few < many
    for side, wanted in zip(index.search(QUERIES, 10), before, strict=True):
        assert_array_equal(side, wanted)


def test_a_query_alone_finds_what_it_finds_among_others() -> None:
    index = build()
    scores, positions = index.search(QUERIES, 10)
    for number, query in enumerate(QUERIES):
        alone = index.search(query[None], 10)
        assert_array_equal(alone[0][0], scores[number])
        assert_array_equal(alone[1][0], positions[number])


def test_a_number_that_float16_lacks_is_refused() -> None:
    index = UsearchIndex(dtype="float16")
    with pytest.raises(EffbenchError, match=r"^usearch: float16 has no number 100000 \(take"):
        index.build(np.array([[1, 0], [0, -1e5]], np.float32))


def test_it_returns_no_more_than_there_is() -> None:
    assert build().search(QUERIES, 5_000)[1].shape == (20, 1_500)
    assert build().search(QUERIES[:0], 10)[1].shape == (0, 0)


def test_vectors_are_added_by_blocks(monkeypatch) -> None:
    wanted = build().search(QUERIES, 10)
    monkeypatch.setattr("effbench_usearch._ROWS", 400)
    for side, wanted_side in zip(build().search(QUERIES, 10), wanted, strict=True):
        assert_array_equal(side, wanted_side)


@DTYPES
def test_it_comes_back_from_disk(dtype: str, error: float, tmp_path: Path) -> None:
    index = build(dtype=dtype)
    index.save(tmp_path)
    (path,) = tmp_path.iterdir()
    loaded = UsearchIndex(dtype=dtype)
    loaded.load(tmp_path, VECTORS)
    assert path.stat().st_size == index.nbytes == loaded.nbytes
    for side, wanted in zip(loaded.search(QUERIES, 10), index.search(QUERIES, 10), strict=True):
        assert_array_equal(side, wanted)


SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
indexes:
  exact: {use: exact}
  hnsw: {use: usearch, search: {expansion_search: [16, 64]}}
latency: false
"""


def test_a_suite_uses_it(run, records) -> None:
    done = run(SUITE)
    assert done.exit_code == 0, done.output
    recalls = [r["recall"]["scores"]["R@10"] for r in records().values() if r.get("recall")]
    assert len(recalls) == 2
    assert min(recalls) > 0.9


def test_it_is_offered_and_importing_it_is_light() -> None:
    assert effbench_indexes() == {"usearch": UsearchIndex}
    code = "import sys, effbench_usearch; print(sys.modules.keys() & {'usearch', 'numpy'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"
