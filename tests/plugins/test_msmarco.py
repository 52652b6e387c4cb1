from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_msmarco
from effbench import Doc, DocPair, EffbenchError, Qrel, Query
from effbench_msmarco import Msmarco

FILES = {
    "collection": '0\tandrogen, plain\n7\t"what, caf\u00e9 \u2028 "" one\r\n\n3\t\n',
    "queries": "2\t Androgen  receptor define\r\n9\tnever judged\n1\twhat is 'it'?\n",
    "qrels": "1\t0\t7\t1\n2 Q0 0   2 \n2 0 7 0\n2 0 3 1\n8 0 404 1\n",
    "candidates": "2\t7\tzero?\tseven\n2\t0\tzero?\tzero\n9\t5\tx\tfive\n1\t7\tseven?\tseven\n",
    "triples": "1\t7\t0\r\n2\t0\t7\n9\t3\t0\n",
    "negatives": "2\t5,6,7\n1\t5\n9\t5,6\n",
}
THREE = ("collection", "queries", "qrels")


def content(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def read_all(dataset: Msmarco) -> None:
    for read in (dataset.docs, dataset.queries, dataset.qrels, dataset.docpairs):
        list(read())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write a file of each kind."""
    paths = {kind: tmp_path / f"{kind}.tiny.tsv" for kind in FILES}
    for kind, path in paths.items():
        path.write_bytes(content(FILES[kind]))
    return paths


@pytest.fixture
def make(files: dict[str, Path]) -> Callable[..., Msmarco]:
    """Make a dataset of the written files of some kinds, and of others."""

    def make(*kinds: str, **others: Any) -> Msmarco:
        return Msmarco(**{kind: files[kind] for kind in kinds or THREE} | others)

    return make


def test_texts_are_what_the_files_hold(make) -> None:
    dataset = make()

    for _ in range(2):  # the same each time
        assert list(dataset.docs()) == [
            Doc("0", "androgen, plain"),
            Doc("7", '"what, caf\u00e9 \u2028 "" one'),
            Doc("3", ""),
        ]
        assert list(dataset.queries()) == [
            Query("2", " Androgen  receptor define"),
            Query("1", "what is 'it'?"),
        ]
        assert list(dataset.qrels()) == [
            Qrel("1", "7", 1),
            Qrel("2", "0", 2),
            Qrel("2", "7", 0),
            Qrel("2", "3", 1),
            Qrel("8", "404", 1),
        ]
    assert dataset.docs_count() is None
    assert dataset.count_docs() == len(list(dataset.docs()))
    assert dataset.drop_self_hits is False


def test_candidates_stand_in_for_collection_and_queries(make) -> None:
    dataset = make("candidates", "qrels")

    assert list(dataset.docs()) == [Doc("7", "seven"), Doc("0", "zero"), Doc("5", "five")]
    assert list(dataset.queries()) == [Query("2", "zero?"), Query("1", "seven?")]
    assert dataset.dataset_id == "msmarco-candidates/tiny"
    assert dataset.corpus_key.startswith("msmarco-candidates:")


def test_triples_are_docpairs(make) -> None:
    pairs = [DocPair("1", "7", "0"), DocPair("2", "0", "7"), DocPair("9", "3", "0")]
    assert list(make(*THREE, "triples").docpairs()) == pairs


def test_negatives_are_paired_with_the_relevant_docs_in_turn(make, files) -> None:
    assert list(make(triples=files["negatives"]).docpairs()) == [
        DocPair("2", "0", "5"),
        DocPair("2", "3", "6"),
        DocPair("2", "0", "7"),
        DocPair("1", "7", "5"),
    ]


def test_without_triples_docpairs_say_at_once_what_to_give(make) -> None:
    with pytest.raises(EffbenchError, match=r"^msmarco/tiny: no docpairs \(give triples, "):
        make().docpairs()


@pytest.mark.parametrize(
    ("qrels", "expected"),
    [
        ("qrels.dev.small.tsv", "msmarco/dev.small"),
        ("qrels.train.tsv.gz", "msmarco/train"),
        ("2019qrels-pass.txt", "msmarco/2019qrels-pass"),
    ],
)
def test_the_name_is_the_split_of_the_qrels(make, tmp_path: Path, qrels, expected) -> None:
    (tmp_path / qrels).touch()

    assert make(qrels=tmp_path / qrels).dataset_id == expected
    assert make(qrels=tmp_path / qrels, name="mine").dataset_id == "mine"


def zipped(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def test_gzipped_files_are_the_same_dataset(make, files) -> None:
    plain = make(*THREE, "triples")
    packed = Msmarco(**{kind: zipped(files[kind]) for kind in (*THREE, "triples")})

    for part in ("docs", "queries", "qrels", "docpairs"):
        assert list(getattr(packed, part)()) == list(getattr(plain, part)())
    assert (packed.corpus_key, packed.key) == (plain.corpus_key, plain.key)
    assert packed.dataset_id == plain.dataset_id


@pytest.mark.parametrize("changed", THREE)
def test_keys_follow_the_content(make, files, changed: str) -> None:
    before = make()
    keys = {"collection": before.corpus_key, "rest": before.key}
    files[changed].write_bytes(files[changed].read_bytes() + b"1\t0\t0\t0\n")
    after = make()

    kept = "rest" if changed == "collection" else "collection"
    assert {"collection": after.corpus_key, "rest": after.key}.items() & keys.items() == {
        (kept, keys[kept])
    }


def test_keys_tell_kinds_of_datasets_apart(make, files) -> None:
    without, pairs = make(), make(*THREE, "triples")
    candidates = make("candidates", "qrels")
    negatives = make(triples=files["negatives"])

    assert without.corpus_key == pairs.corpus_key != candidates.corpus_key
    assert len({one.key for one in (without, pairs, negatives, candidates)}) == 4


ONE_COLUMN = r"columns \(write query_id TAB doc_id\+ TAB doc_id- or query_id TAB doc_id,"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("collection", "0\ta\n1 a\n", r":2: 1 columns \(write doc_id TAB text\)"),
        ("collection", "0\ta\tb\n", r":1: 3 columns \(write doc_id TAB text\)"),
        ("collection", "0\ta\n\n1\t\udcff\n", r":3: invalid start byte at byte 2 .*UTF-8"),
        ("collection", "a b\tc\n", r":1: doc_id is 'a b' \(take a string without"),
        ("collection", "\tc\n", r":1: doc_id is ''"),
        ("collection", "", r"tsv: an empty file \(write doc_id TAB text\)"),
        ("queries", "1\n", r":1: 1 columns \(write query_id TAB text\)"),
        ("queries", "q 1\tx\n", r":1: query_id is 'q 1'"),
        ("queries", "\n\n", r"tsv: an empty file"),
        ("qrels", "1 0 7 1\n1 7 1\n", r":2: 3 columns \(write query_id 0 doc_id relevance\)"),
        ("qrels", "1\t0\t7\t1.0\n", r":1: relevance '1.0' is no integer \(take 0, 1"),
        ("qrels", "", r"tsv: an empty file"),
        ("candidates", "1\t7\tq\n", r":1: 3 columns \(write query_id TAB doc_id TAB query"),
        ("candidates", "1\t7 8\tq\tp\n", r":1: doc_id is '7 8'"),
        ("candidates", "1 2\t7\tq\tp\n", r":1: query_id is '1 2'"),
        ("triples", "1 7 0\n", f":1: 1 {ONE_COLUMN}"),
        ("triples", "1\t7\t0\t3\n", f":1: 4 {ONE_COLUMN}"),
        ("triples", "what is it\tthis is\tthat is\n", r":1: query_id is 'what is it'"),
        ("triples", "1\t7\t0 3\n", r":1: doc_id is '0 3'"),
        ("triples", "1\t7,\n", r":1: doc_id is ''"),
        ("triples", "", r"tsv: an empty file"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_malformed_line_is_named(make, files, kind, text, message, packed: bool) -> None:
    files[kind].write_bytes(content(text))
    if packed:
        files[kind] = zipped(files[kind])
        message = message.replace("tsv:", r"tsv\.gz:")
    dataset = make("candidates", "qrels") if kind == "candidates" else make(*THREE, "triples")

    with pytest.raises(EffbenchError, match=message) as caught:
        read_all(dataset)
    assert str(caught.value).startswith(str(files[kind]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [lambda all_of: all_of[:-9], lambda all_of: b"x" + all_of])
def test_a_damaged_gzip_is_one_line(make, files, damage) -> None:
    packed = zipped(files["collection"])
    packed.write_bytes(damage(packed.read_bytes()))

    with pytest.raises(EffbenchError, match=r"tsv\.gz:\d+: .* \(take an intact file\)"):
        list(make(collection=packed).docs())


def test_what_is_missing_is_said_at_once(make, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match=r"nowhere: no such file \(triples names it"):
        make(triples=tmp_path / "nowhere")
    with pytest.raises(EffbenchError, match=r"no such file \(queries names it"):
        make(queries=tmp_path)
    archive = tmp_path / "collection.tar.gz"
    archive.touch()
    with pytest.raises(EffbenchError, match=r"tar\.gz: an archive \(unpack it"):
        make(collection=archive)


@pytest.mark.parametrize(
    "kinds",
    [
        ("qrels",),
        ("qrels", "queries"),
        ("qrels", "collection"),
        ("qrels", "collection", "candidates"),
        ("qrels", "collection", "queries", "candidates"),
    ],
)
def test_docs_and_queries_come_from_two_files_or_from_candidates(make, kinds) -> None:
    with pytest.raises(EffbenchError, match=r"^msmarco: which docs and queries\? \(give "):
        make(*kinds)


@pytest.mark.parametrize(
    ("queries", "qrels", "counts"),
    [
        ("topics.dl19-passage.tsv", "2019qrels-pass.txt", (43, 9260)),
        ("msmarco-test2020-queries.tsv", "2020qrels-pass.txt", (54, 11386)),
        ("queries.dev.small.tsv", "qrels.dev.small.trec.txt", (6980, 7437)),
    ],
)
def test_real_queries_and_judgments(shared_data: Path, queries, qrels, counts) -> None:
    folder = shared_data / "msmarco"
    dataset = Msmarco(
        collection=folder / "collection.pool.tsv",
        queries=folder / queries,
        qrels=folder / qrels,
    )

    found = list(dataset.queries())
    assert (len(found), len(list(dataset.qrels()))) == counts
    assert not any(query.text.endswith("\r") for query in found)


def test_the_real_collection_holds_what_the_real_candidates_say(shared_data: Path) -> None:
    folder = shared_data / "msmarco"
    queries, qrels = folder / "topics.dl19-passage.tsv", folder / "2019qrels-pass.txt"
    pool = Msmarco(collection=folder / "collection.pool.tsv", queries=queries, qrels=qrels)
    some = Msmarco(candidates=folder / "top100.bm25.dl1920.tsv", qrels=qrels)

    texts = {doc.doc_id: doc.text for doc in pool.docs()}
    docs = list(some.docs())
    assert (len(texts), len(docs)) == (30005, 9658)
    assert all(texts[doc.doc_id] == doc.text for doc in docs if doc.doc_id in texts)
    assert sorted(some.queries()) == sorted(pool.queries())


SUITE = """\
suite: native
datasets:
  - use: msmarco
    collection: collection.tiny.tsv
    queries: queries.tiny.tsv
    qrels: qrels.tiny.tsv
  - {use: msmarco, candidates: candidates.tiny.tsv, qrels: qrels.tiny.tsv}
measures: [RR@10]
retrievers:
  bm25: {use: bm25}
latency: false
"""


def test_a_suite_runs_on_it(effbench, suite, files, tmp_path: Path) -> None:
    done = effbench("run", suite(SUITE), "--results", tmp_path / "results")

    assert done.exit_code == 0, done.stderr
    paths = tmp_path.glob("results/*/native/*--bm25.json")
    records = [json.loads(path.read_text()) for path in paths]
    assert {one["dataset"]: one["scores"]["RR@10"] for one in records} == {
        "msmarco/tiny": 1.0,  # a judged query is in no file, and does not count
        "msmarco-candidates/tiny": 1.0,
    }


def test_a_suite_says_where_the_mistake_is(effbench, suite) -> None:
    planned = effbench("plan", suite("suite: s\ndatasets: [{use: msmarco, qrels: none.tsv}]\n"))

    assert planned.exit_code != 0
    assert "none.tsv" in planned.stderr


def test_it_is_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_msmarco)

    assert manager.hook.effbench_datasets() == [{"msmarco": Msmarco}]
