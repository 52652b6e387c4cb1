"""Our scores against pytrec_eval's and BEIR's, and against published runs."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from effbench.api.encoders import Qrel, ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.steps.measures import mean, values_by_query
from effbench.store.trec import ordered

K = 20


@pytest.fixture
def case() -> tuple[dict[str, dict[str, float]], list[Qrel]]:
    """Ties, self hits, queries without hits, graded judgments, judged docs not retrieved."""
    draw = random.Random(1)
    run: dict[str, dict[str, float]] = {}
    qrels = []
    for i in range(40):
        query = f"d{i}"
        docs = [query, *(f"d{draw.randrange(40, 300)}" for _ in range(60))]
        if i % 7:
            run[query] = {doc: float(draw.randrange(8)) for doc in docs}
        judged = {doc for doc in docs[1:] if draw.random() < 0.2} | {"d999"}
        qrels += [Qrel(query, doc, draw.choice([0, 1, 2])) for doc in sorted(judged)]
        qrels.append(Qrel(query, "d998", 1))
    return run, qrels


def ours(run: dict[str, dict[str, float]]) -> dict[str, list[str]]:
    return {
        query: [
            hit.doc_id
            for hit in ordered([ScoredDoc(*pair) for pair in hits.items()], K, drop=query)
        ]
        for query, hits in run.items()
    }


def as_dicts(qrels: list[Qrel]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for query, doc, relevance in qrels:
        found.setdefault(query, {})[doc] = relevance
    return found


def test_oracle_pytrec_eval(case) -> None:
    import pytrec_eval

    run, qrels = case
    ranked = {q: {d: -float(r) for r, d in enumerate(docs)} for q, docs in ours(run).items()}
    wanted = {"ndcg_cut.10", "recall.20", "map", "success.5"}
    oracle = pytrec_eval.RelevanceEvaluator(as_dicts(qrels), wanted).evaluate(ranked)
    found = values_by_query(ours(run).items(), qrels, ["nDCG@10", "R@20", "AP", "Success@5"])
    names = {
        "nDCG@10": "ndcg_cut_10",
        "R@20": "recall_20",
        "AP": "map",
        "Success@5": "success_5",
    }
    for name, theirs in names.items():
        assert len(found[name]) == 40, "judged queries without hits are there"
        for query, value in found[name].items():
            assert value == pytest.approx(oracle.get(query, {theirs: 0.0})[theirs], abs=1e-12)


def test_oracle_beir(case) -> None:
    evaluation = pytest.importorskip("beir.retrieval.evaluation")
    run, qrels = case
    # BEIR drops self hits itself; the order of ties and the cut are what we give it
    ranked = {
        query: {**{d: float(-r) for r, d in enumerate(docs)}, query: 1.0}
        for query, docs in ours(run).items()
    }
    ndcg, average, recall, _ = evaluation.EvaluateRetrieval.evaluate(
        as_dicts(qrels), ranked, [10]
    )
    with_hits = [qrel for qrel in qrels if qrel.query_id in run]  # BEIR leaves out the others
    found = values_by_query(ours(run).items(), with_hits, ["nDCG@10", "AP@10", "R@10"])
    assert mean(found["nDCG@10"]) == pytest.approx(ndcg["NDCG@10"], abs=1e-5)
    assert mean(found["AP@10"]) == pytest.approx(average["MAP@10"], abs=1e-5)
    assert mean(found["R@10"]) == pytest.approx(recall["Recall@10"], abs=1e-5)


def test_queries_without_hits_count_zero(case) -> None:
    run, qrels = case
    found = values_by_query(ours(run).items(), qrels, ["nDCG@10"])["nDCG@10"]
    assert {query for query in found if query not in run} == {f"d{i}" for i in range(0, 40, 7)}
    assert all(found[query] == 0 for query in found if query not in run)


def test_both_providers_see_one_order_of_ties() -> None:
    tied = {"q": [ScoredDoc("b", 1.0), ScoredDoc("a", 1.0)]}
    run = {"q": [hit.doc_id for hit in ordered(tied["q"], 10)]}
    found = values_by_query(run.items(), [Qrel("q", "b", 1)], ["RR", "RR@10", "nDCG@10"])
    assert [values["q"] for values in found.values()] == [1.0, 1.0, 1.0]


def test_scores_are_the_same_when_measured_twice(case) -> None:
    run, qrels = case
    first = values_by_query(ours(run).items(), qrels, ["nDCG@10", "nDCG@20"])
    assert values_by_query(ours(run).items(), qrels, ["nDCG@10", "nDCG@20"]) == first


def test_the_values_are_the_same_however_many_queries_are_scored_together(
    case, monkeypatch
) -> None:
    run, qrels = case
    names = ["nDCG@10", "RR@10", "AP", "Bpref", "nDCG(gains={1:9})@10", "ERR@10"]
    together = values_by_query(ours(run).items(), qrels, names)
    monkeypatch.setattr("effbench.steps.measures.HITS", 1)
    assert values_by_query(ours(run).items(), qrels, names) == together


def test_a_provider_that_says_nothing_is_an_error_and_not_0(monkeypatch) -> None:
    import ir_measures

    qrels = [Qrel("q1", "a", 1), Qrel("q2", "a", 1)]
    run = {"q1": ["a"], "q2": ["a"]}
    whole = ir_measures.iter_calc
    monkeypatch.setattr(ir_measures, "iter_calc", lambda *given: list(whole(*given))[:1])
    with pytest.raises(EffbenchError, match=r"RR@10 cannot be .* says nothing of a query"):
        values_by_query(run.items(), qrels, ["RR@10"])
    # Accuracy has no value where nothing relevant is found
    monkeypatch.undo()
    with pytest.raises(EffbenchError, match="Accuracy@10 cannot be calculated"):
        values_by_query({"q1": ["b"], "q2": ["b", "a"]}.items(), qrels, ["Accuracy@10"])


def test_what_a_provider_raises_is_one_line() -> None:
    with pytest.raises(EffbenchError, match="nDCG@10 cannot be calculated"):
        values_by_query({"q": ["a"]}.items(), [Qrel("q", "a", 2**63)], ["nDCG@10"])


def test_a_query_without_a_relevant_doc_is_0() -> None:
    names = ["nDCG@10", "RR@10", "RR(rel=2)@10", "nDCG(dcg='exp-log2')@10", "ERR@10"]
    found = values_by_query({"a-1": ["x"]}.items(), [Qrel("a-1", "x", 0)], names)
    assert found == {name: {"a-1": 0.0} for name in names}


def test_gdeval_reads_no_ids_of_queries() -> None:
    qrels = [Qrel("a-1", "x", 1), Qrel("b-1", "y", 1)]  # it takes what is before - away
    found = values_by_query(
        {"a-1": ["x"], "b-1": ["z", "y"]}.items(), qrels, ["nDCG(dcg='exp-log2')@10"]
    )
    assert found["nDCG(dcg='exp-log2')@10"] == {"a-1": 1.0, "b-1": 0.63093}


@pytest.mark.parametrize("order", [1, -1])
def test_gains_are_of_their_own_measure_only(order: int) -> None:
    qrels = [Qrel("q", "a", 1), Qrel("q", "b", 2)]
    names = ["nDCG@10", "nDCG(gains={1:9})@10", "NumRet"][::order]
    found = values_by_query({"q": ["a", "b"]}.items(), qrels, names)
    alone = {
        name: values_by_query({"q": ["a", "b"]}.items(), qrels, [name])[name] for name in names
    }
    assert found == alone
    assert alone["nDCG@10"] != alone["nDCG(gains={1:9})@10"]


def test_ndcg_of_huge_grades_takes_no_hours() -> None:
    qrels = [Qrel("q", "a", 1_000_000), Qrel("q", "b", 999_999)]
    found = values_by_query({"q": ["a", "b"]}.items(), qrels, ["nDCG", "nDCG@10"])
    assert found == {"nDCG": {"q": 1.0}, "nDCG@10": {"q": 1.0}}


def test_queries_whose_docs_are_all_judged_below_0_end_no_process() -> None:
    qrels = [Qrel("a", "x", -2), Qrel("a", "y", -1_000_000), Qrel("b", "y", 1)]
    names = ["nDCG@10", "P@5", "RR@10", "Bpref", "Judged@5"]
    for _ in range(20):  # it was memory that is not ours
        found = values_by_query({"a": ["x"], "b": ["y"]}.items(), qrels, names)
    assert {name: values["a"] for name, values in found.items()} == {
        **dict.fromkeys(names, 0.0),
        "Judged@5": 1.0,
    }
    assert found["nDCG@10"]["b"] == 1


@pytest.mark.parametrize(
    ("run", "qrels", "wanted"),
    [
        ("BM25.dl19.trec.txt", "2019qrels-pass.txt", 0.5058),
        ("BM25.dl20.trec.txt", "2020qrels-pass.txt", 0.4796),
        ("D_BERT_KD_TASB.dl19.trec.txt", "2019qrels-pass.txt", 0.7210),
        ("D_BERT_KD_TASB.dl20.trec.txt", "2020qrels-pass.txt", 0.6854),
    ],
)
def test_published_runs(
    effbench, shared_data: Path, run: str, qrels: str, wanted: float
) -> None:
    paths = shared_data / "msmarco" / qrels, shared_data / "runs" / run
    found = effbench("evaluate", *paths, "-m", "nDCG@10", "--json")
    assert round(json.loads(found.stdout)["mean"]["nDCG@10"], 4) == wanted
