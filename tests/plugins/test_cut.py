"""What one may train on, and collections that are cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered
from effbench import EffbenchError
from effbench.steps.sources import FileSource
from effbench.store.digests import file_sha256


def collection(folder: Path, splits: tuple[str, ...]) -> Path:
    """Write a collection in BEIR's layout: a query a split, and one that no split judges."""
    (folder / "qrels").mkdir(parents=True)
    docs = [{"_id": f"d{i}", "text": f"a doc {i}"} for i in range(30)]
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(doc) for doc in docs))
    queries = [
        {"_id": f"{split}{i}", "text": f"{split} {i}"} for split in splits for i in range(9)
    ]
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(query) for query in queries))
    for split in splits:
        rows = "".join(f"{split}{i}\td{i}\t1\n" for i in range(9))
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder


SPLIT = """\
suite: split
datasets: [{use: DATASET}]
measures: [nDCG@10]
models:
  own: {use: centroids, data: {examples: [{training: target FIRST}], passages: words}}
encoders:
  words: {use: words}
  own: {use: table, model: own, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""


@pytest.mark.parametrize(
    ("splits", "use", "first", "queries", "saw"),
    [
        (("train", "dev", "test"), "folder, path: c", "", 9, "other judgments"),
        (("train", "test"), "folder, path: c", ", first: 4", 4, "other judgments"),
        (("dev", "test"), "folder, path: c", "", 18, "judgments, other judgments"),
        (("test",), "folder, path: c", "", 9, "judgments"),
        (("train", "test"), "cut, docs: 12, dataset: {use: folder, path: c}", "", 9,
         "other judgments"),
        (("test",), "cut, docs: 12, dataset: {use: folder, path: c}", "", 9, "judgments"),
    ],
)  # fmt: skip
def test_what_one_may_train_on(
    effbench, suite, tmp_path: Path, monkeypatch, splits, use, first, queries, saw
) -> None:
    """The train split; where there is none, the dev and test splits, and the record says so."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    collection(tmp_path / "c", splits)
    path = suite(altered(altered(SPLIT, "use: DATASET", f"use: {use}"), " FIRST", first))
    found = effbench("run", path, "--results", tmp_path / "results")
    assert found.exit_code == 0, found.output
    assert f"trained on {queries} queries" in (tmp_path / "log").read_text()
    (path,) = tmp_path.glob("results/*/split/*--own--plain.json")
    assert ", ".join(json.loads(path.read_text())["trained_on"]) == saw


def test_a_cut_keeps_what_is_judged_and_says_so(tmp_path: Path) -> None:
    from effbench_beir import Folder
    from effbench_cut import Cut

    whole = Folder(collection(tmp_path / "c", ("train", "test")))
    cut = Cut(whole, docs=12)
    assert cut.count_docs() == len(list(cut.docs()))
    kept = [doc.doc_id for doc in cut.docs()]
    assert cut.dataset_id == "c/test-cut-12"
    assert len(kept) == 12
    assert {f"d{i}" for i in range(9)} <= set(kept)
    assert kept == [doc.doc_id for doc in whole.docs() if doc.doc_id in kept]
    assert list(cut.queries()) == list(whole.queries())
    assert kept == [doc.doc_id for doc in Cut(whole, docs=12).docs()]
    others = [[doc.doc_id for doc in Cut(whole, docs=12, seed=s).docs()] for s in (1, 2, 3)]
    assert any(other != kept for other in others)
    keys = {Cut(whole, docs=n, seed=s).corpus_key for n, s in ((12, 42), (13, 42), (12, 1))}
    assert len(keys | {whole.corpus_key}) == 4
    assert len(list(Cut(whole, docs=100).docs())) == 30
    assert len(list(Cut(whole, docs=1).docs())) == 9, "what is judged stays"


def test_a_cut_and_its_whole_are_the_same_data(tmp_path: Path) -> None:
    from effbench_beir import Folder
    from effbench_cut import Cut

    whole = Folder(collection(tmp_path / "c", ("train", "test")))
    assert set(Cut(whole, docs=12).parts) == {(whole.corpus_key, whole.key)}
    assert Cut(whole, docs=12).split("train").key == whole.split("train").key
    assert Cut(whole, docs=12, name="small").dataset_id == "small"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "texts.csv",
            "id,text\n1,one, two\n",
            "texts.csv:2: 3 cells, where the header has 2",
        ),
        (
            "texts.tsv",
            "id\ttext\n1\tone\ttwo\n",
            "texts.tsv:2: 3 cells, where the header has",
        ),
        (
            "texts.csv",
            'id,text\n1,"one\n2,two\n',
            "texts.csv:2: a quotation mark opens",
        ),
        ("texts.csv", 'id,text\n1,"one" two\n', "texts.csv:2: a quoted cell goes on"),
    ],
)
def test_a_table_that_would_cut_texts_or_join_them_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    source = FileSource(tmp_path / name, file_sha256(tmp_path / name), "text", None)
    with pytest.raises(EffbenchError) as caught:
        list(source.texts())
    assert message in str(caught.value)
