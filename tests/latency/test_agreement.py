"""Answers are finished when the clock stops, and are those of the quality pass."""

from __future__ import annotations

import json

import pytest

from altered import altered
from effbench.api.encoders import ScoredDoc
from effbench.latency.agreement import same_hits
from effbench.latency.samples import Session, read_session

SUITE = """\
suite: toys
datasets: [{use: toy}]
encoders:
  words: {use: words}
ROWS
indexes: {INDEXES}
latency: {queries: 11, warmup: 6, processes: 1, timeout: 30, batches: []}
"""


@pytest.fixture
def ran(effbench, suite, tmp_path):
    """Run a suite of such rows; return the command's result, its lines and the session."""

    def run(rows: str, indexes: str = "plain: {use: plain}"):
        text = altered(altered(SUITE, "ROWS", rows), "INDEXES", indexes)
        found = effbench("run", suite(text), "--results", tmp_path / "r", "--json")
        table = json.loads(found.stdout)[0]
        lines = {f"{line['row']} {line['index']}".strip(): line for line in table["lines"]}
        sessions: list[Session] = [
            read_session(path) for path in sorted((tmp_path / "r").glob("*/toys/latency/*"))
        ]
        return found, lines, sessions[-1] if sessions else None

    return run


def test_an_index_answers_with_two_arrays_and_what_is_lazy_is_made_on_the_clock(ran) -> None:
    found, lines, _ = ran(
        "",
        "lazy: {use: lazy}, reused: {use: reused}, generator: {use: generator}, "
        "single: {use: lazy, single: true}, tensors: {use: tensors}",
    )
    assert lines["words lazy"]["search p50 ms"] > 10
    assert lines["words lazy"]["end to end p50 ms"] > 10
    assert lines["words lazy"]["nDCG@10"] == lines["words reused"]["nDCG@10"] > 0.9
    assert "other answers" not in lines["words reused"]["latency"]
    for index, said in {
        "generator": "search returned a generator (a pair is wanted: scores, positions)",
        "single": "search returned a LazyArray (a pair is wanted: scores, positions)",
        "tensors": "search returned a DeviceArray (arrays of numbers in host memory are "
        "wanted: can't convert cuda:0 device type tensor to numpy.)",
    }.items():
        assert f"toy--words--{index}: index '{index}' (plugin lazy): {said}" in found.stderr


def test_a_retriever_answers_with_lists_and_what_is_lazy_is_made_on_the_clock(ran) -> None:
    kinds = ("lists", "answer", "generator", "hits")
    rows = ", ".join(f"{one}: {{use: lazy-scan, lazy: {one}}}" for one in kinds)
    found, lines, _ = ran(f"retrievers: {{{rows}, scan: {{use: scan}}}}")
    for kind in kinds[:-1]:
        assert lines[kind]["end to end p50 ms"] > 10
        assert lines[kind]["nDCG@10"] == lines["scan"]["nDCG@10"]
        assert "other answers" not in lines[kind]["latency"]
    assert "retriever 'hits' (plugin lazy): search returned ('d" in found.stderr
    assert "(a ScoredDoc is wanted: doc_id, which is a string, and score)" in found.stderr


def test_a_row_that_answers_otherwise_when_a_query_comes_alone_is_not_ranked(ran) -> None:
    alone = ("zeros", "nan", "another", "scaled", "near")
    rows = "".join(f"  {one}: {{use: alone, alone: {one}, passages: words}}\n" for one in alone)
    rows += "  one: {use: alone, alone: zeros, only: nest, passages: words}\n"
    rows += "  typed: {use: typed, passages: words}\n"
    rows += "  typed-wrong: {use: typed-wrong, passages: words}\n"
    rows += "  staged: {use: staged, passages: words}\n"
    rows += "  staged-wrong: {use: staged-wrong, passages: words}\n"
    found, lines, session = ran(rows)
    assert found.exit_code == 0, found.stderr
    assert session is not None
    differs = {
        facts.row: {span: len(queries) for span, queries in facts.differs.items()}
        for facts in session.header.rows.values()
    }
    every = len(session.header.queries)
    assert {row for row, own in differs.items() if not own} == {
        "words", "near", "typed", "staged",
    }  # fmt: skip
    for row in ("zeros", "nan", "another", "scaled"):
        assert differs[row] == {"end to end": every}
    assert 0 < differs["one"]["end to end"] < every
    assert differs["typed-wrong"] == {"after last word": every, "total compute": every}
    assert differs["staged-wrong"] == {"encode: pool": every}
    for line in lines.values():
        assert ("other answers" in line["latency"]) == bool(differs[line["row"]])
        assert line["encode p50 ms"] > 0, "shown all the same"
        assert line["speed-up encode"] is None or not differs[line["row"]]
    (remark,) = [
        remark
        for remark in json.loads(found.stdout)[0]["remarks"]
        if remark.startswith("latency other answers") and "zeros" in remark
    ]
    assert remark == (
        f"latency other answers: {every} of {every} queries get other hits alone than in the "
        "quality pass, where they come in batches (docs/latency.md) (toy): "
        "another, nan, scaled, zeros"
    )


