"""``muvera``: its inner products are about MaxSim, and those of a plain computation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from effbench import EffbenchError, TokenVectors
from effbench_late_interaction import MuveraEncoder, fixed
from effbench_late_interaction.fixed import FixedEncoding

WIDTH = 12


def made(seed: int, lengths: list[int], width: int = WIDTH) -> TokenVectors:
    """Return random vectors of length 1 around a few centres, as the tokens of texts have."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).standard_normal((8, width))
    vectors = centres[random.integers(8, size=sum(lengths))]
    vectors += 0.5 * random.standard_normal(vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenVectors(vectors.astype(np.float32), starts)


QUERIES, DOCS = made(1, [1, 5, 8, 32]), made(2, [1, 40, 3, 17, 100, 2])


def maxsim(queries: TokenVectors, docs: TokenVectors) -> np.ndarray:
    return np.array([[(q @ d.T).max(axis=1).sum() for d in docs] for q in queries])


def scores(encoding: FixedEncoding) -> np.ndarray:
    return encoding.queries(QUERIES) @ encoding.docs(DOCS).T


def encoding(
    repetitions: int = 6, bits: int = 3, projection: int = WIDTH, dims: int | None = None,
    seed: int = 0,
) -> FixedEncoding:  # fmt: skip
    return FixedEncoding(WIDTH, repetitions, bits, projection, dims, seed)


@pytest.mark.parametrize("bits", [0, 1, 4])
@pytest.mark.parametrize("projection", [5, WIDTH])
def test_vectors_are_those_of_a_plain_computation(bits: int, projection: int) -> None:
    of = encoding(3, bits, projection)
    planes = of.planes.reshape(WIDTH, 3, bits)
    queries, docs = of.queries(QUERIES), of.docs(DOCS)
    for kind, texts, given in (("query", QUERIES, queries), ("doc", DOCS, docs)):
        for tokens, vector in zip(texts, given, strict=True):
            parts = []
            for each in range(3):
                buckets = [
                    sum(1 << bit for bit in range(bits) if token @ planes[:, each, bit] > 0)
                    for token in tokens
                ]
                small = tokens
                if of.signs is not None:
                    small = tokens @ of.signs.reshape(WIDTH, 3, projection)[:, each]
                parts += [part(kind, bucket, buckets, small) for bucket in range(1 << bits)]
            assert_allclose(vector, np.concatenate(parts) / np.sqrt(3), atol=1e-5)


def part(kind: str, bucket: int, buckets: list[int], tokens: np.ndarray) -> np.ndarray:
    inside = [token for token, where in zip(tokens, buckets, strict=True) if where == bucket]
    if kind == "query":
        return np.sum(inside, axis=0) if inside else np.zeros(tokens.shape[1])
    if inside:
        return np.mean(inside, axis=0)
    apart = [bin(where ^ bucket).count("1") for where in buckets]
    return tokens[apart.index(min(apart))]


def test_without_a_projection_a_score_is_never_above_maxsim_and_near_it() -> None:
    wanted = maxsim(QUERIES, DOCS)
    coarse, fine = scores(encoding(20, 2)), scores(encoding(20, 8))
    assert (coarse <= wanted + 1e-4).all()
    assert (fine <= wanted + 1e-4).all()
    assert np.abs(fine - wanted).mean() < 0.6 * np.abs(coarse - wanted).mean()
    assert np.corrcoef(fine.ravel(), wanted.ravel())[0, 1] > 0.99


def test_a_doc_of_one_vector_has_its_maxsim_exactly() -> None:
    docs = made(3, [1, 1, 1])
    of = encoding()
    assert_allclose(of.queries(QUERIES) @ of.docs(docs).T, maxsim(QUERIES, docs), atol=1e-4)


@pytest.mark.parametrize("options", [{"projection": 6}, {"dims": 400}])
def test_projections_keep_inner_products_on_average(options: dict[str, int]) -> None:
    wanted = scores(encoding(40))
    given = [scores(encoding(40, **options, seed=seed)) for seed in range(30)]
    # planes differ with the seed as well, so the differences have a part that stays
    assert np.abs(np.mean(given, axis=0) - wanted).max() < 0.12 * np.abs(wanted).max()
    assert np.std(given, axis=0).max() > 0.01


def test_a_vector_depends_on_no_other_text(monkeypatch: pytest.MonkeyPatch) -> None:
    of = encoding(projection=5, dims=100)
    queries, docs = of.queries(QUERIES), of.docs(DOCS)
    monkeypatch.setattr(fixed, "BYTES", 1)  # a part has one doc
    assert_allclose(of.docs(DOCS), docs, atol=1e-6)
    for row in range(len(QUERIES)):
        assert_allclose(of.queries(QUERIES[row : row + 1])[0], queries[row], atol=1e-6)
    assert queries.shape == (4, 100)
    assert queries.dtype == docs.dtype == np.float32


def test_a_seed_decides_the_vectors() -> None:
    assert (scores(encoding(seed=4)) == scores(encoding(seed=4))).all()
    assert np.abs(scores(encoding(seed=4)) - scores(encoding(seed=5))).max() > 0.01


def test_more_dims_than_there_are_is_a_mistake() -> None:
    with pytest.raises(EffbenchError, match=r"dims 99 is more than .* = 80 \(leave it out\)"):
        MuveraEncoder.check(repetitions=5, bits=2, projection=4, dims=99)
