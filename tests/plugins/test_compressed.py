from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from altered import altered
from effbench import EffbenchError
from effbench_compressed import CompressedIndex, effbench_indexes
from effbench_exact import ExactIndex, rescoring

CODES = ["float32", "float16", "int8", "binary", "rabitq"]
RANDOM = np.random.default_rng(0)


class Source:
    """Vectors as those on disk; notes how many were read one by one."""

    def __init__(self, vectors):
        self._vectors, self.shape, self.read = vectors, vectors.shape, 0
        self._vectors.flags.writeable = False

    def __len__(self):
        return len(self._vectors)

    def __getitem__(self, rows):
        return self._vectors[rows]

    def at(self, rows):
        self.read += len(rows)
        return self._vectors[rows]


def normal(*shape: int):
    return RANDOM.standard_normal(shape, dtype=np.float32)


def build(vectors, **options: Any) -> CompressedIndex:
    index = CompressedIndex(**options)
    index.build(Source(vectors))
    return index


def exact(vectors, queries, k: int):
    index = ExactIndex(device="cpu")
    index.build(Source(vectors))
    return index.search(queries, k)


def best_of(positions, vectors, queries, k: int):
    """Return the k best of candidates by float64 sums, computed as plainly as possible."""
    positions = np.sort(positions, axis=1)
    products = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    scores = np.take_along_axis(products, positions, axis=1).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return tuple(np.take_along_axis(side, order, axis=1) for side in (scores, positions))


def assert_same(hits, wanted) -> None:
    for side, wanted_side in zip(hits, wanted, strict=True):
        assert_array_equal(side, wanted_side)
    assert [side.dtype for side in hits] == [np.float32, np.int64]


