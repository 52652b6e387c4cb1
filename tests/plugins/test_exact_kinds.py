"""The index ``exact`` with sparse vectors and token vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

from effbench import TokenVectors
from effbench_exact import ExactIndex, tokens

GIB = 2**30


class Source:
    """Vectors as a source gives them; notes the largest slice that it was asked for."""

    def __init__(self, vectors) -> None:
        self.vectors, self.shape, self.largest = vectors, vectors.shape, 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows):
        part = self.vectors[rows]
        self.largest = max(self.largest, part.shape[0])
        return part

    kept = __getitem__


def search(vectors, queries, k: int, **options):
    index = ExactIndex(device="cpu", **options)
    index.build(Source(vectors))
    return index.search(queries, k)


def best(scores, k: int, *, zero: bool):
    """Return the k largest scores and their positions; with ``zero`` a score of 0 counts."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    scores = np.take_along_axis(scores, order, axis=1)
    if zero:
        return scores, order
    most = int((scores > 0).sum(axis=1).max(initial=0))
    return scores[:, :most], np.where(scores > 0, order, -1)[:, :most]


def assert_same(answer, wanted) -> None:
    assert_array_equal(answer[1], wanted[1])
    assert_array_equal(answer[0], wanted[0])
    assert (answer[0].dtype, answer[1].dtype) == (np.float32, np.int64)


def joined(answers):
    """Return the answers for single queries as one answer."""
    most = max(positions.shape[1] for _, positions in answers)
    ends = [most - positions.shape[1] for _, positions in answers]
    scores = [np.pad(s, ((0, 0), (0, end))) for (s, _), end in zip(answers, ends, strict=True)]
    positions = [
        np.pad(p, ((0, 0), (0, end)), constant_values=-1)
        for (_, p), end in zip(answers, ends, strict=True)
    ]
    return np.concatenate(scores), np.concatenate(positions)


def in_order(queries, docs):
    """Return inner products [q, n]: float64 sums in the order of the words."""
    sums = np.zeros((queries.shape[0], docs.shape[0]))
    for word in range(queries.shape[1]):
        sums += np.outer(queries[:, word].astype(np.float64), docs[:, word].astype(np.float64))
    return sums.astype(np.float32)


@st.composite
def weights(draw):
    """Draw the weights of docs and of queries: many are 0, whole numbers tie often."""
    n, q, words = draw(st.integers(0, 60)), draw(st.integers(0, 9)), draw(st.integers(1, 30))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    share = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    whole = draw(st.booleans())

    def drawn(rows: int):
        some = random.integers(1, 3, (rows, words)) if whole else random.random((rows, words))
        return (some * (random.random((rows, words)) < share)).astype(np.float32)

    return drawn(n), drawn(q)


@st.composite
def sizes(draw):
    """Draw the sizes of a search by lists: a few sums at a time, long lists or short ones."""
    return {
        "_LARGER": 1,
        "_FEW": 3,
        "_SUMS": draw(st.sampled_from([1, 40, 2**18])),
        "_LONG": draw(st.sampled_from([0, 4, 1024])),
    }


@given(weights(), sizes(), st.integers(1, 70), st.integers(1, 5), st.sampled_from([0, 2e-6, 1]))
@settings(deadline=None, max_examples=200)
def test_sparse_hits_are_those_of_sums_in_the_order_of_words(
    drawn, sizes, k, block, memory
) -> None:
    docs, queries = drawn
    wanted = best(in_order(queries, docs), k, zero=False)
    options = {"block": block, "memory": memory}
    with pytest.MonkeyPatch.context() as patched:
        for name, size in sizes.items():
            patched.setattr(f"effbench_exact.sparse.{name}", size)
        csr = sparse.csr_array(docs), sparse.csr_array(queries)
        assert_same(search(*csr, k, **options), wanted)
        alone = [search(csr[0], csr[1][i : i + 1], k, **options) for i in range(len(queries))]
        if alone:
            assert_same(joined(alone), wanted)


