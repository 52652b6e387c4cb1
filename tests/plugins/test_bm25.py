from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from effbench import Doc, EffbenchError
from effbench_bm25 import Bm25, effbench_ready_rows, effbench_retrievers

DOCS = [
    Doc("d1", "The cats sat.", title="Cat"),
    Doc("d2", "A dog, a DOG and a cat!"),
    Doc("d3", "Birds sing in the trees; dogs run."),
    Doc("d4", ""),
]
WORDS = {  # after Snowball and Lucene's stop words
    "d1": ["cat", "cat", "sat"],
    "d2": ["dog", "dog", "cat"],
    "d3": ["bird", "sing", "tree", "dog", "run"],
    "d4": [],
}


def test_the_list_of_plugins_says_that_it_is_for_english(effbench) -> None:
    (line,) = [line for line in effbench("plugins").stdout.splitlines() if ": bm25 - " in line]
    assert "in English unless" in line


def indexed(docs=DOCS, **options: Any) -> Bm25:
    retriever = Bm25(**options)
    retriever.index(iter(docs))
    return retriever


def lucene(query: list[str], doc_id: str, k1: float = 0.9, b: float = 0.4) -> float:
    """Score as Lucene's BM25Similarity does, without its constant factor k1 + 1."""
    counts, length = Counter(WORDS[doc_id]), len(WORDS[doc_id])
    mean = sum(map(len, WORDS.values())) / len(WORDS)
    score = 0.0
    for word in query:
        df = sum(word in words for words in WORDS.values())
        idf = math.log(1 + (len(WORDS) - df + 0.5) / (df + 0.5))
        score += idf * counts[word] / (counts[word] + k1 * (1 - b + b * length / mean))
    return score


@pytest.mark.parametrize("options", [{}, {"k1": 1.5, "b": 0.75}])
@pytest.mark.parametrize(
    ("query", "words", "order"),
    [
        ("a dog's cat?", ["dog", "cat"], ["d2", "d1", "d3"]),
        ("CATS cats", ["cat", "cat"], ["d1", "d2"]),
        ("singing unicorns", ["sing"], ["d3"]),
    ],
)
def test_scores_are_those_of_the_formula(options, query, words, order) -> None:
    (hits,) = indexed(**options).search([query], 10)
    assert [hit.doc_id for hit in hits] == order
    assert_allclose([hit.score for hit in hits], [lucene(words, d, **options) for d in order])


@pytest.mark.parametrize("method", ["lucene", "robertson", "atire", "bm25l", "bm25+"])
def test_a_doc_that_shares_no_word_is_no_hit(method: str) -> None:
    retriever = indexed(method=method)
    assert [[hit.doc_id for hit in hits] for hits in retriever.search(["bird", "sat"], 4)] == [
        ["d3"],
        ["d1"],
    ]
    assert retriever.search(["unicorn", "the of", "", "?!"], 4) == [[], [], [], []]


@pytest.mark.parametrize("method", ["lucene", "atire", "bm25l", "bm25+"])
def test_hits_are_those_of_bm25s(method: str) -> None:
    import bm25s

    random = np.random.default_rng(0)
    words = [[f"w{n}" for n in random.geometric(0.05, 40)] for _ in range(300)]
    queries = [" ".join(line[:4]) for line in words[:50]]
    ours = indexed([Doc(str(i), " ".join(line)) for i, line in enumerate(words)], method=method)
    theirs = bm25s.BM25(k1=0.9, b=0.4, method=method)
    theirs.index(words, show_progress=False)
    found = theirs.retrieve([q.split() for q in queries], k=20, show_progress=False)
    for hits, wanted in zip(ours.search(queries, 20), found.scores, strict=True):
        assert_allclose([hit.score for hit in hits], wanted[: len(hits)], rtol=1e-6)
        assert len(hits) == 20


def test_the_cut_goes_through_ties_in_the_order_of_the_corpus() -> None:
    docs = [Doc(f"d{i}", "same") for i in range(1_000)]
    docs[700] = Doc("best", "same same")
    docs += [Doc(f"other{i}", "else") for i in range(1_000)]
    (hits,) = indexed(docs).search(["same"], 50)
    assert [hit.doc_id for hit in hits] == ["best", *(f"d{i}" for i in range(49))]


