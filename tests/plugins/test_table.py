from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altered import altered
from effbench import Doc, EffbenchError, Qrel, Query
from effbench.store import tabular
from effbench_table import Table

FILES = {
    "products.csv": 'sku,name,about,price\nA1,Hat,"Blue, of\nfelt",3\n'
    "A2,,Red shoes,4\nA3,Cup,,5\n",
    "asked.csv": "id,text\n7, red  shoes \n8,cup\n9,never judged\n",
    "judged.csv": "query,doc,relevance\n7,A2,2\n8,A3,1\n7,A1,0\n7,A2,2\n",
    "clicks.csv": "search,sku,times\n"
    "Red shoes,A2,3\nred  Shoes,A2,2\nred shoes,A1,1\ncup,A3,0\nhat,A1,1\n",
}
DOCS = {"docs": "products.csv", "id": "sku", "title": "name", "text": "about"}
JUDGED = {**DOCS, "judgments": "judged.csv", "queries": "asked.csv"}
CLICKED = {**DOCS, "clicks": "clicks.csv", "query": "search", "doc": "sku"}
PATHS = ("docs", "judgments", "clicks", "queries")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Table]:
    """Make a dataset of files that are written first; texts that are given replace theirs."""

    def make(options: dict[str, Any], files: dict[str, str | bytes] | None = None) -> Table:
        for name, content in {**FILES, **(files or {})}.items():
            content = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(content)
        paths = {name: tmp_path / options[name] for name in PATHS if options.get(name)}
        return Table(**{**options, **paths})

    return make


def everything(dataset: Table) -> list[Any]:
    return [list(part()) for part in (dataset.docs, dataset.queries, dataset.qrels)]


def query_ids(dataset: Table) -> dict[str, str]:
    return {query.text: query.query_id for query in dataset.queries()}


def test_judgments_of_queries_with_ids(make) -> None:
    dataset = make(JUDGED)
    for _ in range(2):  # the same each time
        assert everything(dataset) == [
            [Doc("A1", "Blue, of\nfelt", "Hat"), Doc("A2", "Red shoes"), Doc("A3", "", "Cup")],
            [Query("7", "red shoes"), Query("8", "cup"), Query("9", "never judged")],
            [Qrel("7", "A1", 0), Qrel("7", "A2", 2), Qrel("8", "A3", 1)],
        ]
    assert (dataset.dataset_id, dataset.splits) == ("products/test", ("test",))
    assert not dataset.drop_self_hits
    assert dataset.note == ""


def test_texts_of_several_columns_are_joined(make) -> None:
    docs = list(make({**JUDGED, "title": None, "text": ["name", "about"]}).docs())
    assert [doc.text for doc in docs] == ["Hat Blue, of\nfelt", "Red shoes", "Cup"]
    assert {doc.title for doc in docs} == {""}


def clicked(dataset: Table) -> set[tuple[str, str, int]]:
    texts = {query.query_id: query.text for query in dataset.queries()}
    return {(texts[one.query_id], one.doc_id, one.relevance) for one in dataset.qrels()}


def test_clicks_are_summed_up_over_the_spellings_of_a_query(make) -> None:
    dataset = make(CLICKED)
    assert set(query_ids(dataset)) == {"Red shoes", "cup", "hat"}
    shoes = {("Red shoes", "A2", 1), ("Red shoes", "A1", 1)}
    assert clicked(dataset) == shoes | {("cup", "A3", 1), ("hat", "A1", 1)}
    counted = {**CLICKED, "count": "times"}
    assert clicked(make({**counted, "least": 2})) == {("Red shoes", "A2", 1)}
    graded = {("Red shoes", "A2", 2), ("Red shoes", "A1", 1), ("hat", "A1", 1)}
    assert clicked(make({**counted, "least": [1, 5]})) == graded
    assert dataset.note.startswith("relevance is inferred from 1 click or more, not judged;")


def test_the_order_of_rows_changes_nothing(make) -> None:
    header, *rows = FILES["clicks.csv"].splitlines(keepends=True)
    orders = [rows, rows[::-1], sorted(rows)]
    options = {**CLICKED, "count": "times", "least": [1, 5]}
    for each in ({}, {"count": None, "least": 1}, {"held_out": 0.5, "split": "train"}):
        found = [
            everything(make({**options, **each}, {"clicks.csv": header + "".join(order)}))
            for order in orders
        ]
        assert found[0] == found[1] == found[2]
    header, *rows = FILES["judged.csv"].splitlines(keepends=True)
    back = {"judged.csv": header + "".join(rows[::-1])}
    assert everything(make(JUDGED, back)) == everything(make(JUDGED))


