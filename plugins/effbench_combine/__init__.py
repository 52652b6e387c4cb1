"""The retrievers ``fuse`` and ``rerank``: they combine rows of the suite, each of them live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import (
    Doc,
    EffbenchError,
    EncodedCorpus,
    ModelId,
    QueryOnly,
    ScoredDoc,
    Searcher,
    SpeedOnly,
    VectorSource,
    hookimpl,
)
from effbench_combine.reading import CrossEncoding, StoredVectors

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class Fuse:
    """Fuse the hits of several searchers into one ranking.

    Each of the ``searchers`` gives its best ``depth`` hits for a query. With ``method: ranks``,
    a hit at rank r has the score 1 / (``constant`` + r): reciprocal rank fusion with the
    constant of Cormack, Clarke and Buettcher (SIGIR 2009). With ``method: scores``, it has its
    score after min-max normalisation over the query's hits: 1 is the best, 0 the last (and all
    are 1 if they are equal). A doc's score is the sum over the searchers, each times its
    weight (1 without ``weights``); a searcher that lacks the doc adds 0.
    """

    def __init__(
        self,
        searchers: list[Searcher],
        *,
        method: QueryOnly[Literal["ranks", "scores"]] = "ranks",
        weights: QueryOnly[list[Annotated[float, Meta(ge=0)]] | None] = None,
        constant: QueryOnly[Annotated[int, Meta(ge=0)]] = 60,
        depth: QueryOnly[Count] = 100,
    ) -> None:
        self._searchers, self._depth = searchers, depth
        self._weights = weights or [1.0] * len(searchers)
        self._method, self._constant = method, constant

    @staticmethod
    def check(
        searchers: Sequence[object], weights: Sequence[float] | None, **_: object
    ) -> None:
        """Raise `EffbenchError` without searchers, or for weights that do not fit them."""
        if not searchers:
            raise EffbenchError("fuse: no searcher (name one or more in searchers)")
        if weights is None:
            return
        if len(weights) != len(searchers):
            raise EffbenchError(
                f"fuse: weights has {len(weights)} for {len(searchers)} in searchers (give one "
                "for each)"
            )
        if not any(weights):
            raise EffbenchError("fuse: all weights are 0 (give one that is larger)")

    @property
    def nbytes(self) -> int:
        """The memory of all searchers, in bytes."""
        return sum(searcher.nbytes for searcher in self._searchers)

    def index(self, docs: Iterable[Doc]) -> None:
        """Do nothing: the searchers have the docs."""

    def save(self, folder: Path) -> None:
        """Write nothing: the searchers are kept by themselves."""

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read nothing."""

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return up to k docs for each query, by (score, doc_id), both descending."""
        answers = [searcher.search(queries, self._depth) for searcher in self._searchers]
        return [self._fused(by_searcher)[:k] for by_searcher in zip(*answers, strict=True)]

    def _fused(self, by_searcher: Sequence[Sequence[ScoredDoc]]) -> list[ScoredDoc]:
        totals: dict[str, float] = {}
        for weight, hits in zip(self._weights, by_searcher, strict=True):
            for hit, score in zip(hits, self._scores(hits), strict=True):
                totals[hit.doc_id] = totals.get(hit.doc_id, 0.0) + weight * score
        return ranked(totals)

    def _scores(self, hits: Sequence[ScoredDoc]) -> list[float]:
        if self._method == "ranks":
            return [1 / (self._constant + rank) for rank in range(1, len(hits) + 1)]
        return min_max([hit.score for hit in hits])


class Rerank:
    """Rank the best hits of a first stage again.

    ``first`` gives its best ``depth`` hits, and only these are ranked; a hit beyond them is
    dropped. The score is one of:

    - ``encoder``: the inner product of the query's vector and the stored vector of the doc,
      dense or sparse; for token vectors, MaxSim. The corpus is encoded once, for all rows that
      use this encoder.
    - ``cross_encoder``: a model of Sentence Transformers reads query and doc together. A local
      folder, a hub id or ``{trained: ROW}``. The score is the model's number before its
      activation: a sigmoid would round the best scores to ties. ``max_length`` is in tokens of
      the pair; its default is the model's limit. Titles and texts of the docs are kept on disk.
    """

    takes: ClassVar[tuple[str, ...]] = ("dense", "sparse", "tokens")
    requires: ClassVar[Mapping[str, str]] = {
        "sentence_transformers": "effbench[sentence-transformers]"
    }

    def __init__(
        self,
        first: Searcher,
        *,
        depth: QueryOnly[Count] = 100,
        encoder: EncodedCorpus | None = None,
        cross_encoder: ModelId | None = None,
        revision: str | None = None,
        max_length: QueryOnly[Count | None] = None,
        batch_size: SpeedOnly[Count] = 32,
        device: SpeedOnly[str] = "auto",
    ) -> None:
        self._first, self._depth = first, depth
        self._second: StoredVectors | CrossEncoding
        if encoder is not None:
            self._second = StoredVectors(encoder)
        elif cross_encoder is not None:
            self._second = CrossEncoding(
                cross_encoder, revision, max_length, batch_size, device
            )

    @staticmethod
    def check(
        *,
        encoder: object,
        cross_encoder: object,
        revision: str | None,
        max_length: int | None,
        **_: object,
    ) -> None:
        """Raise `EffbenchError` unless there is one second stage, and its options alone."""
        if (encoder is None) == (cross_encoder is None):
            raise EffbenchError("rerank: give encoder or cross_encoder, one of them")
        for name, value in (("revision", revision), ("max_length", max_length)):
            if cross_encoder is None and value is not None:
                raise EffbenchError(
                    f"rerank: {name} is for a cross_encoder (give it to the row of the encoder)"
                )

    @property
    def nbytes(self) -> int:
        """The memory of the first stage, in bytes: vectors and texts are on disk."""
        return self._first.nbytes

    def index(self, docs: Iterable[Doc]) -> None:
        """Keep what the second stage reads of the docs."""
        self._second.index(docs)

    def save(self, folder: Path) -> None:
        """Write what the second stage has kept."""
        self._second.save(folder)

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Open what `save` wrote."""
        self._second.load(folder)

    def search(self, queries: Sequence[str], k: int) -> list[list[ScoredDoc]]:
        """Return up to k docs for each query, by (score, doc_id), both descending."""
        lists = self._first.search(queries, self._depth)
        doc_ids = [[hit.doc_id for hit in hits] for hits in lists]
        scores = self._second.scores(queries, doc_ids)
        return [
            ranked(dict(zip(ids, by_doc, strict=True)))[:k]
            for ids, by_doc in zip(doc_ids, scores, strict=True)
        ]


