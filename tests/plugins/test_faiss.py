from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from effbench import EffbenchError
from effbench_exact import ExactIndex
from effbench_faiss import FaissIndex, effbench_indexes
from effbench_faiss.training import sample

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((1_500, 16), dtype=np.float32)
QUERIES = RANDOM.standard_normal((20, 16), dtype=np.float32)
for array in (VECTORS, QUERIES):
    array.flags.writeable = False  # as vectors on disk are

OPTIONS = {"train_sample": None, "seed": 0, "build_threads": 1, "gpu": False}


def build(factory: str, **options: Any) -> FaissIndex:
    index = FaissIndex(factory, **options)
    index.build(VECTORS)
    return index


def saved(index: FaissIndex, folder: Path) -> bytes:
    folder.mkdir()
    index.save(folder)
    (path,) = folder.iterdir()
    return path.read_bytes()


def exact(k: int):
    index = ExactIndex(device="cpu")
    index.build(VECTORS)
    return index.search(QUERIES, k)


def recall(index: FaissIndex, **options: Any) -> float:
    _, found = index.search(QUERIES, 10, **options)
    _, wanted = exact(10)
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(found, wanted, strict=True)]))


def test_flat_finds_what_exact_finds() -> None:
    scores, positions = build("Flat").search(QUERIES, 100)
    wanted = exact(100)
    assert_array_equal(positions, wanted[1])
    assert_allclose(scores, wanted[0], rtol=1e-5)
    assert (scores.dtype, positions.dtype) == (np.float32, np.int64)


def test_it_returns_no_more_than_there_is() -> None:
    assert build("Flat").search(QUERIES, 5_000)[1].shape == (20, 1_500)
    missing = build("IVF64,Flat").search(QUERIES, 1_500)[1]  # only one cell is searched
    assert missing[0, -1] == -1


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        ("HNSW8", [{"efSearch": 4}, {"efSearch": 200}]),
        ("IVF32,Flat", [{"nprobe": 1}, {"nprobe": 32}]),
        ("IVF16,PQ8np,RFlat", [{"nprobe": 16}, {"nprobe": 16, "k_factor_rf": 20.0}]),
        ("IVF32_HNSW4,Flat", [{"nprobe": 16, "quantizer_efSearch": 1}, {"nprobe": 16}]),
        ("PCA12,HNSW8,RFlat", [{"efSearch": 4}, {"efSearch": 200, "k_factor_rf": 20}]),
    ],
)
def test_a_sweep_reaches_every_part_and_leaves_nothing_behind(factory, options) -> None:
    index = build(factory, train_sample=1_000)
    before = index.search(QUERIES, 10)
    worse, better = (recall(index, **one) for one in options)
    assert worse < better
    assert better > 0.9
    for after, wanted in zip(index.search(QUERIES, 10), before, strict=True):
        assert_array_equal(after, wanted)


def test_a_search_that_fails_leaves_nothing_behind() -> None:
    index = build("IVF32,Flat")
    before = recall(index)
    with pytest.raises(EffbenchError, match="has no search option efSearch"):
        index.search(QUERIES, 10, nprobe=32, efSearch=5)
    with pytest.raises(AssertionError):  # faiss's own, of the width
        index.search(QUERIES[:, :3], 10, nprobe=32)
    assert recall(index) == before < recall(index, nprobe=32)


@pytest.mark.parametrize("factory", ["HNSW8", "IVF16,PQ4np", "OPQ4,IVF16,PQ4x4fs,RFlat"])
def test_the_same_options_build_the_same_bytes(factory: str, tmp_path: Path) -> None:
    first = saved(build(factory), tmp_path / "first")
    assert saved(build(factory), tmp_path / "second") == first


def test_the_seed_draws_the_training_sample_and_starts_k_means(tmp_path: Path) -> None:
    def built(**options: int) -> bytes:
        return saved(build("IVF16,Flat", **options), tmp_path / str(options))

    some, everything = built(train_sample=700), built()
    assert built(train_sample=700, seed=0) == some
    assert built(train_sample=700, seed=1) != some
    assert some != everything != built(seed=1)


class Noting:
    """Vectors that note how many rows were read at once."""

    shape = VECTORS.shape

    def __init__(self):
        self.largest = 0

    def __len__(self):
        return len(VECTORS)

    def __getitem__(self, rows):
        self.largest = max(self.largest, len(VECTORS[rows]))
        return VECTORS[rows]


def test_a_sample_holds_no_vector_twice() -> None:
    assert_array_equal(sample(Noting(), None, seed=1), VECTORS)
    assert len(np.unique(sample(Noting(), 1_000, seed=1), axis=0)) == 1_000