def test_a_query_is_asked_as_it_is_spelled_most(make) -> None:
    rows = "HAT,A1,1\nHAT,A2,1\nhat,A1,9\n"
    files = {"clicks.csv": f"search,sku,times\n{rows}"}
    assert set(query_ids(make(CLICKED, files))) == {"HAT"}
    assert set(query_ids(make({**CLICKED, "count": "times"}, files))) == {"hat"}


def test_an_id_that_is_made_stays_the_same(make) -> None:
    """Ids stand in records and runs: another rule would make them other queries."""
    ids = query_ids(make(CLICKED))
    assert ids["cup"] == "qc6171781d65f3ccc"
    files = {"clicks.csv": "search,sku\n CUP ,A1\ncafe\u0301,A1\ncaf\u00e9,A2\n"}
    assert query_ids(make(CLICKED, files)).keys() == {"CUP", "cafe\u0301"}
    assert query_ids(make(CLICKED, files))["CUP"] == ids["cup"]


def test_without_a_relevance_each_row_is_relevant(make) -> None:
    files = {"judged.csv": "query,doc\nhat,A1\nshoe,A2\n"}
    options = {**DOCS, "judgments": "judged.csv", "relevance": None}
    assert [qrel.relevance for qrel in make(options, files).qrels()] == [1, 1]


def test_jsonl_and_tsv_and_gzip_say_the_same(make) -> None:
    wanted = everything(make(CLICKED))
    header, *rows = csv.reader(FILES["products.csv"].splitlines(keepends=True))
    objects = [dict(zip(header, row, strict=True)) for row in rows]
    objects[2]["about"] = None  # and a key may be absent
    del objects[1]["name"]
    files = {
        "products.jsonl.gz": gzip.compress("\n".join(map(json.dumps, objects)).encode()),
        "clicks.tsv": FILES["clicks.csv"].replace(",", "\t"),
        "CLICKS.TSV.GZ": gzip.compress(FILES["clicks.csv"].replace(",", "\t").encode()),
        "semicolons.csv": FILES["clicks.csv"].replace(",", ";"),
    }
    options = {**CLICKED, "docs": "products.jsonl.gz"}
    assert everything(make(options, files)) == wanted
    assert everything(make({**options, "clicks": "clicks.tsv"}, files)) == wanted
    assert everything(make({**options, "clicks": "CLICKS.TSV.GZ"}, files)) == wanted
    semicolons = {**options, "clicks": "semicolons.csv", "delimiter": ";"}
    assert everything(make(semicolons, files)) == wanted


def test_numbers_in_jsonl_are_cells(make) -> None:
    files = {
        "products.jsonl": '{"sku": 12, "about": 1.5}\n',
        "clicks.csv": "search,sku\na,12\n",
    }
    dataset = make({**CLICKED, "docs": "products.jsonl", "title": None}, files)
    assert everything(dataset)[0] == [Doc("12", "1.5")]
    assert next(dataset.qrels()).doc_id == "12"


def test_marks_in_tsv_mean_themselves(make) -> None:
    files = {"clicks.tsv": 'search\tsku\n"red" hat\tA1\n5" cup\tA3\n'}
    assert set(query_ids(make({**CLICKED, "clicks": "clicks.tsv"}, files))) == {
        '"red" hat', '5" cup'
    }  # fmt: skip


MANY = {"clicks.csv": "search,sku\n" + "".join(f"query {n},A1\n" for n in range(1000))}


def test_a_share_of_the_queries_is_held_out_by_their_texts(make) -> None:
    test = make({**CLICKED, "held_out": 0.2}, MANY)
    train = test.split("train")
    assert (test.dataset_id, train.dataset_id) == ("products/test", "products/train")
    held_out, others = (set(query_ids(one)) for one in (test, train))
    assert not held_out & others
    assert len(held_out | others) == 1000
    assert len(held_out) == 211, "the same on every machine"
    for split in (test, train):
        assert {qrel.query_id for qrel in split.qrels()} == set(query_ids(split).values())
    more = make({**CLICKED, "held_out": 0.3}, MANY)
    assert held_out < set(query_ids(more))


def test_spellings_of_a_query_are_in_one_split(make) -> None:
    files = {
        "asked.csv": "id,text\n" + "".join(f"a{n},Q {n}\nb{n},q  {n}\n" for n in range(99))
    }
    files["judged.csv"] = "query,doc,relevance\na1,A1,1\n"
    dataset = make({**JUDGED, "held_out": 0.5}, files)
    for split in (dataset, dataset.split("train")):
        ids = {query.query_id for query in split.queries()}
        assert {name[1:] for name in ids if name[0] == "a"} == {
            name[1:] for name in ids if name[0] == "b"
        }