def min_max(scores: Sequence[float]) -> list[float]:
    """Return scores moved to [0, 1]: the largest is 1, the smallest 0; equal ones are all 1."""
    if not scores:
        return []
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]


def ranked(scores: Mapping[str, float]) -> list[ScoredDoc]:
    """Return docs by (score, doc_id), both descending."""
    order = sorted(scores, key=lambda doc_id: (scores[doc_id], doc_id), reverse=True)
    return [ScoredDoc(doc_id, scores[doc_id]) for doc_id in order]


@hookimpl
def effbench_retrievers() -> Mapping[str, type[Fuse | Rerank]]:
    """Offer ``fuse`` and ``rerank``."""
    return {"fuse": Fuse, "rerank": Rerank}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer BM25 with all-MiniLM-L6-v2, fused and in two stages.

    Both are rows of the suite, or ready rows of other plugins.
    """
    dense = {"row": "all-MiniLM-L6-v2", "index": "exact"}
    fused = {"use": "fuse", "searchers": ["bm25", dense]}
    reranked = {"use": "rerank", "first": "bm25", "encoder": "all-MiniLM-L6-v2"}
    return {
        "indexes": {"exact": {"use": "exact"}},
        "retrievers": {"bm25-with-minilm": fused, "bm25-then-minilm": reranked},
    }
