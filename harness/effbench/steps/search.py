"""The search steps: turn queries into a run, in one total order and without self hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from effbench.api.encoders import Query, ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_call, blamed_for_all
from effbench.steps.chunks import HIT, LISTED_HIT, Answer, Find, RunFile, chunk_size, write_run
from effbench.steps.chunks import RUN as RUN
from effbench.steps.data import Data, judged_docs, queries_of, refuse_other_count
from effbench.steps.encode import EncodeCorpus, EncodeQueries
from effbench.steps.hashed import KnownIds
from effbench.steps.hits import (
    check_answer,
    check_lists,
    index_hits,
    refuse_strangers,
    retrieved,
)
from effbench.steps.ids import Ids
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.shards import DiskVectors
from effbench.store.trec import Hits
from effbench.work import code
from effbench.work.effort import Work
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact


@dataclass(frozen=True)
class SearchIndex:
    """Search an index with a dataset's query vectors."""

    queries: EncodeQueries
    index: BuildIndex
    k: int
    options: Mapping[str, Any]
    kind = "run"

    @property
    def label(self) -> str:
        swept = "".join(f" {name}={value}" for name, value in self.options.items())
        return (
            f"search {self.index.row.name}{swept} for {self.row.name} on {self.data.row.name}"
        )

    @property
    def row(self) -> Row:
        """The row that encodes the queries."""
        return self.queries.row

    @property
    def searcher(self) -> Row:
        """The row that finds the hits: the index."""
        return self.index.row

    @property
    def data(self) -> Data:
        """The queries and judgments."""
        return self.queries.data

    @property
    def depth(self) -> int:
        """How many hits the index is asked for."""
        return _depth(self.data, self.k)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"k": self.k, "options": dict(self.options), "drop_self": _drops_self(self.data)}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.queries, self.index)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.searcher.offers

    def work(self, known: Known) -> Work:
        docs, width = self.index.work(known).amount, known.width(self.index.corpus.row)
        like = [dict(self.options), self.searcher.pace(known.device), width]
        return _work(self, docs, like, known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        from effbench.steps.answers import index_answer

        folder = bench.artifact(self.queries).folder
        vectors, query_ids = DiskVectors(folder), Ids(folder)
        doc_ids = Ids(bench.artifact(self.index.corpus).folder)
        refuse_other_count(self.data.row, len(doc_ids))
        counts = judged_docs(self.data, bench, doc_ids)
        index = bench.opened(self.index)
        self._check_width(bench, vectors.shape[1])

        def find(asked: slice) -> Answer:
            start = perf_counter()
            query_vectors = vectors[asked]
            with blamed_for_all(self.searcher.who):
                answer = index.search(query_vectors, self.depth, **self.options)
                scores, positions = index_answer(answer, self.index.row)
            seconds = perf_counter() - start
            ids = query_ids[asked]
            check_answer(scores, positions, (len(ids), len(doc_ids)), self.index.row)
            return Answer(index_hits(ids, scores, positions, doc_ids), seconds)

        query_bytes = vectors.nbytes // max(1, len(vectors))
        size = chunk_size(query_bytes + HIT * min(self.depth, len(doc_ids)), len(doc_ids))
        return {**_searched(self, artifact, bench, len(vectors), size, find), **counts}

    def _check_width(self, bench: Bench, width: int) -> None:
        corpus = self.index.corpus
        manifest = bench.artifact(corpus).manifest() or {}
        if manifest["width"] != width:
            raise EffbenchError(
                f"{self.row.who}: its query vectors have width {width}, the passages of "
                f"{corpus.row.name!r} {manifest['width']} (they must share one space)"
            )


@dataclass(frozen=True)
class SearchRetriever:
    """Search a retriever with a dataset's query texts."""

    retriever: BuildRetriever
    data: Data
    k: int
    kind = "run"

    @property
    def label(self) -> str:
        return f"search {self.row.name} on {self.data.row.name}"

    @property
    def row(self) -> Row:
        """The retriever's row."""
        return self.retriever.row

    @property
    def searcher(self) -> Row:
        """The row that finds the hits: the retriever."""
        return self.retriever.row

    @property
    def depth(self) -> int:
        """How many hits the retriever is asked for."""
        return _depth(self.data, self.k)

    @property
    def facts(self) -> Mapping[str, Any]:
        facts = {"k": self.k, "drop_self": _drops_self(self.data)}
        return {**facts, "row": self.row.query_facts}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, self.retriever)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.searcher.offers

    def work(self, known: Known) -> Work:
        docs = self.retriever.work(known).amount
        return _work(self, docs, self.searcher.pace(known.device), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        from effbench.steps.answers import retriever_answer

        queries = queries_of(self.data, bench)
        retriever = bench.opened(self.retriever)
        known = KnownIds(self.retriever.doc_ids(bench))
        refuse_other_count(self.data.row, len(known))
        counts = judged_docs(self.data, bench, self.retriever.doc_ids(bench))

        def find(asked: slice) -> Answer:
            texts = [query.text for query in queries[asked]]
            start = perf_counter()
            with blamed_for_all(self.row.who):
                answer = retriever.search(texts, self.depth)
                lists = retriever_answer(answer, self.row)
            seconds = perf_counter() - start
            check_lists(lists, len(texts), self.row)
            return Answer(self._hits(queries[asked], lists, known), seconds)

        size = chunk_size(LISTED_HIT * min(self.depth, len(known)), len(known))
        return {**_searched(self, artifact, bench, len(queries), size, find), **counts}

    def _hits(
        self, queries: Sequence[Query], lists: Sequence[Any], known: KnownIds
    ) -> Iterator[Hits]:
        """Yield the hits of queries; refuse docs that the corpus lacks."""

        def checked(hits_and_id: tuple[Any, str]) -> list[ScoredDoc]:
            return retrieved(*hits_and_id, self.row)

        take = blamed_call(checked, self.row.who)
        for query, answered in zip(queries, lists, strict=True):
            hits = Hits.of(query.query_id, take((answered, query.query_id)))
            refuse_strangers(hits.doc_ids, known, self.data.row.name, self.row)
            yield hits


Search: TypeAlias = SearchIndex | SearchRetriever


def index_search(data: Data, row: Row, index: Row, k: int) -> SearchIndex:
    """Return the search of a dataset by an encoder's row and an index, nothing swept."""
    corpus = EncodeCorpus(row.passages or row, data.row)
    return SearchIndex(EncodeQueries(row, data), BuildIndex(index, corpus), k, {})


def _drops_self(data: Data) -> bool:
    return data.row.declared.drop_self_hits


def _depth(data: Data, k: int) -> int:
    """Return how many hits to ask for: one more if a query's hit on itself is dropped."""
    return k + 1 if _drops_self(data) else k


def _work(search: Search, docs: int | None, like: Any, known: Known) -> Work:
    """Return the work of a search: it may compare each query with each doc."""
    queries = known.count(search.data, "queries")
    pairs = None if queries is None or docs is None else queries * docs
    return Work("pairs", pairs, ["search", search.k, like], volume=queries)


def _searched(
    search: Search, artifact: Artifact, bench: Bench, queries: int, size: int, find: Find
) -> dict[str, Any]:
    """Search all queries in chunks of ``size``; return the facts of the run."""
    form = RunFile(
        search.searcher,
        search.k,
        _drops_self(search.data),
        "-".join(search.row.name.split()),  # a plugin's ready row may have a name with blanks
        code.of(search.offers),
    )
    with bench.progress.work(search.label, queries, "queries") as advance:
        return write_run(artifact, queries, size, find, form, advance)
