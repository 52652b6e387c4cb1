from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from effbench import Doc, EffbenchError, TrainedModel
from effbench_bm25 import Bm25
from effbench_bm25.weights import Bm25Weights, WordStatistics

METHODS = ["lucene", "robertson", "atire", "bm25l", "bm25+"]
QUERIES = ["cat dog", "the cat, a CAT", "unicorn", "", "birds trees dogs sat"]
DOCS = [
    Doc("d1", "The cats sat.", title="Cat"),
    Doc("d2", "A dog, a DOG and a cat!"),
    Doc("d3", "Birds sing in the trees; dogs run."),
    Doc("d4", ""),
]


def counted(folder: Path, docs: list[Doc] = DOCS, **options: Any) -> TrainedModel:
    corpus: Any = SimpleNamespace(docs=lambda: iter(docs), docs_count=lambda: None)
    folder.mkdir(exist_ok=True)
    WordStatistics(corpus, **options).train(folder, seed=0)
    return TrainedModel("words", folder)


def random_docs() -> list[Doc]:
    random = np.random.default_rng(0)
    lengths = random.integers(0, 60, 200)
    texts = [" ".join(f"w{n}" for n in random.geometric(0.05, length)) for length in lengths]
    return [Doc(f"d{number}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"k1": 1.5, "b": 1.0}, {"k1": 0.1, "b": 0.0}])
def test_inner_products_are_the_scores_of_the_retriever(
    tmp_path: Path, method: Any, options: dict[str, float]
) -> None:
    docs = random_docs()
    queries = [doc.text[:20] + " w1 w1" for doc in docs[:30]]
    encoder = Bm25Weights(counted(tmp_path / "model", docs), method=method, **options)
    products = (encoder.encode_queries(queries) @ encoder.encode_corpus(docs).T).toarray()
    retriever = Bm25(method=method, **options)
    retriever.index(iter(docs))
    place = {doc.doc_id: number for number, doc in enumerate(docs)}
    for row, query, hits in zip(products, queries, retriever.search(queries, 200), strict=True):
        places = [place[hit.doc_id] for hit in hits]
        assert set(places) == set(np.flatnonzero(row).tolist())
        # the retriever adds what a doc without any of the words gets in bm25l and bm25+
        ids = retriever._bm25.get_tokens_ids(retriever._words(query))
        beside = retriever._score_without_words(ids)
        assert_allclose(row[places] + beside, [hit.score for hit in hits], rtol=1e-5)


def test_queries_are_counts_of_words(tmp_path: Path) -> None:
    encoder = Bm25Weights(counted(tmp_path / "model"))
    vectors = encoder.encode_queries(QUERIES)
    assert vectors.shape == (5, 7)
    shown = [
        dict(zip(encoder.words(row.indices), row.data.tolist(), strict=True))
        for row in (vectors[[number]] for number in range(5))
    ]
    assert shown[:4] == [{"cat": 1, "dog": 1}, {"cat": 2}, {}, {}]
    assert encoder.encode_corpus(DOCS)[[3]].nnz == 0


def test_words_are_read_as_the_statistics_say(tmp_path: Path) -> None:
    options = {"stemmer": "none", "stopwords": "none", "token_pattern": r"[a-z]+"}
    encoder = Bm25Weights(counted(tmp_path / "model", **options))
    vector = encoder.encode_queries(["the cats"])
    assert sorted(encoder.words(vector.indices)) == ["cats", "the"]


def test_a_word_of_a_new_doc_has_no_weight(tmp_path: Path) -> None:
    encoder = Bm25Weights(counted(tmp_path / "model"))
    vector = encoder.encode_corpus([Doc("new", "cat unicorn")])
    assert encoder.words(vector.indices) == ["cat"]


def test_it_tells_of_its_queries(tmp_path: Path) -> None:
    encoder = Bm25Weights(counted(tmp_path / "model"))
    told, read = encoder.describe(), QUERIES
    for stage in (told.stages or {}).values():
        read = stage(read)
    assert (read != encoder.encode_queries(QUERIES)).nnz == 0
    assert told.count_tokens is not None
    assert told.count_tokens(QUERIES) == [2, 2, 1, 0, 4]
    assert told.query_parameters == 0


def test_a_row_without_statistics_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="'other' has no statistics of words") as error:
        Bm25Weights(TrainedModel("other", tmp_path))
    assert "\n" not in str(error.value)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="word-statistics: no doc has a word that"):
        counted(tmp_path / "model", [Doc("d", "?!")])
    with pytest.raises(EffbenchError, match="word-statistics: unknown stemmer 'x'"):
        WordStatistics.check(stemmer="x", token_pattern="x")


REAL = """\
suite: real
datasets: [{{use: folder, path: {path}}}]
measures: [nDCG@10]
models: {{words: {{use: word-statistics, corpus: target}}}}
encoders: {{weights: {{use: bm25-weights, statistics: words}}}}
retrievers: {{bm25: {{use: bm25}}}}
indexes: {{exact: {{use: exact}}}}
latency: false
"""


def test_real_docs_and_queries_get_the_scores_of_the_retriever(
    run, records, shared_data: Path, tmp_path: Path
) -> None:
    result = run(REAL.format(path=shared_data / "beir" / "nfcorpus"))
    assert result.exit_code == 0, result.output
    weights, bm25 = sorted(
        tmp_path.glob("results/*/real/runs/*.gz"), key=lambda p: -len(p.name)
    )
    pairs = list(zip(hits_of(weights), hits_of(bm25), strict=True))
    assert len(pairs) > 20_000
    for ours, theirs in pairs:
        assert ours[:3] == theirs[:3]
        assert float(ours[4]) == pytest.approx(float(theirs[4]), abs=1e-5)


def hits_of(path: Path) -> list[list[str]]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [line.split() for line in lines]
