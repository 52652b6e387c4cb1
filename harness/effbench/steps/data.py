"""The data step: checks and keeps a dataset's judged queries and its judgments."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Doc, Qrel, Query
from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.steps.hashed import HashedIds
from effbench.store import judgments
from effbench.store.door import wrong_with
from effbench.store.reading import checked_id, checked_text, shown
from effbench.store.trec import read_qrels
from effbench.text.words import counted
from effbench.work.datasets import DatasetRow
from effbench.work.effort import Work
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.work.progress import Tally

QUERIES, QRELS = "queries.jsonl", "qrels.tsv"


@dataclass(frozen=True)
class Data:
    """Read the queries that have judgments, and the judgments."""

    row: DatasetRow
    kind = "data"

    @property
    def label(self) -> str:
        return f"data {self.row.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"dataset": self.row.key, "corpus": self.row.corpus_key}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer,)

    def work(self, known: Known) -> Work:
        return Work("queries", known.count(self, "queries"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        judged = sorted(judgments_of(self.row))
        judged_ids = {qrel.query_id for qrel in judged}
        queries = [query for query in all_queries_of(self.row) if query.query_id in judged_ids]
        query_ids = {query.query_id for query in queries}
        self._check(queries, query_ids, judged_ids)
        for query_id in query_ids:
            if wrong := wrong_with(query_id):
                raise EffbenchError(f"{self.row.who}: query id {query_id!r:.60} {wrong}")
        missing = judged_ids - query_ids
        qrels = [qrel for qrel in judged if qrel.query_id in query_ids]
        without = query_ids - {qrel.query_id for qrel in qrels if qrel.relevance > 0}
        if without == query_ids:
            raise EffbenchError(f"{self.row.who}: no doc is judged relevant: all scores are 0")
        lines = (json.dumps(query._asdict(), ensure_ascii=False) + "\n" for query in queries)
        artifact.put_text(QUERIES, "".join(lines))
        rows = (f"{q.query_id}\t0\t{q.doc_id}\t{q.relevance}\n" for q in qrels)
        artifact.put_text(QRELS, "".join(rows))
        return {
            "queries": len(queries),
            "judgments": len(qrels),
            "judged_queries_missing": len(missing),
            "queries_without_relevant": len(without),
            "such_as": {
                "judged_queries_missing": _few(missing),
                "queries_without_relevant": _few(without),
            },
        }

    def _check(self, queries: list[Query], query_ids: set[str], judged_ids: set[str]) -> None:
        if not judged_ids:
            raise EffbenchError(
                f"{self.row.who}: no query has a judgment (is the split right?)"
            )
        if not query_ids:
            raise EffbenchError(
                f"{self.row.who}: it has none of the queries that are judged "
                "(are the ids of queries and judgments the same?)"
            )
        if len(query_ids) < len(queries):
            ((repeated, _),) = Counter(query.query_id for query in queries).most_common(1)
            raise EffbenchError(
                f"{self.row.who}: query id {shown(repeated)} occurs twice (ids must be unique)"
            )


def queries_of(data: Data, bench: Bench) -> list[Query]:
    """Return the judged queries of a dataset, in the order in which it yields them."""
    text = (bench.artifact(data).folder / QUERIES).read_text(encoding="utf-8")
    return [Query(**json.loads(line)) for line in text.split("\n") if line]


def qrels_of(data: Data, bench: Bench) -> list[Qrel]:
    """Return the judgments of a dataset's queries."""
    return read_qrels(bench.artifact(data).folder / QRELS)


def judged_docs(data: Data, bench: Bench, doc_ids: Iterable[str]) -> dict[str, Any]:
    """Count the relevant docs that the corpus lacks, and the queries that judge themselves.

    ``self_judged`` counts the queries whose id is also the id of a doc that is judged relevant
    to them, where the dataset drops such a hit. ``such_as`` gives three ids of each kind.

    Raises:
        EffbenchError: the corpus has none of the docs that are judged relevant.

    """
    relevant = [qrel for qrel in qrels_of(data, bench) if qrel.relevance > 0]
    judged = {qrel.doc_id for qrel in relevant}
    missing = judged.difference(doc_ids)
    if len(missing) == len(judged):
        raise EffbenchError(
            f"{data.row.who}: the corpus has none of the docs that are judged relevant "
            "(are the ids of docs and judgments the same?)"
        )
    self_judged = {qrel.query_id for qrel in relevant if qrel.query_id == qrel.doc_id}
    ids_by_kind = {
        "judged_docs_missing": missing,
        "self_judged": self_judged if data.row.declared.drop_self_hits else set(),
    }
    such_as = {name: _few(ids) for name, ids in ids_by_kind.items()}
    return {**{name: len(ids) for name, ids in ids_by_kind.items()}, "such_as": such_as}


