from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from effbench import EffbenchError
from effbench_exact import ExactIndex, effbench_indexes


class Shards:
    """Vectors in read-only shards, as on disk; notes the largest slice it was asked for."""

    def __init__(self, vectors, *borders):
        self.shape = vectors.shape
        self.largest = 0
        self._shards = np.split(vectors, borders)
        for shard in self._shards:
            shard.flags.writeable = False

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        rows = np.concatenate(self._shards)[rows]
        self.largest = max(self.largest, len(rows))
        rows.flags.writeable = False
        return rows


def search(vectors, queries, k, *borders, **options: Any):
    index = ExactIndex(**{"device": "cpu", **options})
    index.build(Shards(np.array(vectors, dtype=np.float32), *borders))
    return index.search(np.array(queries, dtype=np.float32), k)


def assert_same(found, wanted):
    scores, positions = found
    assert_array_equal(positions, wanted[1])
    assert_array_equal(scores, wanted[0])
    assert (scores.dtype, positions.dtype) == (np.float32, np.int64)


def naive(vectors, queries, k):
    scores = (queries.astype(np.float64) @ vectors.T.astype(np.float64)).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


@st.composite
def problems(draw):
    """Draw vectors, queries, k, shard borders and options: whole numbers tie often."""
    n, d, q = draw(st.integers(1, 60)), draw(st.integers(1, 9)), draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        vectors, queries = random.integers(-1, 2, (n, d)), random.integers(-1, 2, (q, d))
    else:
        vectors, queries = random.standard_normal((n, d)), random.standard_normal((q, d))
    borders = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    options = {"block": draw(st.integers(1, 70)), "memory": draw(st.sampled_from([0, 1]))}
    vectors, queries = vectors.astype(np.float32), queries.astype(np.float32)
    return vectors, queries, draw(st.integers(1, 70)), borders, options


@given(problems())
@settings(deadline=None, max_examples=100)
def test_hits_are_those_of_float64_sums_however_the_vectors_are_split(problem) -> None:
    vectors, queries, k, borders, options = problem
    wanted = naive(vectors, queries, k)
    assert_same(search(vectors, queries, k, *borders, **options), wanted)
    alone = [search(vectors, query[None], k, *borders, **options) for query in queries]
    assert_same([np.concatenate(side) for side in zip(*alone, strict=True)], wanted)


def test_the_cut_goes_through_hundreds_of_ties_in_the_order_of_the_corpus() -> None:
    vectors = np.ones((5_000, 8))
    vectors[4_000] = 2
    scores, positions = search(vectors, np.ones((20, 8)), 300, block=512)
    assert_array_equal(positions, [[4_000, *range(299)]] * 20)
    assert_array_equal(scores, [[16, *[8] * 299]] * 20)


def test_a_corpus_that_gets_better_and_better() -> None:
    vectors = np.arange(3_000.0)[:, None] * np.ones(4)
    scores, positions = search(vectors, np.ones((20, 4)), 50, block=100)
    assert_array_equal(positions, [range(2_999, 2_949, -1)] * 20)
    assert_array_equal(scores[0], 4.0 * positions[0])


def test_zeros_of_both_signs_tie() -> None:
    vectors = np.array([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    scores, positions = search(vectors, [[-0.0, 1.0]], 3)
    assert_array_equal(positions, [[0, 1, 2]])
    assert not np.signbit(scores).any()


def test_rounding_does_not_depend_on_the_order_of_summation() -> None:
    # The sum lies in the middle of two float32 numbers, or beside it if small terms meet
    # before they are added to the large one: BLAS libraries do not agree on that
    terms = [1.0, 2.0**-24, *[2.0**-54] * 4, *[0.0] * 58]
    random = np.random.default_rng(0)
    vectors = np.array([random.permutation(terms) for _ in range(400)])
    queries = np.ones((12, 64))
    wanted = search(vectors, queries, 400)
    assert_same(search(vectors, queries, 400, block=7, memory=0), wanted)
    assert_same(search(vectors, queries[:1], 400), [side[:1] for side in wanted])


@pytest.mark.parametrize("queries", [1, 20])
@pytest.mark.parametrize("block", [100, 5_000])
def test_docs_that_a_float32_product_cannot_tell_apart(queries: int, block: int) -> None:
    random = np.random.default_rng(0)
    vectors = np.float32(random.random(64) + 1e-6 * random.random((5_000, 64)))
    asked = np.float32(random.random((queries, 64)))
    assert_same(search(vectors, asked, 10, block=block), naive(vectors, asked, 10))


def test_hits_are_exact_though_a_gpu_may_round_factors(monkeypatch) -> None:
    import torch

    def product(a, b):
        return torch.mm(a.bfloat16().float(), b.bfloat16().float())

    before = torch.get_float32_matmul_precision()
    monkeypatch.setattr(torch.Tensor, "__matmul__", product)
    torch.set_float32_matmul_precision("medium")
    random = np.random.default_rng(0)
    vectors, asked = np.float32(random.random((2_000, 64))), np.float32(random.random((9, 64)))
    try:
        assert_same(search(vectors, asked, 20), naive(vectors, asked, 20))
    finally:
        torch.set_float32_matmul_precision(before)


def test_a_corpus_that_exceeds_memory_is_read_by_blocks() -> None:
    vectors = Shards(np.ones((1_000, 4), dtype=np.float32), 300)
    index = ExactIndex(device="cpu", block=10, memory=0)
    index.build(vectors)
    index.search(np.ones((9, 4), dtype=np.float32), 3)
    assert vectors.largest == 10
    assert index.nbytes == 1_000 * 4 * 4


def test_no_queries_and_no_vectors() -> None:
    assert search(np.ones((3, 2)), np.ones((0, 2)), 2)[1].shape[0] == 0
    assert search(np.ones((0, 2)), np.ones((3, 2)), 2)[1].shape == (3, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "exact: unknown device 'gpu' (take auto, cpu, cuda or cuda:1)"),
        ({"device": "cuda:99"}, "exact: device cuda:99 is not here (take auto or cpu)"),
    ],
)
def test_mistakes_are_found_when_planning(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EffbenchError) as caught:
        ExactIndex.check(block=1, memory=1.0, **options)
    assert str(caught.value) == message


def test_it_is_offered() -> None:
    assert effbench_indexes() == {"exact": ExactIndex}
    ExactIndex.check(device="mps", block=1, memory=0.0)  # float64 is not for it: the CPU's


def test_importing_it_is_light() -> None:
    code = "import sys, effbench_exact; print(sys.modules.keys() & {'torch', 'numpy'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


@pytest.mark.gpu
@pytest.mark.parametrize("queries", [1, 40])
def test_cpu_and_gpu_agree_in_every_bit(queries: int) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    random = np.random.default_rng(0)
    vectors = random.integers(-1, 2, (3_000, 16)) * random.choice([0.1, 1.0], (3_000, 1))
    asked = random.standard_normal((queries, 16))
    wanted = search(vectors, asked, 500)
    assert_same(search(vectors, asked, 500, device="cuda"), wanted)
    assert_same(search(vectors, asked, 500, device="cuda", block=100, memory=0), wanted)
