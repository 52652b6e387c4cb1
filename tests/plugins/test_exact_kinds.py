"""The index ``exact`` with sparse vectors and token vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

from effbench import TokenVectors
from effbench_exact import ExactIndex

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


@given(weights(), st.integers(1, 70), st.integers(1, 5), st.sampled_from([0, 2e-6, 1]))
@settings(deadline=None, max_examples=150)
def test_sparse_hits_are_those_of_sums_in_the_order_of_words(drawn, k, block, memory) -> None:
    docs, queries = drawn
    wanted = best(in_order(queries, docs), k, zero=False)
    options = {"block": block, "memory": memory}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("effbench_exact.sparse._LARGER", 1)
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
