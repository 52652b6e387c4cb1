"""Overlap of judgments: how much of what measures a row it was told in its training.

The splits of a collection can be alike: SciFact has variants of a claim in train and in test.
An overlap is put into a record like a recall (`effbench.run.recall`): after all cells have
records, and into the finished records of earlier runs that lack it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from effbench.api.encoders import Qrel
from effbench.api.errors import EffbenchError
from effbench.guard.blame import doing
from effbench.plan import lineage
from effbench.plan.cells import Cell, Plan
from effbench.run.records import Plain
from effbench.run.results import Results
from effbench.steps.data import Data, judgments_of, qrels_of
from effbench.work.datasets import DatasetRow

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench

Sources: TypeAlias = Mapping[tuple[str, str], Data | DatasetRow]
"""Where the training of a row took judgments (`effbench.plan.lineage.other_judgments`)."""


def put_overlaps(
    plan: Plan, bench: Workbench, results: Results, records: MutableMapping[str, Plain]
) -> None:
    """Put the overlap into each record that lacks it; ``records`` maps finished cells to them.

    A cell whose overlap cannot be computed or written keeps its record; the user is told why.
    """
    known: dict[object, Plain] = {}
    for cell, sources in _lacking(plan, records):
        compared = cell.dataset.name, *sources
        try:
            with doing("comparing its judgments with those of its training"):
                if compared not in known:
                    known[compared] = _overlap(cell.search.data, sources, bench)
            record = {**records[cell.name], "overlap": known[compared]}
            results.write(cell, record)
            records[cell.name] = record
        except EffbenchError as error:
            bench.progress.note(f"{cell.name}: no overlap of its judgments: {error}")


def _lacking(plan: Plan, records: Mapping[str, Plain]) -> Iterator[tuple[Cell, Sources]]:
    """Yield each cell whose record lacks the overlap, with the judgments of its training."""
    for cell in plan.cells:
        if cell.name in records and "overlap" not in records[cell.name]:
            sources = lineage.other_judgments(cell.row, cell.dataset, cell.index)
            if sources:
                yield cell, sources


def _overlap(measured: Data, sources: Sources, bench: Workbench) -> Plain:
    """Return the overlap for a record (`effbench.run.recorded.Overlap`)."""
    relevant = _by_query(qrels_of(measured, bench))
    docs = {doc_id for doc_ids in relevant.values() for doc_id in doc_ids}
    told, answers = set[str](), set[frozenset[str]]()
    for source in sources.values():
        judged = qrels_of(source, bench) if isinstance(source, Data) else judgments_of(source)
        trained = _by_query(judged).values()
        told |= docs.intersection(chain.from_iterable(trained))
        answers |= {frozenset(doc_ids) for doc_ids in trained if doc_ids <= docs}
    return {
        "queries": len(relevant),
        "same": sum(doc_ids in answers for doc_ids in relevant.values()),
        "judgments": sum(map(len, relevant.values())),
        "seen": sum(len(doc_ids & told) for doc_ids in relevant.values()),
    }


def _by_query(qrels: Iterable[Qrel]) -> Mapping[str, set[str]]:
    """Return query_id -> its relevant docs, for the queries that have one."""
    relevant: dict[str, set[str]] = defaultdict(set)
    for qrel in qrels:
        if qrel.relevance > 0:
            relevant[qrel.query_id].add(qrel.doc_id)
    return relevant
