from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_ir_datasets
from effbench import Doc, DocPair, EffbenchError, Qrel, Query, Split
from effbench_ir_datasets import IrDatasets

NFCORPUS_MD5 = "a89dba18a62ef92f7d323ec890a0d38d"
READ = """
import json, sys
from effbench import EffbenchError
from effbench_ir_datasets import IrDatasets
try:
    dataset = IrDatasets(sys.argv[1])
    found = [list(getattr(dataset, part)()) for part in sys.argv[2:]]
except EffbenchError as error:
    found = str(error)
print(json.dumps(found))
"""


def read(id: str, home: Path, *parts: str) -> Any:
    """Read a dataset in a process of its own: ir_datasets fixes its folder at import."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "IR_DATASETS_HOME": str(home),
        "IR_DATASETS_SMALL_FILE_SIZE": "0",  # so that it looks for small files, too
        "IR_DATASETS_DL_TRIES": "1",
        "http_proxy": "http://127.0.0.1:9",  # nobody listens: offline anywhere
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, id, *(parts or ("docs", "queries", "qrels"))],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_real_nfcorpus_from_a_file_in_the_downloads_folder(
    shared_data: Path, tmp_path: Path
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / NFCORPUS_MD5).symlink_to(shared_data / "beir" / "nfcorpus.zip")

    docs, queries, qrels = read("beir/nfcorpus/test", tmp_path)

    assert (len(docs), len(queries), len(qrels)) == (3633, 323, 12334)
    doc_id, text, title = docs[0]
    assert doc_id == "MED-10"
    assert title.startswith("Statin Use and Breast Cancer Survival")
    assert text.startswith("Recent studies have suggested")
    assert not list(tmp_path.rglob("*.pklz4")), "a pickled store was built"


def test_offline_is_one_line_with_the_host_and_the_place_for_the_file(tmp_path: Path) -> None:
    message = read("beir/scifact/test", tmp_path)

    assert message.startswith("ir_datasets beir/scifact/test: no data: ")
    assert "https://public.ukp.informatik.tu-darmstadt.de" in message
    assert str(tmp_path / "downloads" / "5f7d1de60b170fc8027bb7898e2efca1") in message
    assert "\n" not in message


def test_a_licensed_source_is_one_line_that_says_how_to_get_it(tmp_path: Path) -> None:
    message = read("wapo/v2/trec-core-2018", tmp_path)

    assert "can be requested here: <https://trec.nist.gov/data/wapost/>" in message
    assert str(tmp_path / "wapo" / "WashingtonPost.v2.tar.gz") in message
    assert "\n" not in message


def test_keys_say_which_corpus_is_shared() -> None:
    test, train = IrDatasets("beir/nfcorpus/test"), IrDatasets("beir/nfcorpus/train")

    assert test.dataset_id == "beir/nfcorpus/test"
    assert test.corpus_key == train.corpus_key == "ir_datasets:beir/nfcorpus"
    assert test.key == "ir_datasets:beir/nfcorpus/test" != train.key
    assert test.docs_count() == 3633


@pytest.mark.parametrize(
    ("id", "splits"),
    [
        ("beir/fiqa/test", ("train", "dev", "test")),
        ("beir/quora/dev", ("dev", "test")),
        ("trec-tot/2025/train", ("train",)),  # dev1 to dev3; test lacks judgments
        ("tripclick/train", ("train",)),  # its val is no dev; test lacks judgments
        ("beir/arguana", ()),
        ("msmarco-passage/dev/small", ()),
    ],
)
def test_splits_are_the_ids_beside_it(id: str, splits: tuple[str, ...]) -> None:
    dataset = IrDatasets(id)

    assert isinstance(dataset, Split)
    assert dataset.splits == splits


def test_a_split_keeps_corpus_and_options() -> None:
    test = IrDatasets("beir/fiqa/test", drop_self_hits=False)
    dev = test.split("dev")

    assert (dev.dataset_id, dev.corpus_key) == ("beir/fiqa/dev", test.corpus_key)
    assert dev.drop_self_hits is False
    with pytest.raises(EffbenchError, match=r"no split 'odd' \(it has: train, dev, test\)"):
        test.split("odd")
    with pytest.raises(EffbenchError, match=r"no split 'train' \(it has: none: its id is no"):
        IrDatasets("beir/arguana").split("train")


def test_touche_has_two_versions_of_its_corpus() -> None:
    first, second = (
        IrDatasets("beir/webis-touche2020"),
        IrDatasets("beir/webis-touche2020/v2"),
    )

    assert first.corpus_key != second.corpus_key


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("beir/arguana", True),
        ("beir/quora/test", True),
        ("beir/msmarco/dev", False),
        ("msmarco-passage/dev/small", False),
    ],
)
def test_self_hits_are_dropped_for_beir_but_not_for_its_msmarco(
    id: str, expected: bool
) -> None:
    assert IrDatasets(id).drop_self_hits is expected


def test_self_hits_are_as_the_suite_says() -> None:
    assert IrDatasets("beir/arguana", drop_self_hits=False).drop_self_hits is False
    assert IrDatasets("beir/msmarco/dev", drop_self_hits=True).drop_self_hits is True


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("beir/scifcat/test", r"no 'beir/scifcat/test' \(did you mean beir/scifact/test"),
        ("xqzw", r"there is no 'xqzw'"),
        ("beir/nfcorpus", r"has no qrels \(take one inside: .*beir/nfcorpus/test"),
        ("trec-arabic", r"has no queries and no qrels"),
        ("codesearchnet/test", r"has no plain text"),
    ],
)
def test_a_bad_id_is_refused_at_once(id: str, message: str) -> None:
    with pytest.raises(EffbenchError, match=message):
        IrDatasets(id)


class Article(NamedTuple):
    doc_id: str
    title: str
    body: str

    def default_text(self) -> str:
        return f"{self.title} {self.body}"


class Page(NamedTuple):
    doc_id: str
    title: str | None
    text: str


class Topic(NamedTuple):
    query_id: str
    title: str

    def default_text(self) -> str:
        return self.title


class Handler:
    """A provider of ir_datasets with one doc, one query, one judgment and one pair."""

    def __init__(self, doc: Article | Page) -> None:
        self.doc = doc

    def docs_handler(self) -> Handler:
        return self

    queries_handler = qrels_handler = docpairs_handler = docs_handler

    def docs_cls(self) -> type:
        return type(self.doc)

    def queries_cls(self) -> type:
        return Topic

    def docs_iter(self) -> Any:
        return iter([self.doc])

    def queries_iter(self) -> Any:
        return iter([Topic("q", "a topic")])

    def qrels_iter(self) -> Any:
        return iter([Qrel("q", "d", 2)])

    def docpairs_iter(self) -> Any:
        return iter([DocPair("q", "d", "e")])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Article("d", "Title", "body"), Doc("d", "Title body", "")),
        (Page("d", "Title", "text"), Doc("d", "text", "Title")),
        (Page("d", None, "text"), Doc("d", "text", "")),
    ],
)
def test_texts_come_from_the_field_text_or_else_from_default_text(
    given: Article | Page, expected: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ir_datasets

    registered = ir_datasets.Dataset(Handler(given))
    registered.metadata = dict  # keeps ir_datasets from asking its own table
    registered.docs_metadata = dict
    monkeypatch.setitem(ir_datasets.registry._registered, "toy", registered)

    dataset = IrDatasets("toy")

    assert list(dataset.docs()) == [expected]
    assert list(dataset.queries()) == [Query("q", "a topic")]
    assert list(dataset.qrels()) == [Qrel("q", "d", 2)]
    assert list(dataset.docpairs()) == [DocPair("q", "d", "e")]
    assert dataset.docs_count() is None


def test_an_id_without_docpairs_says_so_at_once() -> None:
    with pytest.raises(EffbenchError, match=r"'beir/nfcorpus/test' has no docpairs \(take "):
        IrDatasets("beir/nfcorpus/test").docpairs()


def test_docpairs_offline_are_one_line(tmp_path: Path) -> None:
    message = read("msmarco-passage/train/triples-v2", tmp_path, "docpairs")

    assert message.startswith("ir_datasets msmarco-passage/train/triples-v2: no data: ")
    assert "qidpidtriples.train.full.2.tsv.gz" in message


def test_it_is_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_ir_datasets)

    assert manager.hook.effbench_datasets() == [{"ir_datasets": IrDatasets}]
