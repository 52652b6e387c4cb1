"""What is said beside scores of how queries, judgments, docs and hits meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from effbench.records import Record


def remarks(records: Iterable[Record]) -> list[str]:
    """Return the sentences of records, each once: most are of a dataset, whatever the row."""
    return list(dict.fromkeys(said for record in records for said in _said(record)))


def _said(record: Record) -> Iterator[str]:
    counts, dataset = record.get("queries"), record["dataset"]
    if not isinstance(counts, dict) or not counts:
        return
    if found := counts.get("judged_queries_missing"):
        yield f"{dataset}: judged queries that it lacks: {found}; they are not in the mean"
    if found := counts.get("judged_docs_missing"):
        yield f"{dataset}: relevant docs that its corpus lacks: {found}; they cost recall"
    if found := counts.get("self_judged"):
        yield (
            f"{dataset}: queries whose own doc is judged relevant and dropped from their hits: "
            f"{found} (drop_self_hits: false keeps it)"
        )
    if counts.get("without_hits") == counts.get("queries"):
        yield f"{record['cell']}: no query has a hit"