def test_keys_say_what_was_read(make) -> None:
    dataset = make(JUDGED)
    files = {f"{name}.gz": gzip.compress(text.encode()) for name, text in FILES.items()}
    packed = {name: f"{v}.gz" if name in PATHS else v for name, v in JUDGED.items()}
    assert make(packed, files).corpus_key == dataset.corpus_key
    assert make(packed, files).key == dataset.key
    assert make({**JUDGED, "text": "name"}).corpus_key != dataset.corpus_key
    assert make({**JUDGED, "text": "name"}).key == dataset.key
    keys = {
        make({**JUDGED, **other}).key
        for other in ({}, {"unknown": "drop"}, {"held_out": 0.2}, {"query": "doc"})
    }
    clicks = {make({**CLICKED, "least": least}).key for least in (1, 2, [1, 2])}
    assert len(keys | clicks) == 7
    held_out = make({**JUDGED, "held_out": 0.2})
    assert held_out.key != held_out.split("train").key
    assert make({**JUDGED, "name": "mine"}).key == dataset.key
    changed = {"asked.csv": "id,text\n7,a\n8,b\n"}
    assert make(JUDGED, changed).key not in keys
    assert make(JUDGED, changed).corpus_key == dataset.corpus_key


def test_shares_that_are_held_out_overlap_where_queries_do(make) -> None:
    """What the harness compares: does a row train on queries that it is measured on?"""
    test = make({**CLICKED, "held_out": 0.2})
    other = make({**CLICKED, "held_out": 0.4, "least": 2})
    assert not test.parts & test.split("train").parts
    assert not test.parts & other.split("train").parts
    assert other.parts & test.split("train").parts
    assert make(CLICKED).parts == test.parts | test.split("train").parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"id": "skuu"},
            r"products\.csv:1: no column 'skuu' \(did you mean 'sku'\? its header",
        ),
        ({"text": "words"}, r"no column 'words' \(its header has 'sku', 'name', 'about'"),
        ({"text": []}, r"^table: text names no column"),
        ({"query": "asked"}, r"clicks\.csv:1: no column 'asked'"),
        (
            {"delimiter": ";"},
            r"no column 'sku': its header is one cell, .* delimiter: ','",
        ),
        ({"delimiter": "; "}, r"^table: delimiter: '; ' is not one character"),
        ({"clicks": None}, r"^table: what is relevant\? \(give either judgments or clicks"),
        ({"judgments": "judged.csv"}, r"^table: what is relevant\?"),
        (
            {"clicks": None, "judgments": "judged.csv", "least": 2},
            r"count and least are of clic",
        ),
        ({"least": 0}, r"^table: least: 0 \(give 1 or more, or a list that rises"),
        ({"least": [2, 2]}, r"^table: least: \[2, 2\]"),
        ({"held_out": 1.0}, r"^table: held_out: 1.0 is no share \(give 0.01 to 0.99"),
        ({"held_out": 0.125}, r"^table: held_out: 0.125 is no share"),
        ({"held_out": float("nan")}, r"^table: held_out: nan is no share"),
        ({"held_out": float("inf")}, r"^table: held_out: inf is no share"),
        ({"split": "train"}, r"^table: no train split \(say which share is held out"),
        ({"docs": "."}, r": no such file \(is its name right"),
        ({"docs": "sheet.xlsx"}, r"sheet\.xlsx: no CSV, TSV or JSONL \(save or unpack it"),
    ],
)
def test_mistakes_in_options_are_found_when_planning(make, options, message: str) -> None:
    with pytest.raises(EffbenchError, match=message) as caught:
        make({**CLICKED, **options}, {"sheet.xlsx": b"PK"})
    assert "\n" not in str(caught.value)


def test_a_line_of_tsv_with_other_cells_than_the_header(make) -> None:
    options = {**CLICKED, "clicks": "clicks.tsv"}
    for cells, mend in (("hat", "a cell is missing: wr"), ("hat\tA1\tx", "put no TAB into")):
        with pytest.raises(EffbenchError, match=rf"clicks\.tsv:2: \d cells?, .* \({mend}"):
            everything(make(options, {"clicks.tsv": f"search\tsku\n{cells}\n"}))


def test_columns_of_jsonl_are_looked_for_in_the_first_lines(make) -> None:
    lines = [{"sku": "1"}, {"sku": "2", "about": "x"}]
    files = {"products.jsonl": "\n".join(map(json.dumps, lines))}
    options = {**CLICKED, "docs": "products.jsonl", "title": None}
    assert [doc.text for doc in make(options, files).docs()] == ["", "x"]
    with pytest.raises(
        EffbenchError, match=r"jsonl:1: no column 'abuot' \(did you mean 'about'"
    ):
        make({**options, "text": "abuot"}, files)