@st.composite
def texts(draw):
    """Draw token vectors of docs and of queries, of many lengths."""
    n, q, d = draw(st.integers(0, 40)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    whole, longest = draw(st.booleans()), draw(st.sampled_from([1, 3, 30]))

    def drawn(items: int):
        starts = np.cumsum([0, *random.integers(1, longest + 1, items)])
        shape = starts[-1], d
        some = random.integers(-1, 2, shape) if whole else random.standard_normal(shape)
        return TokenVectors(some.astype(np.float32), starts.astype(np.int64))

    return drawn(n), drawn(q)


def max_sim(queries, docs):
    """Return scores [q, n], computed in float64."""
    scores = np.zeros((len(queries), len(docs)))
    for i, query in enumerate(queries):
        for j, doc in enumerate(docs):
            scores[i, j] = (query.astype(np.float64) @ doc.astype(np.float64).T).max(1).sum()
    return (scores + 0.0).astype(np.float32)


@given(texts(), st.integers(1, 70), st.integers(1, 30), st.sampled_from([0, 2e-6, 1]))
@settings(deadline=None, max_examples=150)
def test_token_hits_are_those_of_float64_sums(drawn, k, block, memory) -> None:
    docs, queries = drawn
    wanted = best(max_sim(queries, docs), k, zero=True)
    options = {"block": block, "memory": memory}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("effbench_exact.tokens._FEWER", 1)
        patched.setattr("effbench_exact.tokens._PRODUCTS", 200)
        assert_same(search(docs, queries, k, **options), wanted)
        alone = [search(docs, queries[i : i + 1], k, **options) for i in range(len(queries))]
        assert_same(joined(alone), wanted)


def text_vectors(lengths, d: int, seed: int = 0) -> TokenVectors:
    vectors = np.random.default_rng(seed).standard_normal((int(np.sum(lengths)), d))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TokenVectors(vectors.astype(np.float32), np.cumsum([0, *lengths]))


@pytest.mark.parametrize("memory", [0, 1])
def test_token_vectors_kept_as_float16_are_searched_as_they_are(memory: int) -> None:
    random = np.random.default_rng(0)
    docs = text_vectors(random.integers(1, 60, 700), 16).astype(np.float16)
    queries = text_vectors(random.integers(1, 40, 12), 16, seed=1)

    class Halves(Source):
        def __getitem__(self, rows):
            raise AssertionError("it reads float32")

        kept = Source.__getitem__

    index = ExactIndex(device="cpu", memory=memory)
    index.build(Halves(docs))
    assert_same(index.search(queries, 20), best(max_sim(queries, docs), 20, zero=True))
    assert index.nbytes < 1.1 * docs.vectors.nbytes


@pytest.mark.parametrize("scale", [1e-25, 1e12])
def test_very_small_and_very_large_token_vectors(scale: float) -> None:
    random = np.random.default_rng(0)
    docs, queries = text_vectors(random.integers(1, 9, 200), 8), text_vectors([3, 1, 5], 8, 1)
    docs = TokenVectors(docs.vectors * np.float32(scale), docs.starts)
    assert_same(search(docs, queries, 9), best(max_sim(queries, docs), 9, zero=True))


def test_max_sims_whose_products_a_float32_cannot_hold() -> None:
    docs = TokenVectors(np.array([[1e25], [1.0], [-1.0]], np.float32), np.array([0, 1, 3]))
    queries = TokenVectors(np.array([[1e25], [-1e25], [1e25]], np.float32), np.array([0, 2, 3]))
    scores, positions = search(docs, queries, 1)
    # the first doc: 1e50 - 1e50 for the first query, 1e50 for the second one
    assert positions.tolist() == [[1], [0]]
    assert scores[:, 0].tolist() == [2 * float(np.float32(1e25)), np.inf]


def test_docs_whose_max_sims_a_float32_product_cannot_tell_apart() -> None:
    random = np.random.default_rng(0)
    base = random.standard_normal((5, 32))
    near = np.concatenate([base + 1e-7 * random.standard_normal((5, 32)) for _ in range(300)])
    docs = TokenVectors(near.astype(np.float32), np.arange(0, 1501, 5))
    queries = text_vectors([7, 2], 32)
    assert_same(search(docs, queries, 15), best(max_sim(queries, docs), 15, zero=True))


def test_max_sims_are_rounded_alike_in_any_order_of_summation(monkeypatch) -> None:
    # The sum lies in the middle of two float32 numbers, or beside it if small terms meet
    # before they are added to the large one
    terms = [1.0, 2.0**-24, *[2.0**-54] * 4, *[0.0] * 58]
    random = np.random.default_rng(0)
    rows = np.array([random.permutation(terms) for _ in range(120)], dtype=np.float32)
    docs = TokenVectors(rows, np.arange(0, 121, 2))
    queries = TokenVectors(np.ones((6, 64), np.float32), np.array([0, 1, 2, 6]))
    unsure = []
    fixed = tokens._fixed
    monkeypatch.setattr(tokens, "_fixed", lambda *pair: unsure.append(pair) or fixed(*pair))
    wanted = search(docs, queries, 60)
    assert len(unsure) == 180, "no sum of a BLAS library decides"
    for options in ({"block": 1}, {"memory": 0, "block": 33}):
        assert_same(search(docs, queries, 60, **options), wanted)
    alone = [search(docs, queries[row : row + 1], 60) for row in range(3)]
    assert_same(joined(alone), wanted)


def test_a_sparse_score_is_one_sum_in_the_order_of_words() -> None:
    random = np.random.default_rng(0)
    weights = np.array(
        [random.permutation([1.0, 2.0**-24, 2.0**-54, 2.0**-54, 3.0]) for _ in "a" * 90]
    )
    docs, queries = weights.astype(np.float32), np.ones((9, 5), np.float32)
    wanted = best(in_order(queries, docs), 90, zero=False)
    for options in ({}, {"memory": 0}):
        csr = sparse.csr_array(docs), sparse.csr_array(queries)
        assert_same(search(*csr, 90, **options), wanted)
        assert_same(search(csr[0], csr[1][:1], 90, **options), [side[:1] for side in wanted])


def test_the_words_of_a_query_may_come_in_any_order_and_twice() -> None:
    # in the order of words, the small terms are lost one by one
    docs = sparse.csr_array(np.array([[1.0, 2.0**-24, *[2.0**-54] * 4]], np.float32))
    words, starts = np.array([5, 4, 3, 2, 1, 0, 0]), np.array([0, 7])
    weights = np.array([1, 1, 1, 1, 1, 0.5, 0.5], np.float32)
    query = sparse.csr_array((weights, words, starts), (1, 6))
    scores, positions = search(docs, query, 2)
    assert (scores.tolist(), positions.tolist()) == ([[1.0]], [[0]])
    assert query.indices.tolist() == words.tolist(), "the query is left as it was"


@pytest.mark.parametrize("kind", ["sparse", "tokens"])
def test_a_corpus_that_exceeds_memory_is_read_by_blocks(kind: str) -> None:
    if kind == "sparse":
        vectors = sparse.csr_array(np.eye(900, dtype=np.float32))
        query, larger = vectors[3:4], 8
    else:
        vectors, query, larger = text_vectors([2] * 900, 4), text_vectors([2], 4, 1), 1 / 16
    source = Source(vectors)
    index = ExactIndex(device="cpu", block=32, memory=0)
    index.build(source)
    index.search(query, 3)
    assert source.largest == 32 * larger
    held = ExactIndex(device="cpu")
    held.build(source)
    assert 0 < held.nbytes <= index.nbytes


def test_nothing_to_search_and_nothing_asked() -> None:
    none, some = sparse.csr_array((0, 4), dtype=np.float32), text_vectors([1, 2], 3)
    assert search(none, sparse.csr_array(np.eye(4, dtype=np.float32)), 2)[1].shape == (4, 0)
    assert search(some[0:0], some, 2)[1].shape == (2, 0)
    assert search(some, some[0:0], 2)[1].shape[0] == 0
