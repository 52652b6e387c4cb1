"""The data step: a dataset's judged queries and its judgments, checked and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from effbench.api import Doc, Qrel, Query
from effbench.errors import EffbenchError
from effbench.rows import DatasetRow
from effbench.runs import read_qrels
from effbench.steps import Step

if TYPE_CHECKING:
    from effbench.plugins import Offer
    from effbench.store import Artifact
    from effbench.workbench import Workbench

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

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        qrels = _unique(self.row)
        judged = {qrel.query_id for qrel in qrels}
        queries = [q for q in self.row.dataset.queries() if q.query_id in judged]
        found = {query.query_id for query in queries}
        if not found:
            raise EffbenchError(
                f"{self.row.name}: no query has a judgment (is the split right?)"
            )
        if len(found) < len(queries):
            raise EffbenchError(
                f"{self.row.name}: a query id occurs twice (ids must be unique)"
            )
        for query in queries:
            _check_id(query.query_id, self.row.name)
        lines = (json.dumps(query._asdict(), ensure_ascii=False) + "\n" for query in queries)
        artifact.put_text(QUERIES, "".join(lines))
        rows = (f"{q.query_id}\t0\t{q.doc_id}\t{q.relevance}\n" for q in qrels)
        artifact.put_text(QRELS, "".join(rows))
        return {
            "queries": len(queries),
            "judgments": len(qrels),
            "judged_queries_missing": len(judged - found),
        }


def queries_of(data: Data, bench: Workbench) -> list[Query]:
    """Return a dataset's judged queries, in its order."""
    text = (bench.artifact(data).folder / QUERIES).read_text(encoding="utf-8")
    return [Query(**json.loads(line)) for line in text.split("\n") if line]


def qrels_of(data: Data, bench: Workbench) -> list[Qrel]:
    """Return a dataset's judgments."""
    return read_qrels(bench.artifact(data).folder / QRELS)


def docs_of(row: DatasetRow) -> Iterator[Doc]:
    """Yield a dataset's docs, their ids checked."""
    for doc in row.dataset.docs():
        _check_id(doc.doc_id, row.name)
        yield doc


def _unique(row: DatasetRow) -> list[Qrel]:
    """Return the judgments; a pair judged twice must be judged the same."""
    qrels = sorted(row.dataset.qrels())
    for pair, same in groupby(qrels, key=lambda qrel: qrel[:2]):
        if len({qrel.relevance for qrel in same}) > 1:
            raise EffbenchError(
                f"{row.name}: query {pair[0]!r}, doc {pair[1]!r} has two judgments"
            )
    return list(dict.fromkeys(qrels))


def _check_id(one: str, dataset: str) -> None:
    if not one or any(character.isspace() for character in one):
        raise EffbenchError(
            f"{dataset}: id {one!r} is empty or has white space, which TREC files cannot hold"
        )
