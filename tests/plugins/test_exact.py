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
from effbench_exact import ExactIndex, codes, effbench_indexes, screen


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
    of_codes = (n * d + 4 * n) / 2**30  # GiB of the codes: the vectors stay on disk
    memory = draw(st.sampled_from([0, of_codes, 1]))
    options = {"block": draw(st.integers(1, 70)), "memory": memory}
    vectors, queries = vectors.astype(np.float32), queries.astype(np.float32)
    return vectors, queries, draw(st.integers(1, 70)), borders, options


@st.composite
def screens(draw):
    """Draw the sizes of the screen: a few rows at a time, and a few pairs kept."""
    sizes = {"_PRODUCTS": draw(st.sampled_from([1, 40, 2**21]))}
    return {
        **sizes,
        "_PAIRS": draw(st.sampled_from([1, 100, 2**20])),
        "TILE": draw(st.sampled_from([2, 256])),
    }


@given(problems())
@settings(deadline=None, max_examples=100)
def test_hits_are_those_of_float64_sums_however_the_vectors_are_split(problem) -> None:
    vectors, queries, k, borders, options = problem
    wanted = naive(vectors, queries, k)
    assert_same(search(vectors, queries, k, *borders, **options), wanted)
    alone = [search(vectors, query[None], k, *borders, **options) for query in queries]
    assert_same([np.concatenate(side) for side in zip(*alone, strict=True)], wanted)


@given(problems(), screens(), st.booleans())
@settings(deadline=None, max_examples=100)
def test_hits_do_not_depend_on_codes_and_their_sizes(problem, sizes, coded) -> None:
    vectors, queries, k, borders, options = problem
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(codes, "available", lambda: coded and supported())
        patched.setattr("effbench_exact.dense._MANY", 3)  # codes of blocks from disk
        for name, size in sizes.items():
            patched.setattr(screen, name, size)
        hits = search(vectors, queries, k, *borders, **options)
    assert_same(hits, naive(vectors, queries, k))


supported = codes.available


@pytest.mark.parametrize("scale", [1e-25, 1e-18, 1e12, 1e17])
def test_very_small_and_very_large_numbers(scale: float) -> None:
    random = np.random.default_rng(0)
    vectors = np.float32(scale * random.standard_normal((600, 16)))
    vectors[::7] *= np.float32(1e3)
    asked = np.float32(random.standard_normal((40, 16)))
    wanted = naive(vectors, asked, 20)
    assert_same(search(vectors, asked, 20, memory=1), wanted)
    assert_same(search(vectors, asked[:1], 5), naive(vectors, asked[:1], 5))


def test_an_encoder_that_gives_nearly_one_vector_for_all_docs() -> None:
    random = np.random.default_rng(0)
    vectors = np.float32(
        random.standard_normal(32) + 1e-7 * random.standard_normal((3_000, 32))
    )
    asked = np.float32(random.standard_normal((30, 32)))
    assert_same(search(vectors, asked, 15), naive(vectors, asked, 15))


class Halves(Shards):
    """Vectors kept as float16, which an index must read as they are kept."""

    dtype = np.dtype(np.float16)

    def __getitem__(self, rows):
        raise AssertionError("it reads float32")

    def kept(self, rows):
        return super().__getitem__(rows)


@pytest.mark.parametrize("memory", [0, 17e3 / 2**30, 1])
@pytest.mark.parametrize("queries", [1, 9, 80])
def test_float16_is_read_as_it_is_kept_and_is_exact_for_its_values(queries, memory) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((800, 16)).astype(np.float16)
    asked = np.float32(random.standard_normal((queries, 16)))
    index = ExactIndex(device="cpu", memory=memory)
    index.build(Halves(vectors, 300))
    assert_same(index.search(asked, 50), naive(np.float32(vectors), asked, 50))
    of_codes = 800 * (16 + 4) if memory and codes.available() else 0
    assert index.nbytes == 800 * 16 * 2 + of_codes


def test_codes_in_memory_choose_the_vectors_that_are_read_from_disk() -> None:
    if not codes.available():
        pytest.skip("no fast products of bytes here")
    random = np.random.default_rng(0)
    vectors = np.float32(random.standard_normal((2_000, 16)))
    source = Shards(vectors, 700)
    index = ExactIndex(device="cpu", memory=2_000 * (16 + 4) / 2**30)
    index.build(source)
    source.largest = 0
    asked = np.float32(random.standard_normal((2, 16)))
    assert_same(index.search(asked, 5), naive(vectors, asked, 5))
    assert source.largest == 1


def test_an_error_of_reading_ahead_reaches_the_caller() -> None:
    class Broken(Shards):
        def __getitem__(self, rows):
            if rows.start:
                raise OSError("the disk")
            return super().__getitem__(rows)

    index = ExactIndex(device="cpu", block=10)
    with pytest.raises(OSError, match="the disk"):
        index.build(Broken(np.ones((40, 4), dtype=np.float32), 20))


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
