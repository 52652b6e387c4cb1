"""Remarks on counts of a record: queries or docs that the data lack, queries without hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from effbench.run.recorded import Done


SENTENCES = {
    "judged_queries_missing": "judged queries that it lacks: {}; they are not in the mean",
    "queries_without_relevant": "judged queries without a relevant doc: {}; they count 0",
    "judged_docs_missing": "relevant docs that its corpus lacks: {}; they cost recall",
    "self_judged": "queries whose own doc is judged relevant and dropped from their hits: {} "
    "(drop_self_hits: false keeps it)",
}
"""Name of a count in a record -> the sentence about it."""


def remarks(records: Iterable[Done]) -> list[str]:
    """Return the sentences about the counts of records, each once."""
    return list(dict.fromkeys(text for record in records for text in _sentences(record)))


def _sentences(record: Done) -> Iterator[str]:
    counts = record.queries
    for name, sentence in SENTENCES.items():
        if count := counts.get(name):
            examples = record.such_as.get(name, [])
            ids = f" ({', '.join(examples)})" if examples else ""
            more = " and others" if len(examples) < count and examples else ""
            yield f"{record.dataset}: {sentence.format(f'{count}{ids}{more}')}"
    if counts and counts.get("without_hits") == counts.get("queries"):
        yield f"{record.cell}: no query has a hit"