ID = "take a string without white space"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("products.csv", "", r"products\.csv: an empty file \(begin with a header"),
        ("products.csv", "sku,name,about\n", r"products\.csv: no docs \(add rows"),
        (
            "products.csv",
            "sku,name,about\n\nA1,a\n",
            r":3: 2 cells, where the header has 3 \(a cell is missing: write it",
        ),
        (
            "products.csv",
            "sku,name,about\nA1,a,b,c\n",
            r":2: 4 cells, .* \(quote a cell that holds",
        ),
        ("products.csv", "sku,name,about\nA 1,a,b\n", rf":2: sku is 'A 1' \({ID}"),
        ("products.csv", "sku,name,about,sku\nA1,a,b,\n", r":1: two columns are called 'sku'"),
        (
            "products.csv",
            'sku,name,about\nA1,a,"b\nA2,c,d\n',
            r":2: a quotation mark opens a cell",
        ),
        (
            "products.csv",
            'sku,name,about\nA1,a,"b\nA2,"c",d\n',
            r":2: a quoted cell goes on be",
        ),
        (
            "products.csv",
            "sku,name,about\nA1,a,b\nA1,c,d\n",
            r":3: sku 'A1' stands .* line 2 \(",
        ),
        ("products.csv", b"sku,name,about\nA1,\xe4,b\n", r":2: .*\(save the file as UTF-8"),
        ("products.csv", "sku,name,about\n".encode("utf-16"), r":1: this is UTF-16 \(save"),
        ("products.csv", "sku,name,about\nA1,a\0,b\n", r":2: a NUL byte"),
        ("products.csv", "sku,name,about\nA1,a\rb,c\n", r":2: a carriage return inside"),
        (
            "products.csv",
            "sku\tname\tabout\nA1\ta\tb\n",
            r":1: no column 'sku': .* delimiter: '\\t'",
        ),
        ("asked.csv", "id,text\n7,a\n7,b\n", r"asked\.csv:3: id '7' stands on an earlier line"),
        (
            "asked.csv",
            "id,text\n7, \n",
            r"asked\.csv:2: the query is empty \(write it, or drop",
        ),
        ("judged.csv", "query,doc,relevance\n7,A1,yes\n", r":2: relevance 'yes' is no integer"),
        ("judged.csv", "query,doc,relevance\n7,A1,\n", r":2: relevance '' is no integer"),
        ("judged.csv", "query,doc,relevance\n7,A1,1\n7,A1,2\n", r":3: .* has two judgments"),
        ("judged.csv", "query,doc,relevance\n", r"judged\.csv: no query has a doc \(are the"),
        (
            "judged.csv",
            "query,doc,relevance\n7,A1,1\n7,X1,1\n8,X2,1\n",
            r"judged\.csv:3: doc 'X1' is not in products\.csv, which lacks 2 docs .* \(mend",
        ),
        (
            "judged.csv",
            "query,doc,relevance\n5,A1,1\n",
            r":2: query '5' is not in asked\.csv \(",
        ),
    ],
)
def test_a_malformed_file_is_named_with_its_line(make, name, content, message: str) -> None:
    with pytest.raises(EffbenchError, match=message) as caught:
        everything(make(JUDGED, {name: content}))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("clicks", "message"),
    [
        ("search,sku,times\nhat,A1,-1\n", r":2: '-1' is no number of clicks \(write 0, 1, 2"),
        ("search,sku,times\nhat,A1,2.0\n", r":2: '2.0' is no number of clicks"),
        ("search,sku,times\n,A1,2\n", r":2: the query is empty"),
        (
            "search,sku,times\nhat,A1,2\n",
            r"no query has a doc with 3 clicks or more \(are .*leas",
        ),
    ],
)
def test_malformed_clicks_are_named(make, clicks: str, message: str) -> None:
    options = {**CLICKED, "count": "times", "least": 3}
    with pytest.raises(EffbenchError, match=rf"clicks\.csv.*{message}"):
        everything(make(options, {"clicks.csv": clicks}))


def test_a_split_that_no_query_falls_into_is_said(make) -> None:
    dataset = make({**CLICKED, "held_out": 0.01})
    few = r"clicks\.csv: held_out: 0.01 of 3 queries with a doc leaves none for test \(raise it"
    with pytest.raises(EffbenchError, match=few):
        list(dataset.qrels())
    assert list(dataset.split("train").qrels())
    train = make({**CLICKED, "held_out": 0.99}).split("train")
    with pytest.raises(EffbenchError, match=r"0.99 of 3 .* none for train \(lower it"):
        list(train.qrels())


