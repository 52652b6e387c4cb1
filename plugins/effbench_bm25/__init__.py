"""The retriever ``bm25``, and the encoder ``bm25-weights``, whose vectors give its scores.

bm25s computes the scores of the retriever when it indexes, and adds them in a search.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from effbench import Doc, ScoredDoc, VectorSource, hookimpl
from effbench_bm25.formula import K1, B, Method
from effbench_bm25.weights import REQUIRES, Bm25Weights, WordStatistics
from effbench_bm25.words import Stopwords, check_words, import_bm25s, no_words, words_in

_DOC_IDS = "doc_ids.json"


class Bm25:
    r"""Rank docs by BM25 over title and text, in English unless options say otherwise.

    A word is a match of ``token_pattern`` in the text in lower case. Words that are in
    ``stopwords`` (``english``: the 33 of Lucene) are left out. ``stemmer`` reduces the others;
    it is the name that PyStemmer gives a Snowball algorithm, or ``none``. ``method`` is the
    formula, by its name in bm25s.

    The defaults of ``k1`` and ``b`` are Anserini's, and nDCG@10 is almost Anserini's: 0.6804
    on BEIR's SciFact and 0.3204 on NFCorpus, where Anserini's flat BM25 has 0.6789 and 0.3218
    (arXiv:2306.07471). A posting (a word of a doc) takes 8 bytes of memory in a search. While
    bm25s indexes, each posting takes about 60 bytes, and each word of a text 4 bytes.
    """

    requires: ClassVar[Mapping[str, str]] = REQUIRES

    def __init__(
        self,
        *,
        k1: K1 = 0.9,
        b: B = 0.4,
        method: Method = "lucene",
        stemmer: str = "english",
        stopwords: Stopwords = "english",
        token_pattern: str = r"\w+",  # noqa: S107 - no password
    ) -> None:
        self._formula: Mapping[str, Any] = {"k1": k1, "b": b, "method": method}
        self._stemmer = stemmer
        self._stopwords = stopwords
        self._token_pattern = token_pattern

    @staticmethod
    def check(stemmer: str, token_pattern: str, **_: object) -> None:
        """Raise `EffbenchError` for an option that is unknown or malformed."""
        check_words("bm25", stemmer, token_pattern)

    @property
    def nbytes(self) -> int:
        """The size of the scores, the doc ids and the vocabulary in bytes."""
        arrays = (self._bm25.scores[name] for name in ("data", "indices", "indptr"))
        strings = (*self._doc_ids, *self._bm25.vocab_dict)
        return sum(int(array.nbytes) for array in arrays) + sum(map(sys.getsizeof, strings))

    def index(self, docs: Iterable[Doc]) -> None:
        """Count the words of every doc, and compute their scores.

        Raises:
            EffbenchError: no doc has a word.

        """
        doc_ids: list[str] = []
        tokens: list[array[int]] = []
        ids: dict[str, int] = {}
        for doc in docs:
            words = self._words(doc.default_text())
            doc_ids.append(doc.doc_id)
            tokens.append(array("i", [ids.setdefault(word, len(ids)) for word in words]))
        if not ids:
            raise no_words("bm25", self._token_pattern)
        self._bm25 = import_bm25s().BM25(**self._formula)
        self._bm25.index((tokens, ids), show_progress=False)
        self._doc_ids = doc_ids

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return for each query up to k docs that share a word with it, best first.

        Docs with equal scores are in corpus order.
        """
        return [self._search_query(query, k) for query in queries]

    def save(self, folder: Path) -> None:
        """Write the files of bm25s, and the doc ids."""
        self._bm25.save(folder)
        (folder / _DOC_IDS).write_text(json.dumps(self._doc_ids), encoding="utf-8")

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read what `save` wrote."""
        self._bm25 = import_bm25s().BM25.load(folder, allow_pickle=False)
        self._doc_ids = json.loads((folder / _DOC_IDS).read_text(encoding="utf-8"))

    def _search_query(self, query: str, k: int) -> list[ScoredDoc]:
        import numpy as np

        ids = self._bm25.get_tokens_ids(self._words(query))
        if not ids:
            return []
        scores = self._bm25.get_scores_from_ids(ids)
        hits = np.flatnonzero(scores > self._score_without_words(ids))
        if len(hits) > k:
            kth = np.partition(scores[hits], -k)[-k]
            hits = hits[scores[hits] >= kth]
        hits = hits[np.argsort(-scores[hits], kind="stable")[:k]]
        return [
            ScoredDoc(self._doc_ids[position], score)
            for position, score in zip(hits.tolist(), scores[hits].tolist(), strict=True)
        ]

    def _score_without_words(self, ids: Sequence[int]) -> float:
        """Return the score of a doc without any of the words: not 0 in bm25l and bm25+."""
        array = self._bm25.nonoccurrence_array
        return 0.0 if array is None else array[ids].sum()

    @cached_property
    def _words(self) -> Callable[[str], list[str]]:
        """The function from a text to its words."""
        return words_in(self._stemmer, self._stopwords, self._token_pattern)


@hookimpl
def effbench_retrievers() -> Mapping[str, type[Bm25]]:
    """Offer ``bm25``."""
    return {"bm25": Bm25}


@hookimpl
def effbench_encoders() -> Mapping[str, type[Bm25Weights]]:
    """Offer ``bm25-weights``."""
    return {"bm25-weights": Bm25Weights}


@hookimpl
def effbench_trainers() -> Mapping[str, type[WordStatistics]]:
    """Offer ``word-statistics``."""
    return {"word-statistics": WordStatistics}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer BM25 with its default options."""
    return {"retrievers": {"bm25": {"use": "bm25"}}}
