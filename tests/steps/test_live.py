"""Live rows at work: what a factory gets, and whose name an error has."""

from __future__ import annotations

import json

import pytest
from effbench_toy import ToyDataset, bag

from altered import altered

SOURCE = """
import json, pathlib

class Mine:
    nbytes = 0
    def __init__(
        self,
        *,
        encoder: effbench.Encoder | None = None,
        corpus: effbench.EncodedCorpus | None = None,
        searchers: list[effbench.Searcher] | None = None,
        tell: str = "",
    ):
        self.encoder, self.corpus, self.searchers = encoder, corpus, searchers or []
        self.tell = tell

    def index(self, docs):
        docs = list(docs)
        said = {"nbytes": [searcher.nbytes for searcher in self.searchers]}
        if self.encoder:
            said["query"] = self.encoder.encode_queries(["oak door"]).tolist()
            said["docs"] = self.encoder.encode_corpus(docs[:2]).tolist()
        if self.corpus:
            said["vectors"] = self.corpus.vectors(["d5", "d0", "d5"]).tolist()
            said["none"] = self.corpus.vectors([]).shape
        if self.tell == "stranger":
            self.corpus.vectors(["d0", "gone"])
        pathlib.Path("said.json").write_text(json.dumps(said))

    def search(self, queries, k):
        lists = [searcher.search(queries, k) for searcher in self.searchers]
        return lists[0] if lists else [[] for _ in queries]

class Wrong:
    nbytes = 3
    def __init__(self, *, wrong: str = ""): self.wrong = wrong
    def index(self, docs): pass
    def search(self, queries, k):
        hits = [("d1", 2.0), ("d0", 2.0), ("d2", 2.0)]
        if self.wrong == "rises": hits = [("d0", 1.0), ("d1", 2.0)]
        if self.wrong == "twice": hits = [("d0", 1.0), ("d0", 1.0)]
        if self.wrong == "stranger": hits = [("gone", 1.0)]
        if self.wrong == "few": queries = queries[1:]
        if self.wrong == "raises": raise RuntimeError("out of luck")
        return [list(hits) for _ in queries]

class Sized(PlainIndex):
    def search(self, queries, k, sized: int = 0):
        scores, positions = super().search(queries, k)
        return (scores, positions + sized) if sized else (scores[:, ::-1], positions)

@effbench.hookimpl
def effbench_indexes(): return {"sized": Sized}

@effbench.hookimpl
def effbench_retrievers(): return {"mine": Mine, "wrong": Wrong}
"""

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
  light: {use: words-queries, passages: words}
  narrow: {use: words-queries, width: 32, passages: {row: words, unchecked: true}}
indexes:
  plain: {use: plain}
  sized: {use: sized}
retrievers:
  inner: {use: wrong, wrong: ""}
  live: {use: mine, OPTION}
latency: false
"""


@pytest.fixture
def live(mine, effbench, suite, tmp_path, here):
    """Run the row ``live`` with an option; return the record of its cell."""
    mine(SOURCE)

    def start(option: str, old: str = "", new: str = "") -> dict:
        text = altered(SUITE, "OPTION", option)
        path = suite(altered(text, old, new) if old else text)
        effbench("run", path, "--results", tmp_path / "results", "--only", "live")
        (record,) = (tmp_path / "results").glob("*/*/toy--live.json")
        return json.loads(record.read_text())

    return start


def said(here) -> dict:
    return json.loads((here / "said.json").read_text())


def test_an_encoder_comes_with_its_passages(live, here) -> None:
    assert live("encoder: light")["status"] == "done"
    docs = [doc.default_text() for doc in ToyDataset().docs()]
    assert said(here)["query"] == pytest.approx(bag(["oak door"], 64), rel=1e-6)
    assert said(here)["docs"] == pytest.approx(bag(docs[:2], 64), rel=1e-6)


def test_a_corpus_gives_the_vectors_that_are_asked_for(live, here, monkeypatch) -> None:
    from effbench.steps import writing

    monkeypatch.setattr(writing, "SHARD", 4)
    assert live("corpus: light")["status"] == "done"
    docs = {doc.doc_id: doc.default_text() for doc in ToyDataset().docs()}
    wanted = bag([docs["d5"], docs["d0"], docs["d5"]], 64)
    assert said(here)["vectors"] == pytest.approx(wanted, rel=1e-6)
    assert said(here)["none"] == [0, 64]
    assert (
        "retriever 'live' (plugin mine): KeyError: \"'gone' is no doc of toy\""
        in (live("corpus: light, tell: stranger")["error"])
    )


def test_hits_come_in_the_total_order(live, here) -> None:
    record = live("searchers: [inner, {row: light, index: plain}]")
    assert record["status"] == "done"
    assert said(here)["nbytes"] == [3, 60 * 64 * 4]


def test_ties_are_ordered_by_doc_id_and_cut(mine, effbench, suite, tmp_path) -> None:
    from effbench.offers import plugins
    from effbench.plan import planner
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    mine(SOURCE)
    path = suite(altered(SUITE, "OPTION", "searchers: [inner]"))
    plan = planner.make(path, plugins.load(), tmp_path / "digests", tmp_path)
    cell = next(cell for cell in plan.cells if cell.name == "toy--live")
    for trusting in (False, True):
        bench = Workbench(Store(tmp_path / "cache"), Silent(), trusting=trusting)
        (searcher,) = cell.row.resolved.inputs["searchers"].open(bench)
        assert searcher.search(["q", "r"], 2) == [[("d2", 2.0), ("d1", 2.0)]] * 2


@pytest.mark.parametrize(
    ("option", "old", "new", "error"),
    [
        (
            "searchers: [inner]",
            '""',
            "rises",
            "retriever 'inner' (plugin mine): search returned",
        ),
        (
            "searchers: [inner]",
            '""',
            "twice",
            "retriever 'inner' (plugin mine): search returned",
        ),
        ("searchers: [inner]", '""', "few", "retriever 'inner' (plugin mine): search re"),
        ("searchers: [inner]", '""', "raises", "retriever 'inner' (plugin mine): RuntimeError"),
        (
            "searchers: [inner]",
            '""',
            "stranger",
            "retriever 'inner' (plugin mine): search returned 'gone', which is no doc of toy",
        ),
        (
            "searchers: [{row: words, index: sized}]",
            "",
            "",
            "index 'sized' (plugin mine): search returned scores that rise",
        ),
        (
            "searchers: [{row: words, index: sized, search: {sized: 99}}]",
            "",
            "",
            "index 'sized' (plugin mine): search returned a position outside the corpus",
        ),
        (
            "searchers: [{row: narrow, index: plain}]",
            "",
            "",
            "encoder 'narrow' (plugin toy): its query vectors have width 32, the passages of "
            "'words' 64",
        ),
        (
            "corpus: words",
            "words: {use: words}",
            "words: {use: bad, wrong: nan}",
            "encoder 'words' (plugin toy): encode_corpus returned NaN",
        ),
    ],
)
def test_an_error_names_the_row_inside(live, option, old, new, error) -> None:
    record = live(option, old, new)
    assert record["status"] == "failed"
    assert record["error"].startswith(error)