def test_rows_of_what_is_unknown_can_be_dropped(make) -> None:
    files = {"judged.csv": "query,doc,relevance\n5,A1,1\n7,X1,1\n7,A1,1\n"}
    assert list(make({**JUDGED, "unknown": "drop"}, files).qrels()) == [Qrel("7", "A1", 1)]


@pytest.mark.parametrize("unknown", ["refuse", "drop"])
def test_a_file_without_docs_is_blamed_itself(make, unknown: str) -> None:
    """Judgments are read before the docs: they are not at fault."""
    dataset = make({**CLICKED, "unknown": unknown}, {"products.csv": "sku,name,about\n"})
    with pytest.raises(EffbenchError, match=r"products\.csv: no docs \(add rows"):
        list(dataset.qrels())


def test_a_large_cell_is_read_and_a_huge_one_refused(make, monkeypatch) -> None:
    before = csv.field_size_limit()
    large = f"sku,name,about\nA1,a,{'x' * 200_000}\n"
    assert len(next(make(CLICKED, {"products.csv": large}).docs()).text) == 200_000
    monkeypatch.setattr(tabular, "LONGEST_CELL", 1 << 20)
    lines = "x y\n" * (1 << 19)
    huge = f'sku,name,about\nA1,a,"{lines}"\n'
    with pytest.raises(EffbenchError, match=r":2: a cell of more than 1 million characters \("):
        list(make(CLICKED, {"products.csv": huge}).docs())
    assert csv.field_size_limit() == before


SUITE = """\
suite: shop
datasets:
  - &shop {use: table, docs: products.csv, id: sku, text: [name, about], clicks: clicks.csv,
           query: search, doc: sku, held_out: 0.3}
measures: [nDCG@10]
models:
  own: {use: centroids, data: {examples: [{training: target}], passages: words}}
  all:
    use: centroids
    data: {examples: [{judgments: {<<: *shop, held_out: 0.2, split: train}}], passages: words}
encoders:
  words: {use: words}
  own: {use: table, model: own, passages: words}
  all: {use: table, model: all, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""


def test_rows_train_on_what_is_not_held_out(
    effbench, suite, make, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    make(CLICKED, MANY)
    found = effbench("run", suite(SUITE), "--results", tmp_path / "results")
    assert found.exit_code == 0, found.output
    saw = {
        path.stem.split("--")[1]: json.loads(path.read_text())["trained_on"]
        for path in tmp_path.glob("results/*/shop/*--*.json")
    }
    assert saw == {"words": [], "own": ["other judgments"], "all": ["judgments"]}


def test_a_plan_says_the_mistake_with_the_line_of_the_suite(effbench, suite, make) -> None:
    make(CLICKED)
    found = effbench("plan", suite(altered(SUITE, "id: sku", "id: skuu")))
    assert found.exit_code == 2
    assert "suite.yaml:3: datasets.0: " in found.stderr
    assert "products.csv:1: no column 'skuu' (did you mean 'sku'? " in found.stderr


def test_a_mistake_is_said_once_not_where_an_alias_brings_it(effbench, suite, make) -> None:
    """The rows that train on the dataset, and those that use such rows, have it too."""
    make(CLICKED)
    found = effbench("plan", suite(altered(SUITE, "id: sku,", "id: sku, lest: 2,")))
    (line,) = found.stderr.splitlines()
    assert "suite.yaml:3: datasets.0.lest: unknown option 'lest' (did you" in line
    written = "{use: table, docs: products.csv, clicks: clicks.csv, lest: 2}"
    copied = altered(
        altered(SUITE, "id: sku,", "id: sku, lest: 2,"),
        "{<<: *shop, held_out: 0.2, split: train}",
        written,
    )
    found = effbench("plan", suite(copied))
    first, second = found.stderr.splitlines()
    assert "suite.yaml:3: datasets.0.lest: " in first
    assert "models.all.data: lest: unknown option" in second


def test_what_is_wrong_beside_an_unknown_option_is_said_with_it(effbench, suite, make) -> None:
    make(CLICKED)
    found = effbench("plan", suite(altered(SUITE, "held_out: 0.3", "held_out: 30, lest: 2")))
    assert ": datasets.0.lest: unknown option" in found.stderr
    assert ": datasets.0: table: held_out: 30.0 is no share (give 0.01" in found.stderr
    assert "models" not in found.stderr