def test_of_one_hit_beside_a_querys_own_doc_the_hit_is_compared(effbench, suite, tmp_path):
    text = altered(
        altered(SUITE, "{use: toy}", "{use: own-docs}"), "INDEXES", "p: {use: plain}"
    )
    text = altered(text, "ROWS", "  alone: {use: alone, alone: zeros, passages: words}")
    found = effbench("run", suite(f"{text}k: 1\nmeasures: [R@1]\n"), "--results", tmp_path)
    assert found.exit_code == 0, found.output
    (path,) = tmp_path.glob("*/toys/latency/*")
    header = read_session(path).header
    differs = {facts.row: facts.differs for facts in header.rows.values()}
    assert differs == {"words": {}, "alone": {"end to end": header.queries}}


@pytest.mark.parametrize("k", [5, 1])
def test_a_querys_own_doc_is_left_out_of_what_is_compared(
    k: int, effbench, suite, tmp_path
) -> None:
    text = altered(
        altered(SUITE, "{use: toy}", "{use: own-docs}"), "INDEXES", "p: {use: plain}"
    )
    text = altered(text, "ROWS", "retrievers: {scan: {use: scan}}")
    text += f"measures: [R@1]\nk: {k}\n"
    found = effbench("run", suite(text), "--results", tmp_path / "r")
    assert found.exit_code == 0, found.output
    (path,) = (tmp_path / "r").glob("*/toys/latency/*")
    assert [facts.differs for facts in read_session(path).header.rows.values()] == [{}] * 2


def test_a_vector_that_is_none_fails_its_row(ran) -> None:
    what = {"int": "int64 [1, 64]", "row": "float32 [64]", "narrow": "float32 [1, 32]"}
    rows = (f"  {one}: {{use: alone, alone: {one}, passages: words}}\n" for one in what)
    found, lines, _ = ran("".join(rows))
    assert found.exit_code == 1
    for row, returned in what.items():
        assert (
            f"FAILED toy--{row}--plain: latency: encoder '{row}' (plugin lazy): "
            f"encode_queries returned {returned} (float vectors [1, 64] are wanted)"
        ) in found.stderr
    assert lines["words plain"]["encode p50 ms"] > 0


def hits(text: str) -> list[ScoredDoc]:
    """Return hits that are written as doc=score."""
    pairs = (one.split("=") for one in text.split())
    return [ScoredDoc(doc, float(score)) for doc, score in pairs]


@pytest.mark.parametrize(
    ("alone", "alike"),
    [
        ("a=4 b=3 c=2 d=1", True),
        ("b=3.99 a=3.98 c=2 d=1", False),  # b has 3 in the run
        ("a=4.02 b=3.01 c=2 d=1", True),
        ("a=4.3 b=3.2 c=1.8 d=1.1", True),  # the same docs, roughly
        ("a=4.5 b=3.2 c=1.8 d=1.1", False),
        ("a=0 b=0 c=0 d=0", False),
        ("a=4 b=3 c=2 e=1", True),  # a tie with the last one
        ("a=4 b=3 c=2 e=1.3", True),  # three of four are shared
        ("a=4 b=3 c=2 e=1.9", False),
        ("e=4 f=3 a=4 b=3", False),
        ("w=4 x=3 y=2 z=1", False),  # other docs at the same scores
        ("a=4 b=3 c=2", True),
        ("a=4", False),
        ("", False),
    ],
)
def test_what_counts_as_the_same_answer(alone: str, alike: bool) -> None:
    run = hits("a=4 b=3 c=2 d=1")
    assert same_hits(hits(alone), run, 10) is alike


def test_other_docs_are_another_answer_though_a_model_scores_all_docs_alike() -> None:
    run = hits("a=10.09 b=10.08 c=10.07 d=10.06")
    assert not same_hits(hits("w=10.09 x=10.08 y=10.07 z=10.06"), run, 10)
    assert same_hits(
        hits("a=10.09 w=10.06 x=10.06 y=10.06"), run[:1] + hits("b=10.06 c=10.06"), 3
    )


def test_answers_are_compared_by_their_first_hits() -> None:
    run = hits("a=4 b=3 c=2 d=1")
    assert same_hits(hits("a=4 b=3 z=0"), run, 2)
    assert same_hits([], [], 10)
    assert not same_hits(hits("a=1"), [], 10)
    assert not same_hits(None, run, 10), "a score that is not finite"
