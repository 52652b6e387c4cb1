"""What is said beside scores of how queries, judgments, docs and hits meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from effbench.run.recorded import Done


SAID = {
    "judged_queries_missing": "judged queries that it lacks: {}; they are not in the mean",
    "queries_without_relevant": "judged queries without a relevant doc: {}; they count 0",
    "judged_docs_missing": "relevant docs that its corpus lacks: {}; they cost recall",
    "self_judged": "queries whose own doc is judged relevant and dropped from their hits: {} "
    "(drop_self_hits: false keeps it)",
}
"""What a record counts -> how that is said."""


def remarks(records: Iterable[Done]) -> list[str]:
    """Return the sentences of records, each once: most are of a dataset, whatever the row."""
    return list(dict.fromkeys(said for record in records for said in _said(record)))


def _said(record: Done) -> Iterator[str]:
    counts = record.queries
    for name, said in SAID.items():
        if count := counts.get(name):
            such_as = record.such_as.get(name, [])
            ids = f" ({', '.join(such_as)})" if such_as else ""
            more = " and others" if len(such_as) < count and such_as else ""
            yield f"{record.dataset}: {said.format(f'{count}{ids}{more}')}"
    if counts and counts.get("without_hits") == counts.get("queries"):
        yield f"{record.cell}: no query has a hit"
