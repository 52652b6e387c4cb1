"""Scores of a run file by a file of judgments: the work of ``effbench evaluate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from effbench.api.encoders import Qrel, ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.steps.measures import mean, values_by_query
from effbench.steps.trial import checked_measures
from effbench.store.trec import read_qrels, read_trec, upside_down

Run = Mapping[str, Sequence[ScoredDoc]]


class Evaluation(NamedTuple):
    """Measure -> query_id -> value, the means by measure, and remarks for the user."""

    values: Mapping[str, Mapping[str, float]]
    means: Mapping[str, float]
    remarks: Sequence[str]


def evaluate(qrels: Path, run: Path, measures: Sequence[str]) -> Evaluation:
    """Score the TREC run file ``run`` by ``qrels``, a file in TREC's or BEIR's layout.

    Raises:
        EffbenchError: a file or a measure is malformed, or the files share no query.

    """
    names, wrong = checked_measures(measures)
    if wrong:
        raise EffbenchError("\n".join(wrong.values()))
    by_query, judged = read_trec(run), read_qrels(qrels)
    remarks = list(_remarks(by_query, judged, qrels, run))
    ranked = ((query_id, [hit.doc_id for hit in hits]) for query_id, hits in by_query.items())
    values = values_by_query(ranked, judged, names)
    means = {name: mean(by_query) for name, by_query in values.items()}
    return Evaluation(values, means, remarks)


def _remarks(by_query: Run, judged: Sequence[Qrel], qrels: Path, run: Path) -> Iterator[str]:
    """Yield what a reader of the scores must know, such as ids that only one file has."""
    query_ids = {qrel.query_id for qrel in judged}
    if not query_ids & by_query.keys():
        raise EffbenchError(
            f"{run}: answers none of the queries of {qrels} (are their ids written alike?)"
        )
    if not any(qrel.relevance > 0 for qrel in judged):
        yield f"{qrels}: no doc is judged relevant: every score is 0"
    elif not any(hit.doc_id in docs for docs, hit in _pairs(by_query, judged)):
        yield f"{run}: no hit is a judged doc (are the docs' ids written alike?)"
    if upside_down(run):
        yield (
            f"{run}: its scores rise with its ranks: the order is that of the scores, the "
            "highest first, as in trec_eval (are they distances?)"
        )
    relevant = {qrel.query_id for qrel in judged if qrel.relevance > 0}
    if relevant and len(relevant) < len(query_ids):
        yield (
            f"judged queries without a relevant doc: {len(query_ids - relevant)} of "
            f"{len(query_ids)}, they count 0"
        )
    without, unjudged = len(query_ids - by_query.keys()), len(by_query.keys() - query_ids)
    if without or unjudged:
        yield (
            f"judged queries without hits: {without} of {len(query_ids)}, they count 0; "
            f"queries of the run that are not judged: {unjudged}, they do not count"
        )


def _pairs(by_query: Run, judged: Sequence[Qrel]) -> Iterator[tuple[set[str], ScoredDoc]]:
    """Yield each hit of a judged query, after the ids of the query's judged docs."""
    docs: dict[str, set[str]] = {}
    for qrel in judged:
        docs.setdefault(qrel.query_id, set()).add(qrel.doc_id)
    for query_id, hits in by_query.items():
        yield from ((docs[query_id], hit) for hit in hits if query_id in docs)
