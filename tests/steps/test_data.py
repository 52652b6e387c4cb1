"""Queries, judgments, docs and hits whose ids do not meet, and docs that are none."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from altered import altered
from effbench.api.errors import EffbenchError
from effbench.steps.data import docs_of
from made_judged import row

SUITE = """\
suite: s
datasets: [{use: folder, path: d}]
measures: [nDCG@10, R@100]
encoders: {words: {use: words}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
DOCS = ("red apple", "blue boat", "white cloud")


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run the suite on a collection of three docs with some lines more."""

    def start(qrels="", docs="", queries="", judged=True, measures=""):
        folder = tmp_path / "d"
        (folder / "qrels").mkdir(parents=True)
        own = [json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(DOCS)]
        (folder / "corpus.jsonl").write_text("\n".join(own) + "\n" + docs)
        own = [json.dumps({"_id": f"q{n}", "text": text}) for n, text in enumerate(DOCS[:2])]
        (folder / "queries.jsonl").write_text("\n".join(own) + "\n" + queries)
        plain = "q0\td0\t1\nq1\td1\t1\n" if judged else ""
        header = "query-id\tcorpus-id\tscore\n"
        (folder / "qrels" / "test.tsv").write_text(header + plain + qrels)
        text = altered(SUITE, "[nDCG@10, R@100]", measures or "[nDCG@10, R@100]")
        return effbench("run", suite(text), "--results", tmp_path / "results")

    return start


@pytest.fixture
def records(tmp_path: Path):
    """Read the records of both rows."""

    def read() -> list[dict]:
        return [json.loads(path.read_text()) for path in tmp_path.glob("results/*/s/d-*.json")]

    return read


@pytest.mark.parametrize(
    ("query_id", "why"),
    [
        ("q" * 1001, "has 1,001 characters (1000 at most)"),
        ("q\x7f", "has control characters (drop them)"),
        ("\u200b\x01", "has control characters (drop them)"),
    ],
)
def test_query_ids_that_no_record_can_hold_are_refused(run, query_id: str, why: str) -> None:
    query = json.dumps({"_id": query_id, "text": "red"}) + "\n"
    found = run(f"{query_id}\td1\t1\n", queries=query)
    assert found.exit_code == 1
    assert f"dataset 'd/test' (plugin beir): query id {query_id!r:.60} {why}" in found.stderr


@pytest.mark.parametrize("query_id", ["q" * 1000, "\u200b", "q\ufeff", "Grüße"])
def test_long_and_strange_query_ids_are_records(run, records, query_id: str) -> None:
    query = json.dumps({"_id": query_id, "text": "red"}) + "\n"
    found = run(f"{query_id}\td1\t1\n", queries=query)
    assert found.exit_code == 0, found.output
    assert "expected" not in found.stderr
    assert all(query_id in record["per_query"]["nDCG@10"] for record in records())


def test_judged_queries_that_are_missing_are_said_and_do_not_count(run, records) -> None:
    found = run("q77\td1\t1\n")
    assert found.exit_code == 0, found.output
    said = "d/test: judged queries that it lacks: 1 (q77); they are not in the mean"
    assert said in found.output
    assert len(records()) == 2
    for record in records():
        assert record["scores"]["nDCG@10"] == 1
        assert record["queries"]["judged_queries_missing"] == 1
        assert set(record["per_query"]["nDCG@10"]) == {"q0", "q1"}


def test_judged_queries_without_a_relevant_doc_are_said_and_count_0(run, records) -> None:
    found = run("q2\td0\t0\n", queries='{"_id": "q2", "text": "white cloud"}\n')
    said = "d/test: judged queries without a relevant doc: 1 (q2); they count 0"
    assert found.output.count(said) == 1
    assert [record["per_query"]["R@100"]["q2"] for record in records()] == [0, 0]


def test_relevant_docs_that_are_missing_are_said_and_cost_recall(run, records) -> None:
    found = run("q0\td99\t1\nq0\td98\t0\n")
    said = "d/test: relevant docs that its corpus lacks: 1 (d99); they cost recall"
    assert found.output.count(said) == 1, "it is of the dataset, not of the row"
    assert [record["scores"]["R@100"] for record in records()] == [0.75, 0.75]
    assert [record["queries"]["judged_docs_missing"] for record in records()] == [1, 1]


def test_queries_that_are_their_own_relevant_docs_are_said(run, records) -> None:
    found = run("d2\td2\t1\nd2\td1\t1\n", queries='{"_id": "d2", "text": "white cloud"}\n')
    assert "queries whose own doc is judged relevant and dropped from their" in found.output
    assert [record["queries"]["self_judged"] for record in records()] == [1, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"judged": False, "qrels": "x0\td0\t1\n"},
            "d/test' (plugin beir): it has none of the quer",
        ),
        (
            {"judged": False, "qrels": "q0\td0\t0\n"},
            "d/test' (plugin beir): no doc is judged relevant",
        ),
        (
            {"judged": False, "qrels": "q0\t0\t1\nq1\t1\t1\n"},
            "d/test' (plugin beir): the corpus has none of the docs that are judged relevant",
        ),
        ({"qrels": "q0\td0\t0\n"}, "query 'q0', doc 'd0' has two judgments, 1 and 0"),
        ({"qrels": "q0\td2\t1000001\n"}, "test.tsv:4: the score is too large"),
        (
            {"docs": json.dumps({"_id": "d0", "text": "red apple"})},
            "d/test' (plugin beir): doc id 'd0' occurs twice in the corpus: docs 1 and 4",
        ),
        (
            {"docs": json.dumps({"_id": "d1", "text": "another"})},
            "d/test' (plugin beir): doc id 'd1' occurs twice in the corpus: docs 2 and 4",
        ),
        (
            {"docs": r'{"_id": "d9", "text": "\ud83d"}'},
            "corpus.jsonl:4: text has half a charac",
        ),
        (
            {"queries": r'{"_id": "q9", "text": "\ud83d"}', "qrels": "q9\td0\t1\n"},
            "queries.jsonl:3: text has half a character",
        ),
        ({"docs": r'{"_id": "d\u0000", "text": ""}'}, "corpus.jsonl:4: _id is 'd\\x00'"),
    ],
)
def test_what_cannot_be_scored_is_refused_for_every_row(
    run, records, given, message: str
) -> None:
    found = run(**given)
    assert found.exit_code == 1
    lines = [line for line in found.stderr.splitlines() if line.startswith("FAILED d-test")]
    assert len(lines) == 2
    assert message in lines[0], "the reason of one step is said once"
    assert [message in record["error"] for record in records()] == [True, True]
    assert "Traceback" not in found.output


def test_docs_whose_hashes_clash_are_no_doubles(monkeypatch) -> None:
    import builtins

    from effbench.api.encoders import Doc
    from effbench.steps import data, hashed

    for module in (data, hashed):
        monkeypatch.setattr(module, "hash", lambda one: builtins.hash(one) % 3, raising=False)
    docs = [Doc(f"d{i}", "") for i in range(9)]
    assert len(list(docs_of(row(docs=docs)))) == 9
    with pytest.raises(EffbenchError, match="doc id 'd4' occurs twice"):
        list(docs_of(row(docs=[*docs, docs[4]])))


def test_a_measure_that_nobody_can_calculate_is_found_when_planning(
    effbench, suite, tmp_path: Path
) -> None:
    text = altered(SUITE, "{use: folder, path: d}", "{use: toy}")
    path = suite(altered(text, "[nDCG@10, R@100]", "[nDCG@10, P@0]"))
    found = effbench("plan", path)
    assert found.exit_code == 2
    said = "measures.1: measure 'P@0': cutoff is 0 (take 1 to 1,000,000)"
    assert said in found.stderr
    results = ("--results", tmp_path / "results")
    assert effbench("run", path, *results).exit_code == 2
    (record,) = tmp_path.glob("results/*/s/toy--scan.json")
    assert said in json.loads(record.read_text())["error"], "leaderboards say it"
    assert effbench("run", suite(text, "sound.yaml"), *results).exit_code == 0
    assert effbench("run", path, *results).exit_code == 2
    assert json.loads(record.read_text())["status"] == "done", "what was measured stays"


def test_a_suite_without_a_measure_is_refused(effbench, suite) -> None:
    found = effbench("plan", suite(altered(SUITE, "[nDCG@10, R@100]", "[]")))
    assert found.exit_code == 2
    assert "measures: give a list of measures (- nDCG@10)" in found.stderr


def test_a_measure_that_fails_on_the_data_fails_its_cells_only(run, records) -> None:
    found = run(measures="[nDCG@10, Accuracy@10]")  # has no value if all hits are relevant
    assert found.exit_code == 1
    assert "FAILED d-test--scan: nDCG@10, Accuracy@10 cannot be calculated: " in found.stderr
    assert "Traceback" not in found.output
    by_row = {record["row"]["name"]: record["status"] for record in records()}
    assert by_row == {"scan": "failed", "words": "done"}


def test_an_error_that_a_system_swallows_fails_its_cell(run, monkeypatch) -> None:
    import effbench_toy

    def index(self, docs) -> None:
        self.docs = []
        with contextlib.suppress(Exception):
            self.docs.extend(docs)

    monkeypatch.setattr(effbench_toy.ScanRetriever, "index", index)
    found = run(docs='{"_id": "d9"}\n')
    assert "FAILED d-test--scan" in found.stderr
    assert "corpus.jsonl:4: text is missing or null" in found.stderr
