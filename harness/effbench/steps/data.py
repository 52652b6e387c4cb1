"""The data step: a dataset's judged queries and its judgments, checked and kept."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Doc, Qrel, Query
from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.store import judgments
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
        return Work("queries", known.said(self, "queries"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        judged = sorted(judgments_of(self.row))
        wanted = {qrel.query_id for qrel in judged}
        queries = [query for query in asked_of(self.row) if query.query_id in wanted]
        found = {query.query_id for query in queries}
        self._check(queries, found, wanted)
        qrels = [qrel for qrel in judged if qrel.query_id in found]
        without = found - {qrel.query_id for qrel in qrels if qrel.relevance > 0}
        if without == found:
            raise EffbenchError(f"{self.row.name}: no doc is judged relevant: all scores are 0")
        lines = (json.dumps(query._asdict(), ensure_ascii=False) + "\n" for query in queries)
        artifact.put_text(QUERIES, "".join(lines))
        rows = (f"{q.query_id}\t0\t{q.doc_id}\t{q.relevance}\n" for q in qrels)
        artifact.put_text(QRELS, "".join(rows))
        return {
            "queries": len(queries),
            "judgments": len(qrels),
            "judged_queries_missing": len(wanted - found),
            "queries_without_relevant": len(without),
            "such_as": {
                "judged_queries_missing": _some(wanted - found),
                "queries_without_relevant": _some(without),
            },
        }

    def _check(self, queries: list[Query], found: set[str], wanted: set[str]) -> None:
        if not wanted:
            raise EffbenchError(
                f"{self.row.name}: no query has a judgment (is the split right?)"
            )
        if not found:
            raise EffbenchError(
                f"{self.row.name}: it has none of the queries that are judged "
                "(are the ids of queries and judgments the same?)"
            )
        if len(found) < len(queries):
            ((double, _),) = Counter(query.query_id for query in queries).most_common(1)
            raise EffbenchError(
                f"{self.row.name}: query id {shown(double)} occurs twice (ids must be unique)"
            )


def queries_of(data: Data, bench: Bench) -> list[Query]:
    """Return a dataset's judged queries, in its order."""
    text = (bench.artifact(data).folder / QUERIES).read_text(encoding="utf-8")
    return [Query(**json.loads(line)) for line in text.split("\n") if line]


def qrels_of(data: Data, bench: Bench) -> list[Qrel]:
    """Return a dataset's judgments."""
    return read_qrels(bench.artifact(data).folder / QRELS)


def judged_docs(data: Data, bench: Bench, doc_ids: Iterable[str]) -> dict[str, Any]:
    """Count docs judged relevant that the corpus lacks, and queries that are relevant docs.

    ``self_judged`` counts queries whose own doc is judged relevant although it is dropped;
    ``such_as`` names a few of each.

    Raises:
        EffbenchError: the corpus has none of the docs that are judged relevant.

    """
    relevant = [qrel for qrel in qrels_of(data, bench) if qrel.relevance > 0]
    judged = {qrel.doc_id for qrel in relevant}
    missing = judged.difference(doc_ids)
    if len(missing) == len(judged):
        raise EffbenchError(
            f"{data.row.name}: the corpus has none of the docs that are judged relevant "
            "(are the ids of docs and judgments the same?)"
        )
    own = {qrel.query_id for qrel in relevant if qrel.query_id == qrel.doc_id}
    ids_by_kind = {
        "judged_docs_missing": missing,
        "self_judged": own if data.row.declared.drop_self_hits else set(),
    }
    such_as = {name: _some(ids) for name, ids in ids_by_kind.items()}
    return {**{name: len(ids) for name, ids in ids_by_kind.items()}, "such_as": such_as}


def _some(ids: Iterable[str]) -> list[str]:
    return sorted(ids)[:3]


def judgments_of(row: DatasetRow) -> Iterator[Qrel]:
    """Yield a dataset's judgments, checked, those of queries that it lacks too."""
    qrels = row.qrels(lambda given: judgments.checked(given, row.name))
    return judgments.distinct((row.name, qrel) for qrel in qrels)


def asked_of(row: DatasetRow) -> Iterator[Query]:
    """Yield a dataset's queries, their ids and texts checked."""
    name = row.name

    def take(given: Any) -> Query:
        query_id = checked_id(given.query_id, f"{name}: a query's id")
        text = checked_text(given.text, f"{name}: query {query_id!r:.99}: its text")
        return Query(query_id, text)

    return row.queries(take)


def docs_of(row: DatasetRow) -> Iterator[Doc]:
    """Yield a dataset's docs, their ids and texts checked.

    Raises:
        EffbenchError: at the end, if an id occurs twice: then a run cannot say which doc it is;
            or if there are other than the dataset has counted: it was read in part.

    """
    name = row.name

    def take(given: Any) -> Doc:
        doc_id = checked_id(given.doc_id, f"{name}: a doc's id")
        text = checked_text(given.text, f"{name}: doc {doc_id!r:.99}: its text")
        title = checked_text(given.title, f"{name}: doc {doc_id!r:.99}: its title")
        hashes.append(hash(doc_id))
        # of our own: another object may change, or lack what encoders ask of a doc
        return Doc(doc_id, text, title)

    hashes = array("q")  # not the ids themselves, which take ten times the memory
    yield from row.docs(take)
    _refuse_double(row, hashes)
    refuse_part(row, len(hashes))


@contextmanager
def passing_docs(label: str, rows: Sequence[DatasetRow], bench: Bench) -> Iterator[Tally]:
    """Watch a pass over the docs of corpora; how many there are is known from then on."""
    totals = [_docs_total(row, bench) for row in rows]
    known = [total for total in totals if total is not None]
    total = sum(known) if len(known) == len(totals) else None
    with bench.progress.work(label, total, "docs") as work:
        yield work
    if len(rows) == 1:
        bench.docs_totals[rows[0].corpus_key] = work.done


def _docs_total(row: DatasetRow, bench: Bench) -> int | None:
    """Return how many docs progress may promise; None when only reading them tells."""
    total = bench.docs_totals.get(row.corpus_key)
    if total is None:
        total = row.docs_count()
    if total is None:
        total = row.counted_docs()
    bench.docs_totals[row.corpus_key] = total
    return total


def refuse_part(row: DatasetRow, count: int) -> None:
    """Refuse ``count`` docs as a dataset's corpus if the dataset says that it has others.

    Raises:
        EffbenchError: it does.

    """
    said = row.docs_count()
    if said is not None and said != count:
        raise EffbenchError(
            f"{row.who}: its corpus has {counted(count, 'docs')}, its docs_count "
            f"says {said} (was it read "
            "in part, or do two datasets share a corpus_key?)"
        )


def _refuse_double(row: DatasetRow, hashes: array[int]) -> None:
    import numpy as np

    known = np.sort(np.array(hashes, dtype=np.int64))
    clashing = set(known[1:][known[1:] == known[:-1]].tolist())
    seen: dict[str, int] = {}
    ids = row.docs(lambda doc: ordinary(doc.doc_id)) if clashing else ()
    for place, doc_id in enumerate(ids, start=1):  # ids that differ may share a hash
        if doc_id in seen:
            raise EffbenchError(
                f"{row.name}: doc id {shown(doc_id)} occurs twice in the corpus: docs "
                f"{seen[doc_id]:,} and {place:,} have it (ids must be unique)"
            )
        if hash(doc_id) in clashing:
            seen[doc_id] = place