@pytest.mark.parametrize(
    ("options", "query", "found"),
    [
        ({}, "cat", ["d1", "d2"]),
        ({"stemmer": "none"}, "cats", ["d1"]),
        ({"stemmer": "porter"}, "catting", ["d1", "d2"]),
        ({"stopwords": "none"}, "a", ["d2"]),
        ({"stopwords": ["cats", "cat"]}, "cat the", ["d1", "d3"]),
        ({"token_pattern": r"\w{4,}"}, "cat cats", ["d1"]),
        ({"token_pattern": r"\w*"}, "dogs", ["d2", "d3"]),
    ],
)
def test_what_a_word_is(options: dict[str, Any], query: str, found: list[str]) -> None:
    (hits,) = indexed(**options).search([query], 4)
    assert sorted(hit.doc_id for hit in hits) == found


@pytest.mark.parametrize("method", ["lucene", "bm25+"])
def test_it_comes_back_from_disk(method: str, tmp_path: Path) -> None:
    docs = [*DOCS, Doc("ü 5", "naïve Straße")]
    retriever = indexed(docs, method=method)
    retriever.save(tmp_path)
    loaded = Bm25(method=method)
    loaded.load(tmp_path, None)
    queries = ["a dog's cat", "STRASSE straße naïve", "unicorn"]
    assert loaded.search(queries, 3) == retriever.search(queries, 3)
    assert loaded.nbytes == retriever.nbytes > 0


def test_what_is_saved_holds_no_pickle(tmp_path: Path) -> None:
    indexed().save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}
    for path in tmp_path.glob("*.npy"):
        np.load(path, allow_pickle=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stemmer": "klingon"}, "unknown stemmer 'klingon' (known: none, arabic, "),
        ({"token_pattern": "("}, "token_pattern '(': missing ), unterminated subpattern"),
        ({"token_pattern": "(a)(b)"}, "token_pattern has 2 groups (write them (?:...))"),
    ],
)
def test_mistakes_are_found_when_planning(options: dict[str, Any], message: str) -> None:
    defaults = {"stemmer": "english", "token_pattern": r"\w+"}
    with pytest.raises(EffbenchError) as caught:
        Bm25.check(**{**defaults, **options}, method="lucene", stopwords="english")
    assert str(caught.value).startswith(f"bm25: {message}")


def test_a_corpus_without_words() -> None:
    with pytest.raises(EffbenchError, match=r"^bm25: no doc has a word that '\\\\w\+' finds"):
        indexed([Doc("d1", "?!"), Doc("d2", "")])


def test_it_is_offered_ready_to_run() -> None:
    assert effbench_retrievers() == {"bm25": Bm25}
    assert effbench_ready_rows() == {"retrievers": {"bm25": {"use": "bm25"}}}


def test_it_is_quiet(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    retriever = indexed()
    retriever.search(["cat"], 2)
    retriever.save(tmp_path)
    Bm25().load(tmp_path, None)
    assert capfd.readouterr() == ("", "")


def in_a_fresh_python(code: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True
    )
    return done.stdout


def test_importing_it_is_light() -> None:
    code = (
        "import sys, effbench_bm25; print(sys.modules.keys() & {'bm25s', 'numpy', 'Stemmer'})"
    )
    assert in_a_fresh_python(code) == "set()\n"


def test_bm25s_sets_no_log_level_and_starts_no_jax(tmp_path: Path) -> None:
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("print('jax was imported')")
    code = """
import logging, sys
from effbench import Doc
from effbench_bm25 import Bm25
Bm25().index([Doc("d1", "word")])
print(logging.getLogger("bm25s").level == logging.NOTSET, "jax" in sys.modules)
"""
    assert in_a_fresh_python(code, tmp_path) == "True False\n"


@pytest.mark.parametrize(("name", "wanted"), [("scifact", 0.6789), ("nfcorpus", 0.3218)])
def test_it_is_as_good_as_anserini(shared_data: Path, name: str, wanted: float) -> None:
    import ir_measures

    from effbench_beir import Folder

    dataset = Folder(shared_data / "beir" / name, split="test")
    queries, qrels = list(dataset.queries()), list(dataset.qrels())
    hits = indexed(dataset.docs()).search([query.text for query in queries], 100)
    run = [
        ir_measures.ScoredDoc(query.query_id, hit.doc_id, -rank)
        for query, found in zip(queries, hits, strict=True)
        for rank, hit in enumerate(found)
    ]
    judged = [ir_measures.Qrel(*one) for one in qrels]
    measure = ir_measures.nDCG @ 10
    assert ir_measures.calc_aggregate([measure], judged, run)[measure] == pytest.approx(
        wanted, abs=0.002
    )
