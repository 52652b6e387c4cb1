"""Compares a row with other rows, query by query (``effbench compare``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.board.collected import Collected, collect
from effbench.board.compared import Comparison
from effbench.board.latencies import sessions_for
from effbench.latency.spans import END_TO_END
from effbench.run.recorded import Done
from effbench.statistics import figures
from effbench.statistics.row_latency import SHOWN
from effbench.statistics.sessions import Sessions
from effbench.statistics.significance import (
    RESAMPLES,
    PairedValues,
    holm,
    values_of,
)
from effbench.text.names import index_label
from effbench.text.suggestions import naming, suggest

DRAWS = 1000
"""Randomisations for each p-value: so the smallest corrected p-value can be 0.001."""


@dataclass(frozen=True)
class Question:
    """The rows to compare. No suite means all suites; no index or measure means the first.

    The name of a sweep among ``others`` means all its rows, except ``row``.
    """

    row: str
    others: Sequence[str]
    suite: str | None = None
    index: str | None = None
    measure: str | None = None
    span: str = END_TO_END


def compare(root: Path, asked: Question) -> tuple[list[Comparison], list[str]]:
    """Compare a row with others on every dataset of every suite under ``root`` that has both.

    Return the comparisons, and which files could not be read, and why.

    Raises:
        EffbenchError: the suite, the span or a row is unknown, or two rows share no dataset.

    """
    if asked.span not in SHOWN:
        raise EffbenchError(f"--span {asked.span}: no such span (known: {', '.join(SHOWN)})")
    suites = collect([root])
    names = {collected.suite.suite for collected in suites}
    if asked.suite and asked.suite not in names:
        raise EffbenchError(
            f"{root}: no suite {asked.suite!r} has run there ({suggest(asked.suite, names)})"
        )
    comparisons: list[Comparison] = []
    known, unreadable = dict[str, str](), dict[str, None]()
    for collected in suites:
        if asked.suite in (None, collected.suite.suite):
            known.update({record.row.name: record.row.family for record in collected.done})
            sessions = sessions_for(collected.folders, collected.done, collected.suite)
            comparisons += _compared(collected, asked, sessions)
            unreadable.update(dict.fromkeys((*collected.unreadable, *sessions.unreadable)))
    left_out = "".join(f"; left out: {reason}" for reason in unreadable)
    for name in (asked.row, *asked.others):
        if name not in known and (name == asked.row or name not in known.values()):
            raise EffbenchError(
                f"{root}: no row {name!r} has run there ({naming(name, known)}){left_out}"
            )
    compared = {name for pair in comparisons for name in (pair.other, known[pair.other])}
    for name in asked.others:
        if name not in compared:
            raise EffbenchError(
                f"{root}: {asked.row} and {name} have no dataset, index and measure in "
                f"common (try another --index){left_out}"
            )
    return comparisons, list(unreadable)


def _compared(collected: Collected, asked: Question, sessions: Sessions) -> list[Comparison]:
    facts, records = collected.suite, collected.done
    index, measure = asked.index or facts.expected.index, asked.measure or facts.measures[0]
    pairs = [
        (record, reference)
        for dataset in facts.datasets
        for name in _rows(records, asked)
        for record in _of(records, asked.row, dataset.name, index, measure)
        for reference in _of(records, name, dataset.name, index, measure)
        if record.per_query[measure].keys() & reference.per_query[measure].keys()
    ]
    values = [values_of([record.per_query[measure] for record in pair]) for pair in pairs]
    draws = max(RESAMPLES, DRAWS * len(pairs))
    corrected = holm(
        [PairedValues([array], resamples=draws).p_values(1)[0] for array in values]
    )
    drawn = map(PairedValues, ([array] for array in values))
    results = zip(pairs, values, drawn, corrected, strict=True)
    return [
        Comparison(
            collected.machine, facts.suite, record.dataset, record.row.name, reference.row.name,
            _through(record) or _through(reference), measure,
            len(array), record.scores[measure], reference.scores[measure],
            paired.differences(1)[0], paired.shares(1)[0], p, asked.span,
            *_latencies(sessions, (record, reference), asked.span),
        )
        for (record, reference), array, paired, p in results
    ]  # fmt: skip


def _rows(records: Sequence[Done], asked: Question) -> list[str]:
    """Return the rows with which the first row is compared, each once."""
    rows = (
        record.row.name
        for name in asked.others
        for record in records
        if name == record.row.name
        or (name == record.row.family and record.row.name != asked.row)
    )
    return list(dict.fromkeys(rows))


def _of(
    records: Sequence[Done], row: str, dataset: str, index: str | None, measure: str
) -> list[Done]:
    """Return a row's record on a dataset, through the named index at its first setting."""
    return [
        record
        for record in records
        if (record.row.name, record.dataset) == (row, dataset)
        and (not record.index or index in (None, record.index.name, record.index.family))
        and measure in record.per_query
    ][:1]


def _through(record: Done) -> str:
    return index_label(record.index_name, record.search) if record.index else ""


def _latencies(sessions: Sessions, pair: tuple[Done, Done], span: str) -> tuple[Any, ...]:
    """Return the latency fields of a `Comparison`, in their order."""
    rows = [sessions.row_latency({record.dataset: record.cell}) for record in pair]
    row_times, reference_times = (row.parts(span) for row in rows)
    milliseconds = [figures.percentile_of(row.times(span), 50) for row in rows]
    both = all(row.cells for row in rows)
    complaints = [
        f"{record.row.name} is marked: {flag}: {why}"
        for record, row in zip(pair, rows, strict=True)
        for flag, why in row.flags().items()
    ]
    return (
        *milliseconds,
        figures.speedup(row_times, reference_times) if both else None,
        figures.difference(reference_times, row_times) if both else None,
        tuple(complaints),
    )