@st.composite
def problems(draw):
    """Draw vectors, queries, k, over-fetch and options: whole numbers tie often."""
    n, d, q = draw(st.integers(1, 60)), draw(st.integers(1, 20)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        vectors, queries = random.integers(-1, 2, (n, d)), random.integers(-1, 2, (q, d))
    else:
        offset = draw(st.sampled_from([0, 3]))
        vectors, queries = random.standard_normal((n, d)) + offset, random.normal(size=(q, d))
    options = {
        "code": draw(st.sampled_from(CODES)),
        "dims": draw(st.integers(1, d) | st.none()),
    }
    options["renormalise"] = draw(st.booleans())
    k, over_fetch = draw(st.integers(1, 70)), draw(st.integers(1, 9))
    return vectors.astype(np.float32), queries.astype(np.float32), k, over_fetch, options


sizes = st.fixed_dictionaries(
    {"_ROWS": st.sampled_from([1, 7, 8192]), "_PAIRS": st.sampled_from([1, 50, 2**21])}
)


@given(problems(), sizes)
@settings(deadline=None, max_examples=80)
def test_rescored_hits_are_the_best_that_the_candidates_allow(problem, small) -> None:
    vectors, queries, k, over_fetch, options = problem
    index = build(vectors, **options)
    _, candidates = index.search(queries, k * over_fetch, rescore=False)
    with pytest.MonkeyPatch.context() as patched:
        for name, size in small.items():
            patched.setattr(rescoring, name, size)
        hits = index.search(queries, k, over_fetch=over_fetch)
    assert candidates.shape == (len(queries), min(len(vectors), k * over_fetch))
    assert_same(hits, best_of(candidates, vectors, queries, k))


@given(problems())
@settings(deadline=None, max_examples=60)
def test_a_full_over_fetch_is_the_index_exact_in_every_bit(problem) -> None:
    vectors, queries, k, _, options = problem
    index = build(vectors, **options)
    hits = index.search(queries, k, over_fetch=-(-len(vectors) // k))
    assert_same(hits, exact(vectors, queries, k))


def test_rounding_does_not_depend_on_the_order_of_summation() -> None:
    # the sum lies in the middle of two float32 numbers, or beside it (as in test_exact.py)
    terms = [1.0, 2.0**-24, *[2.0**-54] * 4, *[0.0] * 58]
    vectors = np.float32([RANDOM.permutation(terms) for _ in range(400)])
    queries = np.ones((12, 64), np.float32)
    index = build(vectors, code="int8")
    assert_same(index.search(queries, 40, over_fetch=10), exact(vectors, queries, 40))
    alone = [side[:1] for side in exact(vectors, queries, 40)]
    assert_same(index.search(queries[:1], 40, over_fetch=10), alone)


def test_signs_about_the_mean_find_more_if_vectors_have_much_in_common() -> None:
    vectors, queries = normal(1_000, 32) + np.float32(4), normal(30, 32) + np.float32(4)
    wanted = exact(vectors, queries, 10)[1]
    plain, centred = (
        build(vectors, code="binary", centre=centre).search(queries, 100, rescore=False)[1]
        for centre in (False, True)
    )
    plain, centred = (
        np.mean([np.isin(*pair).mean() for pair in zip(wanted, hits, strict=True)])
        for hits in (plain, centred)
    )
    assert plain < centred - 0.1


def test_more_candidates_find_more_with_every_code() -> None:
    centres = normal(20, 32)
    vectors = centres[RANDOM.integers(20, size=2_000)] + normal(2_000, 32)
    queries = vectors[::50] + normal(40, 32)
    wanted = exact(vectors, queries, 10)[1]
    for code in CODES:
        index = build(vectors, code=code, dims=24)
        few, many = (
            np.mean([np.isin(*pair).mean() for pair in zip(wanted, hits, strict=True)])
            for hits in (index.search(queries, 10, over_fetch=n)[1] for n in (1, 16))
        )
        assert few < many
        assert many > 0.6, code


@pytest.mark.parametrize(
    ("code", "steps"), [("float32", np.inf), ("float16", 2.0**11), ("int8", 255)]
)
def test_each_number_is_kept_to_a_step_of_the_range_of_its_dimension(code, steps) -> None:
    vectors = normal(700, 12) * np.float32(10.0 ** np.arange(-7, 5)) + np.float32(1)
    vectors[:, 3] = 5  # a dimension without a range
    vectors[-1, 4] = 1e3  # an outlier that a sample might lack
    scores, positions = build(vectors, code=code).search(
        np.eye(12, dtype="f4"), 700, rescore=False
    )
    numbers = np.take_along_axis(vectors.T, positions, axis=1)
    ranges = np.ptp(vectors, axis=0) if code == "int8" else np.abs(vectors).max(axis=0)
    rounding = np.abs(vectors).max(axis=0) * 1e-6
    assert (np.abs(scores - numbers).max(axis=1) <= ranges / steps + rounding).all()


def test_rabitq_estimates_inner_products_also_with_a_common_offset() -> None:
    vectors, queries = normal(2_000, 96) + np.float32(4), normal(20, 96) + np.float32(4)
    scores, positions = build(vectors, code="rabitq").search(queries, 2_000, rescore=False)
    wanted = np.take_along_axis(queries @ vectors.T, positions, axis=1)
    errors = scores - wanted
    assert abs(errors.mean()) < 0.02 * wanted.std()
    assert errors.std() < 0.3 * wanted.std(), "a bit for each number, and the norms"


def test_signs_are_those_of_the_differences_to_the_mean() -> None:
    vectors, queries = normal(300, 21) + np.float32(3), normal(9, 21) + np.float32(3)
    for centre, middle in ((True, vectors.mean(axis=0)), (False, 0)):
        index = build(vectors, code="binary", centre=centre)
        scores, positions = index.search(queries, 300, rescore=False)
        signs, asked = (np.where(x > middle, 1, -1) for x in (vectors, queries))
        assert_array_equal(scores, np.take_along_axis(asked @ signs.T, positions, axis=1))


@pytest.mark.parametrize("renormalise", [True, False])
def test_truncation_with_and_without_a_new_norm(renormalise: bool) -> None:
    vectors, queries = normal(200, 16), normal(7, 16)
    vectors[5, :6] = 0  # it keeps the norm 0
    index = build(vectors, code="float32", dims=6, renormalise=renormalise)
    scores, positions = index.search(queries, 200, rescore=False)
    cut, asked = (np.float64(side[:, :6]) for side in (vectors, queries))
    if renormalise:
        cut, asked = (
            side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-300)
            for side in (cut, asked)
        )
    wanted = np.take_along_axis(asked @ cut.T, positions, axis=1)
    assert_allclose(scores, wanted, atol=1e-5)
    assert_array_equal(np.sort(positions), np.tile(np.arange(200), (7, 1)))


def test_all_dimensions_keep_their_norms() -> None:
    vectors, queries = normal(50, 8) * np.float32(3), normal(4, 8)
    scores, positions = build(vectors, code="float32").search(queries, 50, rescore=False)
    wanted = np.take_along_axis(queries @ vectors.T, positions, axis=1)
    assert_allclose(scores, wanted, rtol=1e-4, atol=1e-5)


def test_vectors_are_read_by_blocks_and_only_candidates_are_read_again(monkeypatch) -> None:
    vectors, queries = normal(900, 8), normal(3, 8)
    wanted = build(vectors, code="int8").search(queries, 5)
    monkeypatch.setattr("effbench_compressed._ROWS", 70)
    index, source = CompressedIndex(code="int8"), Source(vectors)
    index.build(source)
    assert_same(index.search(queries, 5, over_fetch=4), wanted)
    assert source.read <= 3 * 20


@pytest.mark.parametrize("code", CODES)
def test_it_comes_back_from_disk(code: str, tmp_path: Path) -> None:
    vectors, queries = normal(300, 21), normal(5, 21)
    index = build(vectors, code=code, dims=19)
    index.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"codes.faiss", "centre.npy"}
    loaded = CompressedIndex(code=code, dims=19)
    loaded.load(tmp_path, Source(vectors))
    for rescore in (True, False):
        options = {"over_fetch": 2, "rescore": rescore}
        assert_same(loaded.search(queries, 10, **options), index.search(queries, 10, **options))
    assert loaded.nbytes == index.nbytes
    of_a_vector = {"float32": 76, "float16": 38, "int8": 19, "binary": 3, "rabitq": 3 + 8}[code]
    rotation = 4 * 19**2 if code == "rabitq" else 0
    assert index.nbytes == 300 * of_a_vector + rotation


@pytest.mark.parametrize("code", CODES)
def test_no_queries(code: str) -> None:
    assert len(build(normal(4, 3), code=code).search(normal(0, 3), 5)[1]) == 0


def test_signs_of_vectors_with_a_common_offset_are_remarked_on(caplog) -> None:
    shifted = normal(500, 16) + np.float32(4)
    with caplog.at_level(logging.WARNING):
        build(shifted, code="binary")
        build(normal(500, 16) + np.float32(0.5), code="binary", centre=False)
        assert not caplog.messages
        build(shifted, code="binary", centre=False)
    (line,) = caplog.messages
    assert line == (
        "compressed: the vectors have a common offset, 94 % of their squared norms, so docs "
        "have nearly the same signs: without rescoring, their order means little "
        "(leave out centre: false)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": 9}, "compressed: dims is 9, and the vectors have 8 (take 1 to 8)"),
        (
            {"code": "float16"},
            "compressed: float16 has no number 1e+18 (take another code)",
        ),
        (
            {"code": "rabitq"},
            "compressed: rabitq has no number 1e+18 (take another code)",
        ),
    ],
)
def test_options_that_do_not_suit_the_vectors(options: dict[str, Any], message: str) -> None:
    vectors = normal(20, 8)
    vectors[3, 2] = -1e18
    with pytest.raises(EffbenchError) as caught:
        build(vectors, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("rescore", [True, False])
def test_products_that_are_no_float32_are_one_line(rescore: bool) -> None:
    vectors = normal(20, 8) * np.float32(1e20)
    with pytest.raises(EffbenchError, match="products with a query are too large"):
        build(vectors, code="float32").search(vectors, 5, rescore=rescore)


def test_mistakes_are_found_when_planning(run) -> None:
    done = run(altered(SUITE, "code: int8}", "code: int8, centre: false}"))
    assert done.exit_code == 2
    assert "compressed: centre belongs to code: binary (leave it out)" in done.output


SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
k: 10
encoders: {words: {use: words}}
indexes:
  exact: {use: exact}
  plain: {use: compressed, code: int8}
  swept:
    use: compressed
    sweep: {code: [float32, float16, int8, binary, rabitq], dims: [16, 64]}
    search: {over_fetch: [1, 6]}
latency: false
"""


@pytest.mark.parametrize("words", ["{use: words}", "{use: words, store: float16}"])
def test_one_encoding_serves_the_whole_grid_and_a_full_over_fetch_writes_the_run_of_exact(
    run, monkeypatch, tmp_path: Path, words: str
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    done = run(altered(SUITE, "{use: words}", words))
    assert done.exit_code == 0, done.output
    assert log.read_text().splitlines().count("encoded d0 60") == 1
    texts = {}
    for path in (tmp_path / "cache" / "run").glob("*/manifest.json"):
        label = json.loads(path.read_text())["label"]
        if "search exact" in label or "over_fetch=6" in label:
            texts[label] = (path.parent / "run.trec").read_bytes()
    assert len(texts) == 1 + 5 * 2
    assert len(set(texts.values())) == 1


def test_it_is_offered_and_importing_it_is_light() -> None:
    assert effbench_indexes() == {"compressed": CompressedIndex}
    code = (
        "import sys, effbench_compressed as c; print(sys.modules.keys() & {'faiss', 'numpy'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"
