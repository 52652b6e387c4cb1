"""Compares a row with other rows, query by query (``effbench compare``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.board.collected import Collected, collect
from effbench.board.latencies import sessions_for
from effbench.latency.spans import END_TO_END
from effbench.run.recorded import Done
from effbench.statistics import figures
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import SHOWN
from effbench.statistics.sessions import Sessions
from effbench.statistics.significance import (
    RESAMPLES,
    SIGNIFICANT,
    PairedValues,
    holm,
    values_of,
)
from effbench.text.names import index_label
from effbench.text.suggestions import naming, suggest
from effbench.text.words import counted

DRAWS = 1000
"""Randomisations for each p-value: so the smallest corrected p-value can be 0.001."""


@dataclass(frozen=True)
class Comparison:
    """A row compared with another row on one dataset of one suite on one machine."""

    machine: str
    suite: str
    dataset: str
    row: str
    other: str
    through: str
    """The index of both rows with its search setting; empty if neither has an index."""

    measure: str
    queries: int
    score: float
    other_score: float
    difference: Interval
    """The difference of the scores; its 95 % interval is a bootstrap over queries."""

    kept: Interval | None
    """The row's share of the other row's score; None if that score is 0."""

    p: float
    """The p-value of a paired randomisation test, corrected by Holm for those of the suite."""

    span: str
    milliseconds: Interval | None
    """The row's median time in ms; None if no latency session has it."""

    other_milliseconds: Interval | None
    speedup: Interval | None
    saved: Interval | None
    """How many ms less than the other row the row takes for a query."""

    complaints: tuple[str, ...]
    """What speaks against the latencies."""

    def facts(self) -> dict[str, Any]:
        """Return the comparison as JSON data."""
        return {
            name: value._asdict() if isinstance(value, Interval) else value
            for name, value in vars(self).items()
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines for people: the figures and a sentence."""
        through = f", through {self.through}" if self.through else ""
        yield (
            f"{self.suite} on {self.machine}, {self.dataset} "
            f"({counted(self.queries, 'queries')}){through}"
        )
        yield (
            f"  {self.measure}: {self.row} {self.score:.4f}, "
            f"{self.other} {self.other_score:.4f}; difference {self.difference.value:+.4f} "
            f"[{self.difference.low:+.4f}, {self.difference.high:+.4f}], p {self.p:.4f}"
        )
        if self.milliseconds and self.other_milliseconds and self.speedup and self.saved:
            ratio = f"; ratio {self.speedup.spelled()}, ms saved {self.saved.spelled()}"
            ratio = "" if self.complaints else ratio  # marked times have no ratio
            yield (
                f"  {self.span} p50 ms: {self.row} {self.milliseconds.spelled()}, {self.other} "
                f"{self.other_milliseconds.spelled()}{ratio}"
            )
        yield f"  {self.sentence()}"
        yield from (f"  note: {complaint}" for complaint in self.complaints)

    def sentence(self) -> str:
        """Say in one sentence how the row compares with the other row."""
        return f"{self.row} {_quality(self)}{_speed(self)}."


def _quality(result: Comparison) -> str:
    """Say which share of the other row's score the row has."""
    if result.kept is None:
        return f"cannot be compared with {result.other}, which scores no more than 0"
    value, low, high = result.kept
    bounds = "" if low is None or high is None else f" [{low:.1%}, {high:.1%}]"
    share = f"{value:.1%}{bounds} of {result.other}'s {result.measure}"
    if result.p >= SIGNIFICANT:
        return f"has {share}, which may be chance (p {result.p:.2f})"
    return f"{'keeps' if result.difference.value < 0 else 'reaches'} {share}"


def _speed(result: Comparison) -> str:
    """Say how fast the row is, or why the speed is not compared."""
    ratio = result.speedup
    if result.complaints:
        return "; its speed is not compared: a latency is marked"
    if ratio is None or ratio.low is None or ratio.high is None:
        return f"; its speed cannot be compared: no latency session has enough of {result.span}"
    if ratio.low <= 1 <= ratio.high:
        return (
            f", and no difference in speed could be shown ({ratio.spelled()}x, {result.span})"
        )
    if ratio.value > 1:
        return f", and is {ratio.spelled()} times as fast ({result.span})"
    inverse = Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    return f", and takes {inverse.spelled()} times as long ({result.span})"


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
    for name, names in ((asked.row, known), *((o, _names(known)) for o in asked.others)):
        if name not in names:
            raise EffbenchError(
                f"{root}: no row {name!r} has run there ({naming(name, known)}){left_out}"
            )
    compared = _names({pair.other: known[pair.other] for pair in comparisons})
    for name in asked.others:
        if name not in compared:
            raise EffbenchError(
                f"{root}: {asked.row} and {name} have no dataset, index and measure in "
                f"common (try another --index){left_out}"
            )
    return comparisons, list(unreadable)


def _names(families: Mapping[str, str]) -> set[str]:
    """Return the names that mean rows, given as row -> its family."""
    return {*families, *families.values()}


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
