"""Any bytes as files of collections: a line that names the file, and the other rows stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from mutations import TEXTS, changed, changed_lines, damaged, torn, written, zipped
from trial import FUZZ, tried

CORPUS = b"""\
{"_id": "d1", "title": "One", "text": "apple boat"}
{"_id": "d2", "text": "cloud door"}
{"_id": "d3", "title": "", "text": "eagle fire", "metadata": {"url": "x"}}"""
QUERIES = b"""\
{"_id": "q1", "text": "apple"}
{"_id": "q2", "text": "door cloud"}"""
QRELS = b"query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq2\td1\t1"
BEIR = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "qrels/test.tsv": QRELS}

CONTEXTS = [
    {"title": "One", "text": text, "passage_id": text[:2]} for text in ("apple", "boat")
]
ENTRIES = [
    {"question": "apple", "positive_ctxs": CONTEXTS[:1], "hard_negative_ctxs": CONTEXTS[1:]},
    {"question": "boat", "positive_ctxs": CONTEXTS[1:], "hard_negative_ctxs": CONTEXTS[:1]},
]
COLUMNS = {
    "docs.tsv": b"d1\tapple boat\nd2\tcloud door\nd3\teagle fire",
    "queries.tsv": b"q1\tapple\nq2\tdoor cloud",
    "qrels.tsv": b"q1\t0\td1\t1\nq2\t0\td2\t2",
    "top.tsv": b"q1\td1\tapple\tapple boat\nq2\td1\tdoor\tapple boat\nq2\td2\tdoor\tcloud door",
    "goods.csv": b'sku,title,text\nd1,One,"apple, boat"\nd2,,cloud door\nd3,Three,eagle fire',
    "goods.jsonl": b'{"sku": "d1", "text": "apple boat"}\n{"sku": 2, "text": "cloud door"}',
    "clicks.csv": b'query,sku\napple,d1\nApple,d1\n"door, cloud",d2',
    "judged.tsv": b"query\tsku\trelevance\nq1\td1\t1\nq2\t2\t2",
    "asked.csv": b"id,text\nq1,apple\nq2,door cloud",
    "geometry-papers-10k.tsv": b"p1\tapple boat\tOne\np2\tcloud door\tTwo",
    "geometry-questions.tsv": b"apple?\t['One']\ndoor?\t['Two', \"Three's\"]",
}
USES = {
    "folder": "{use: folder, path: bad}",
    "zip": "{use: folder, path: bad.zip}",
    "msmarco": "{use: msmarco, collection: docs.tsv, queries: queries.tsv, qrels: qrels.tsv}",
    "candidates": "{use: msmarco, candidates: top.tsv, qrels: qrels.tsv}",
    "clicks": "{use: table, docs: goods.csv, id: sku, title: title, "
    "clicks: clicks.csv, doc: sku}",
    "table": "{use: table, docs: goods.jsonl, id: sku, queries: asked.csv, "
    "judgments: judged.tsv, doc: sku, unknown: drop}",
    "dpr": "{use: dpr, path: dpr.json}",
    "oag": "{use: oag-qa, path: ., topic: geometry}",
    "cut": "{use: cut, dataset: {use: folder, path: bad}, docs: 2}",
    "trec-run": "{use: folder, path: bad}",
}
FILES = {
    "folder": [f"bad/{name}" for name in BEIR],
    "zip": ["bad.zip"],
    "msmarco": ["docs.tsv", "queries.tsv", "qrels.tsv"],
    "candidates": ["top.tsv", "qrels.tsv"],
    "clicks": ["goods.csv", "clicks.csv"],
    "table": ["goods.jsonl", "asked.csv", "judged.tsv"],
    "dpr": ["dpr.json"],
    "oag": ["geometry-papers-10k.tsv", "geometry-questions.tsv"],
    "cut": [f"bad/{name}" for name in BEIR],
    "trec-run": ["runs/bad-test.trec"],
}
"""Kind of dataset -> its files, of which some are damaged."""

RUN = b"q1 Q0 d3 1 3 me\nq1 Q0 d1 2 2 me\nq2 Q0 d2 1 3 me"
THEIRS = ", theirs: {use: trec-run, dataset: target, runs: runs}"
SUITE = """\
suite: fuzz
datasets: [{{use: folder, path: good}}, {bad}]
measures: [nDCG@10]
encoders: {{words: {{use: words}}}}
retrievers: {{scan: {{use: scan}}{runs}}}
indexes: {{plain: {{use: plain}}}}
latency: false
"""


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """Return a zip of a collection: its members, their names or its bytes are damaged."""
    members = dict(BEIR)
    name = draw(st.sampled_from([None, *members]))
    if name:
        members[name] = draw(damaged(members[name]))
        members[draw(st.sampled_from([name, name, *TEXTS]))] = members.pop(name)
    content = zipped(members, draw(st.sampled_from([0, 8, 12, 14])))
    return content if draw(st.booleans()) else draw(damaged(content))


def contents(name: str) -> st.SearchStrategy[bytes | None]:
    """Return what stands in a file's place; None for a folder."""
    if name == "bad.zip":
        return zips()
    if name == "dpr.json":
        return st.one_of(changed(ENTRIES).map(written), damaged(json.dumps(ENTRIES).encode()))
    if name.startswith("runs/"):
        return torn(RUN)
    sound = COLUMNS.get(name) or BEIR[name.removeprefix("bad/")]
    own = changed_lines(sound) if name.endswith("jsonl") else torn(sound, between(name))
    return st.one_of(own, own, own, damaged(sound), st.none())


