from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from effbench import EffbenchError
from effbench_seismic import SeismicIndex, effbench_indexes


class Source:
    """Sparse vectors as a source gives them."""

    def __init__(self, vectors) -> None:
        self.vectors, self.shape = vectors, vectors.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows):
        return self.vectors[rows]


def drawn(docs: int, words: int = 300) -> sparse.csr_array:
    random = np.random.default_rng(docs)
    vectors = sparse.random_array((docs, words), density=0.05, rng=random, format="csr")
    vectors = vectors.astype(np.float32)
    vectors.sort_indices()
    return vectors


def built(vectors, **options) -> SeismicIndex:
    index = SeismicIndex(**options)
    index.build(Source(vectors))
    return index


@pytest.mark.parametrize("words", [300, 70_000])
def test_hits_of_a_wide_search_are_the_best_docs(words: int) -> None:
    docs, queries = drawn(2_000), drawn(20)
    for vectors in (docs, queries):
        vectors.resize((vectors.shape[0], words))
    scores, positions = built(docs).search(queries, 10, query_cut=300, heap_factor=1.0)
    products = (queries @ docs.T).toarray()
    best = np.argsort(-products, axis=1)[:, :10]
    shared = [len(np.intersect1d(*pair)) for pair in zip(positions, best, strict=True)]
    assert np.mean(shared) > 9
    np.testing.assert_allclose(
        scores, np.take_along_axis(products, positions, axis=1), rtol=3e-3
    )
    assert (np.diff(scores, axis=1) <= 0).all()


def test_docs_and_queries_without_words_have_no_hits() -> None:
    docs, queries = drawn(50), drawn(3)
    docs = sparse.vstack([docs[:0], sparse.csr_array((1, 300)), docs]).tocsr()
    docs, queries = sparse.csr_array(docs, dtype=np.float32), queries.tolil()
    queries[1] = 0
    scores, positions = built(docs).search(queries.tocsr(), 60)
    assert (positions[1] == -1).all()
    assert 0 not in positions
    assert (positions[:, -1] == -1).all()
    assert ((scores > 0) == (positions >= 0)).all()


def test_an_index_that_was_saved_gives_the_same_hits(tmp_path, capfd) -> None:
    docs, queries = drawn(500), drawn(5)
    index, loaded = built(docs, neighbours=3), SeismicIndex(neighbours=3)
    size = index.nbytes
    index.save(tmp_path)
    loaded.load(tmp_path, None)
    for neighbours in (0, 3):
        before, after = (
            one.search(queries, 7, neighbours=neighbours) for one in (index, loaded)
        )
        np.testing.assert_array_equal(before[1], after[1])
        np.testing.assert_array_equal(before[0], after[0])
    assert size == index.nbytes == loaded.nbytes > docs.nnz
    assert capfd.readouterr().out == "", "it prints nothing"


def test_no_docs() -> None:
    assert (built(drawn(0)).search(drawn(2), 3)[1] == -1).all()


def test_what_it_cannot_do_is_one_line() -> None:
    docs = drawn(50)
    with pytest.raises(EffbenchError, match=r"neighbours is 2, and the index knows 0 \(build"):
        built(docs).search(docs, 3, neighbours=2)
    docs.data[3] = 70_000
    with pytest.raises(EffbenchError, match=r"a weight is 70000, and float16 ends at 65504 \("):
        built(docs)


def test_it_is_offered() -> None:
    assert effbench_indexes() == {"seismic": SeismicIndex}
    assert SeismicIndex.takes == ("sparse",)
