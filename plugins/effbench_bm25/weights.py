"""BM25 as sparse vectors: the statistics of a corpus, and the encoder ``bm25-weights``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from effbench import ABOUT, Dataset, Description, Doc, EffbenchError, TrainedModel, tell_steps
from effbench_bm25.formula import K1, B, Formula, Method
from effbench_bm25.words import Stopwords, check_words, no_words, words_in

if TYPE_CHECKING:
    from effbench import SparseVectors

STATISTICS = "statistics.json"
REQUIRES: Mapping[str, str] = {"bm25s": "effbench[bm25]", "Stemmer": "effbench[bm25]"}

_TOLD = 1000
"""Docs after which progress moves."""


class WordStatistics:
    """Count in how many docs of a corpus each word is, and how long the docs are.

    ``corpus`` is a dataset, or ``target``. A word is what the retriever ``bm25`` takes for one
    with the same ``stemmer``, ``stopwords`` and ``token_pattern``.
    """

    requires: ClassVar[Mapping[str, str]] = REQUIRES

    def __init__(
        self,
        corpus: Dataset,
        *,
        stemmer: str = "english",
        stopwords: Stopwords = "english",
        token_pattern: str = r"\w+",  # noqa: S107 - no password
    ) -> None:
        self._corpus = corpus
        self._options = {
            "stemmer": stemmer,
            "stopwords": stopwords,
            "token_pattern": token_pattern,
        }

    @staticmethod
    def check(stemmer: str, token_pattern: str, **_: object) -> None:
        """Raise `EffbenchError` for an option that is unknown or malformed."""
        check_words("word-statistics", stemmer, token_pattern)

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Read the corpus once, and write the counts; nothing is drawn with the seed.

        Raises:
            EffbenchError: no doc has a word.

        """
        words_of = words_in(**self._options)  # type: ignore[arg-type] # they were checked
        frequencies: Counter[str] = Counter()
        docs = length = 0
        for doc in self._docs():
            words = words_of(doc.default_text())
            docs, length = docs + 1, length + len(words)
            frequencies.update(dict.fromkeys(words, 1))
        if not frequencies:
            raise no_words("word-statistics", str(self._options["token_pattern"]))
        counted = {"docs": docs, "length": length, "words": frequencies}
        text = json.dumps({"options": self._options, **counted}, ensure_ascii=False)
        (output_dir / STATISTICS).write_text(text, encoding="utf-8")
        about = {"docs": docs, "words": len(frequencies)}
        (output_dir / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    def _docs(self) -> Iterable[Doc]:
        """Yield the docs of the corpus, and tell the progress if their number is known."""
        total = self._corpus.docs_count()
        for done, doc in enumerate(self._corpus.docs()):
            if total and done % _TOLD == 0:
                tell_steps(min(done, total), total)
            yield doc
        if total:
            tell_steps(total, total)


def _read(statistics: TrainedModel) -> dict[str, Any]:
    path = statistics.folder / STATISTICS
    if not path.is_file():
        raise EffbenchError(
            f"bm25-weights: statistics: {statistics.name!r} has no statistics of words (name a "
            "row of models that says use: word-statistics)"
        )
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


class Bm25Weights:
    """Make sparse vectors whose inner product is the score of BM25, without a model.

    A doc has the BM25 weight of each of its words, a query the count of each of its words.
    ``statistics`` is a row of ``models`` that uses ``word-statistics``. With the statistics of
    the searched corpus, hits and scores are those of the retriever ``bm25`` with the same
    options; only the scores of ``bm25l`` and ``bm25+`` lack what a doc without any of the
    words gets. A word that the statistics lack has no weight.
    """

    makes = "sparse"
    requires: ClassVar[Mapping[str, str]] = REQUIRES

    def __init__(
        self, statistics: TrainedModel, *, k1: K1 = 0.9, b: B = 0.4, method: Method = "lucene"
    ) -> None:
        import numpy as np

        read = _read(statistics)
        self._words_of = words_in(**read["options"])
        self._words = list(read["words"])
        self._numbers = {word: number for number, word in enumerate(self._words)}
        self._mean_length: float = read["length"] / read["docs"]
        self._formula = Formula(k1, b, method)
        frequencies = np.array(list(read["words"].values()), dtype=np.float64)
        self._rarity = self._formula.of_frequencies(frequencies, read["docs"])

    def encode_queries(self, queries: Sequence[str]) -> SparseVectors:
        """Return a csr_array, float32 [len(queries), words]; row i belongs to query i."""
        return self._counts(self._read(queries))

    def encode_corpus(self, docs: Sequence[Doc]) -> SparseVectors:
        """Return a csr_array, float32 [len(docs), words]; row i belongs to doc i."""
        import numpy as np

        texts = self._read([doc.default_text() for doc in docs])
        vectors = self._counts(texts)
        lengths = np.array([len(words) for words in texts]) / self._mean_length
        counts = vectors.data.astype(np.float64)
        by_count = np.repeat(lengths, np.diff(vectors.indptr))
        weights = self._formula.of_counts(counts, by_count) * self._rarity[vectors.indices]
        vectors.data = weights.astype(np.float32)
        return vectors

    def words(self, numbers: Sequence[int]) -> list[str]:
        """Return the words with these numbers."""
        return [self._words[number] for number in numbers]

    def describe(self) -> Description:
        """Tell the stages of a query; no weight is read for it."""
        return Description(
            stages={"tokenise": self._read, "look up": self._counts},
            count_tokens=lambda queries: [len(words) for words in self._read(queries)],
            bytes_read=lambda tokens: 0,
            query_parameters=0,
        )

    def _read(self, texts: Sequence[str]) -> list[list[str]]:
        return [self._words_of(text) for text in texts]

    def _counts(self, texts: Sequence[Sequence[str]]) -> SparseVectors:
        """Return how often each known word is in each text, with sorted words."""
        import numpy as np
        from scipy.sparse import csr_array

        numbers = self._numbers
        rows = [
            sorted(Counter(numbers[word] for word in words if word in numbers).items())
            for words in texts
        ]
        pairs = np.array([pair for row in rows for pair in row], dtype=np.int32).reshape(-1, 2)
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int32)])
        counts = pairs[:, 1].astype(np.float32)
        return csr_array((counts, pairs[:, 0], starts), shape=(len(rows), len(numbers)))
