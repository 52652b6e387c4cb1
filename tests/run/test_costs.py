"""The sizes in a record are those of the files in the cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effbench.store.disk import write_json

SOURCE = """
from scipy import sparse

class Sparse(WordsEncoder):
    makes = "sparse"
    def encode_queries(self, queries): return sparse.csr_array(super().encode_queries(queries))
    def encode_corpus(self, docs): return sparse.csr_array(super().encode_corpus(docs))

class Kept(PlainIndex):
    takes = ("dense", "sparse")
    def build(self, vectors):
        self.vectors = vectors[:]
        if sparse.issparse(self.vectors): self.vectors = self.vectors.toarray()
    def search(self, queries, k):
        return super().search(queries.toarray() if sparse.issparse(queries) else queries, k)
    def save(self, folder):
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_bytes(bytes(300))
        (folder / "file").write_bytes(bytes(77))
    def load(self, folder, vectors): self.build(vectors)

@effbench.hookimpl
def effbench_encoders(): return {"sparse": Sparse}

@effbench.hookimpl
def effbench_indexes(): return {"kept": Kept}
"""

SUITE = """\
suite: sizes
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  dense: {use: words}
  half: {use: words, store: float16}
  sparse: {use: sparse}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}, kept: {use: kept}}
latency: false
"""


@pytest.fixture
def sized(mine, run, records):
    mine(SOURCE)

    def start():
        result = run(SUITE)
        assert result.exit_code == 0, result.output
        return records()

    return start


def on_disk(cache: Path, kind: str, pattern: str, manifest: str) -> set[int]:
    """Return the bytes of each step's files of a pattern, for manifests that hold a text."""
    return {
        sum(path.stat().st_size for path in folder.glob(pattern))
        for folder in (cache / kind).iterdir()
        if folder.is_dir() and manifest in (folder / "manifest.json").read_text()
    }


def test_bytes_on_disk_are_those_of_the_files(sized, tmp_path: Path) -> None:
    costs = {cell: record["costs"] for cell, record in sized().items()}
    dense, half = 60 * 64 * 4 + 128, 60 * 64 * 2 + 128  # a header of numpy has 128 bytes
    assert costs["toy--dense--plain"]["vectors_bytes"] == dense
    assert costs["toy--half--kept"]["vectors_bytes"] == half
    vectors = on_disk(tmp_path / "cache", "encode", "*.npy", '"vectors": "sparse"')
    assert vectors == {costs["toy--sparse--kept"]["vectors_bytes"]}
    assert {cell: cost["saved_bytes"] for cell, cost in costs.items()} == {
        "toy--dense--plain": 0, "toy--half--plain": 0, "toy--scan": 0,
        "toy--dense--kept": 377, "toy--half--kept": 377, "toy--sparse--kept": 377,
    }  # fmt: skip
    assert "vectors_bytes" not in costs["toy--scan"]


TWO_STAGES = """\
  joined: {use: fuse, searchers: [scan, {row: dense, index: plain}, {row: half, index: kept}]}
  twice: {use: rerank, first: joined, encoder: half}
"""


def test_a_row_of_several_has_the_vectors_of_them_all(
    run, records, mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine(SOURCE)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,combine")
    rows = f"retrievers:\n  scan: {{use: scan}}\n{TWO_STAGES}"
    result = run(SUITE.replace("retrievers: {scan: {use: scan}}\n", rows))
    assert result.exit_code == 0, result.output
    costs = {cell: record["costs"] for cell, record in records().items()}
    both = 60 * 64 * (4 + 2) + 2 * 128
    assert costs["toy--joined"]["vectors_bytes"] == both
    assert costs["toy--twice"]["vectors_bytes"] == both, "each corpus counts once"


def test_a_record_has_the_kind_and_a_finished_one_gets_it(sized, tmp_path: Path) -> None:
    kinds = {cell: record["vectors"] for cell, record in sized().items()}
    assert kinds["toy--sparse--kept"] == "sparse"
    assert kinds["toy--half--plain"] == "dense"
    assert kinds["toy--scan"] is None
    for path in tmp_path.glob("results/*/sizes/*--*.json"):
        record = json.loads(path.read_text())
        write_json(path, {n: v for n, v in record.items() if n not in ("vectors", "sha256")})
    assert {cell: record.get("vectors") for cell, record in sized().items()} == kinds


def test_steps_that_did_not_note_sizes_have_none(sized, tmp_path: Path) -> None:
    sized()
    for path in tmp_path.glob("cache/*/*/manifest.json"):
        manifest = json.loads(path.read_text())
        write_json(path, {n: v for n, v in manifest.items() if n not in ("sizes", "sha256")})
    for path in tmp_path.glob("results/*/sizes/*--*.json"):
        path.unlink()
    for cell, record in sized().items():
        assert record["costs"]["saved_bytes"] is None, cell
        assert record["costs"].get("vectors_bytes") is None, cell