def test_vectors_are_read_by_blocks(monkeypatch, tmp_path: Path) -> None:
    wanted = saved(build("IVF16,Flat", train_sample=700), tmp_path / "at once")
    monkeypatch.setattr("effbench_faiss._ROWS", 400)
    monkeypatch.setattr("effbench_faiss.training._ROWS", 300)
    index, vectors = FaissIndex("IVF16,Flat", train_sample=700), Noting()
    index.build(vectors)
    assert vectors.largest == 400
    assert saved(index, tmp_path / "by blocks") == wanted


def test_it_comes_back_from_disk(tmp_path: Path) -> None:
    index = build("IVF16_HNSW8,SQ8")
    measured = index.nbytes  # before it is saved
    assert len(saved(index, tmp_path / "index")) == measured == index.nbytes
    loaded = FaissIndex("IVF16_HNSW8,SQ8")
    loaded.load(tmp_path / "index", None)
    assert loaded.nbytes == measured
    for side, wanted in zip(
        loaded.search(QUERIES, 10, nprobe=4), index.search(QUERIES, 10, nprobe=4), strict=True
    ):
        assert_array_equal(side, wanted)


def test_building_leaves_the_threads_of_searching_alone() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    build("HNSW8", build_threads=before + 1)
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factory": "flat"}, "faiss: factory 'flat': could not parse index string flat"),
        ({"factory": "HNSW1"}, "faiss: factory 'HNSW1' has too small a number (raise it)"),
        ({"factory": "PQ8x0"}, "faiss: factory 'PQ8x0' has too small a number (raise it)"),
    ],
)
def test_mistakes_are_found_when_planning(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EffbenchError) as caught:
        FaissIndex.check(**{"factory": "Flat", **OPTIONS, **options})
    assert str(caught.value) == message


@pytest.mark.parametrize("factory", ["LSH", "HNSW32_PQ8"])
def test_an_index_without_inner_product_is_refused(factory: str) -> None:
    with pytest.raises(EffbenchError, match=f"^faiss: factory '{factory}'"):
        FaissIndex.check(factory, **OPTIONS)


@pytest.mark.parametrize("factory", ["PQ7", "OPQ12_60,IVF4096_HNSW32,PQ12x4fs,RFlat", "HNSW"])
def test_a_factory_for_another_width_is_fine_when_planning(factory: str) -> None:
    FaissIndex.check(factory, **OPTIONS)


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("PQ7", "should be a multiple of the number of subquantizers"),
        ("IVF2000,Flat", "for 1,500 vectors of width 16: .*Number of training points"),
        ("IDMap,Flat", "use add_with_ids"),
    ],
)
def test_a_factory_that_does_not_suit_the_vectors_is_named(factory: str, reason: str) -> None:
    with pytest.raises(EffbenchError, match=f"^faiss: factory '{factory}'.*{reason}[^\n]*$"):
        build(factory)


def test_a_value_that_would_end_the_process_is_refused() -> None:
    with pytest.raises(EffbenchError, match=r"^faiss: nprobe is 0 \(take 1 or more\)$"):
        build("IVF16,Flat").search(QUERIES, 10, nprobe=0)


def test_it_is_offered() -> None:
    assert effbench_indexes() == {"faiss": FaissIndex}
    assert FaissIndex.requires == {"faiss": "effbench[faiss-cpu]"}


def test_importing_it_is_light() -> None:
    code = "import sys, effbench_faiss; print(sys.modules.keys() & {'faiss', 'numpy'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


def has_gpu() -> bool:
    import faiss

    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


@pytest.mark.skipif(has_gpu(), reason="there is one")
def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(EffbenchError, match=r"^faiss: it (has no GPU support|sees no GPU) \("):
        FaissIndex.check("Flat", **{**OPTIONS, "gpu": True})


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="this faiss sees no GPU")
def test_cpu_and_gpu_agree(tmp_path: Path) -> None:
    index = build("IVF16,Flat", gpu=True)
    scores, positions = index.search(QUERIES, 100, nprobe=16)
    assert_array_equal(positions, exact(100)[1])
    assert_allclose(scores, exact(100)[0], rtol=1e-5)
    assert len(saved(index, tmp_path / "index")) == index.nbytes
    loaded = FaissIndex("IVF16,Flat", gpu=True)
    loaded.load(tmp_path / "index", None)
    assert_array_equal(loaded.search(QUERIES, 100, nprobe=16)[1], positions)


@pytest.mark.parametrize(
    ("factory", "exact"), [("Flat", True), ("HNSW32", False), ("IVF4,Flat", False)]
)
def test_flat_alone_is_exact(factory: str, exact: bool) -> None:
    assert FaissIndex.exact(factory=factory, gpu=False) is exact