def _few(ids: Iterable[str]) -> list[str]:
    return sorted(ids)[:3]


def judgments_of(row: DatasetRow) -> Iterator[Qrel]:
    """Yield all judgments of a dataset, checked, also for queries that it does not have."""
    qrels = row.qrels(lambda given: judgments.checked(given, row.who))
    return judgments.distinct((row.who, qrel) for qrel in qrels)


def all_queries_of(row: DatasetRow) -> Iterator[Query]:
    """Yield all queries of a dataset, judged or not; their ids and texts are checked."""
    who = row.who

    def take(given: Any) -> Query:
        query_id = checked_id(given.query_id, f"{who}: a query's id")
        text = checked_text(given.text, f"{who}: query {query_id!r:.99}: its text")
        return Query(query_id, text)

    return row.queries(take)


def docs_of(row: DatasetRow) -> Iterator[Doc]:
    """Yield the docs of a dataset; their ids and texts are checked.

    Raises:
        EffbenchError: after the last doc, if an id occurs twice, since a run could not say
            which doc it means; or if ``docs_count`` of the dataset is another number.

    """
    who = row.who

    def take(given: Any) -> Doc:
        doc_id = checked_id(given.doc_id, f"{who}: a doc's id")
        text = checked_text(given.text, f"{who}: doc {doc_id!r:.99}: its text")
        title = checked_text(given.title, f"{who}: doc {doc_id!r:.99}: its title")
        hashed.append(doc_id)
        # a new Doc: the plugin's object may change, or lack an attribute that encoders read
        return Doc(doc_id, text, title)

    with HashedIds() as hashed:
        yield from row.docs(take)
        _refuse_repeated_ids(row, hashed.repeated())
        refuse_other_count(row, len(hashed))


@contextmanager
def passing_docs(label: str, rows: Sequence[DatasetRow], bench: Bench) -> Iterator[Tally]:
    """Give a tally for reading all docs of the rows; then remember how many docs there are."""
    totals = [_docs_total(row, bench) for row in rows]
    known = [total for total in totals if total is not None]
    total = sum(known) if len(known) == len(totals) else None
    with bench.progress.work(label, total, "docs") as work:
        yield work
    if len(rows) == 1:
        bench.docs_totals[rows[0].corpus_key] = work.done


def _docs_total(row: DatasetRow, bench: Bench) -> int | None:
    """Return how many docs the corpus has; None if nobody knows before they are read."""
    total = bench.docs_totals.get(row.corpus_key)
    if total is None:
        total = row.docs_count()
    if total is None:
        total = row.counted_docs()
    bench.docs_totals[row.corpus_key] = total
    return total


def refuse_other_count(row: DatasetRow, count: int) -> None:
    """Refuse a corpus of ``count`` docs if the dataset's ``docs_count`` is another number.

    Raises:
        EffbenchError: the numbers differ.

    """
    docs_count = row.docs_count()
    if docs_count is not None and docs_count != count:
        raise EffbenchError(
            f"{row.who}: its corpus has {counted(count, 'docs')}, its docs_count "
            f"says {docs_count} (was it read in part, or do two datasets share a corpus_key?)"
        )


def _refuse_repeated_ids(row: DatasetRow, clashing: Set[int]) -> None:
    """Refuse a corpus in which an id occurs twice; ``clashing`` are the hashes that do.

    Ids with such a hash are kept in memory: two different ids may have the same hash.
    """
    seen: dict[str, int] = {}
    ids = row.docs(lambda doc: ordinary(doc.doc_id)) if clashing else ()
    for place, doc_id in enumerate(ids, start=1):
        if doc_id in seen:
            raise EffbenchError(
                f"{row.who}: doc id {shown(doc_id)} occurs twice in the corpus: docs "
                f"{seen[doc_id]:,} and {place:,} have it (ids must be unique)"
            )
        if hash(doc_id) in clashing:
            seen[doc_id] = place