def between(name: str) -> str:
    """Return what stands between the columns of a file."""
    return "," if name.endswith("csv") else "\t"


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, bytes | None]]:
    """Return a kind of dataset and what its damaged files hold."""
    kind = draw(st.sampled_from([*USES, "folder", "folder", "folder"]))
    names = draw(st.lists(st.sampled_from(FILES[kind]), min_size=1, max_size=2, unique=True))
    return kind, {name: draw(contents(name)) for name in names}


class Place(NamedTuple):
    """A folder with a good collection, and what the rows score there."""

    folder: Path
    scores: dict[str, float]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("datasets")
    write(folder, {f"good/{name}": content for name, content in BEIR.items()})
    write(folder, {"runs/good-test.trec": RUN})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        scores = good(run("trec-run", {"runs/bad-test.trec": RUN}))
    assert set(scores) == {"words", "scan", "theirs"}
    return Place(folder, scores)


def run(kind: str, files: dict[str, bytes | None]) -> Result:
    """Run a suite anew on the good collection, and on one of whose files some are damaged."""
    for name in ("results", "cache"):
        shutil.rmtree(name, ignore_errors=True)
    write(Path(), {f"bad/{name}": content for name, content in BEIR.items()} | COLUMNS | files)
    runs = THEIRS if kind == "trec-run" else ""
    Path("suite.yaml").write_text(SUITE.format(bad=USES[kind], runs=runs))
    return tried("run", "suite.yaml", "--json", "--cache", "cache")


def good(found: Result) -> dict[str, float]:
    """Return what the rows score on the good collection."""
    (table,) = json.loads(found.stdout)
    return {line["row"]: line["nDCG@10 good/test"] for line in table["lines"]}


def write(folder: Path, files: dict[str, bytes | None]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            path.rmdir()
        if content is None:
            path.unlink(missing_ok=True)
            path.mkdir()
        else:
            path.write_bytes(content)


@FUZZ
@given(case=cases())
def test_datasets(place: Place, monkeypatch, case) -> None:
    monkeypatch.chdir(place.folder)
    kind, files = case
    found = run(kind, files)
    if found.exit_code == 2:
        assert any(name in found.stderr for name in FILES[kind]), found.stderr
        return
    assert good(found).items() <= place.scores.items()
    records = [
        json.loads(path.read_text()) for path in Path("results").glob("*/fuzz/*--*.json")
    ]
    assert len(records) == (6 if kind == "trec-run" else 4)
    for record in records:
        assert record.get("traceback") is None, record["traceback"]
        assert record["status"] == "done" or record["dataset"] != "good/test"
