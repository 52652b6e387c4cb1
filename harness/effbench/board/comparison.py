"""A row against others, query by query: what ``effbench compare`` says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from effbench.text.suggestions import suggest
from effbench.text.words import counted

DRAWS = 1000
"""For each p-value that is corrected: so the smallest corrected one is 0.001 at most."""


@dataclass(frozen=True)
class Comparison:
    """A row against another on one dataset of one suite on one machine."""

    machine: str
    suite: str
    dataset: str
    row: str
    other: str
    through: str
    """The index of both, with its search setting; empty where neither has one."""

    measure: str
    queries: int
    score: float
    other_score: float
    difference: Interval
    """Of the scores, its 95 % interval by bootstrap over queries."""

    kept: Interval | None
    """Share of the other's score; none where that is 0."""

    p: float
    """Of a paired randomisation test, corrected by Holm for all those of a suite."""

    span: str
    milliseconds: Interval | None
    """Median, of a latency session; none where no session has both rows."""

    other_milliseconds: Interval | None
    speedup: Interval | None
    saved: Interval | None
    """Milliseconds a query that the row takes less."""

    complaints: tuple[str, ...]
    """What is to be said against the latencies."""

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            name: value._asdict() if isinstance(value, Interval) else value
            for name, value in vars(self).items()
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads: the figures, and a sentence."""
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
            ratio = (
                "" if self.complaints  # no ratio of what is marked
                else f"; ratio {self.speedup.spelled()}, ms saved {self.saved.spelled()}"
            )  # fmt: skip
            yield (
                f"  {self.span} p50 ms: {self.row} {self.milliseconds.spelled()}, {self.other} "
                f"{self.other_milliseconds.spelled()}{ratio}"
            )
        yield f"  {self.sentence()}"
        for complaint in self.complaints:
            yield f"  note: {complaint}"

    def sentence(self) -> str:
        """Say it plainly."""
        return f"{self.row} {_quality(self)}{_speed(self)}."


def _quality(found: Comparison) -> str:
    if found.kept is None:
        return f"cannot be compared with {found.other}, which scores no more than 0"
    value, low, high = found.kept
    bounds = "" if low is None or high is None else f" [{low:.1%}, {high:.1%}]"
    share = f"{value:.1%}{bounds} of {found.other}'s {found.measure}"
    if found.p >= SIGNIFICANT:
        return f"has {share}, which may be chance (p {found.p:.2f})"
    return f"{'keeps' if found.difference.value < 0 else 'reaches'} {share}"


def _speed(found: Comparison) -> str:
    ratio = found.speedup
    if found.complaints:
        return "; its speed is not compared: a latency is marked"
    if ratio is None or ratio.low is None or ratio.high is None:
        return f"; its speed cannot be compared: no latency session has enough of {found.span}"
    if ratio.low <= 1 <= ratio.high:
        return f", and no difference in speed could be shown ({ratio.spelled()}x, {found.span})"
    if ratio.value > 1:
        return f", and is {ratio.spelled()} times as fast ({found.span})"
    inverse = Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    return f", and takes {inverse.spelled()} times as long ({found.span})"


@dataclass(frozen=True)
class Question:
    """What a row is compared by; None of a suite is all, else the suite's first."""

    row: str
    others: Sequence[str]
    suite: str | None = None
    index: str | None = None
    measure: str | None = None
    span: str = END_TO_END


def compare(root: Path, asked: Question) -> tuple[list[Comparison], list[str]]:
    """Compare a row with others on every dataset of every suite under ``root`` that has both.

    Return the comparisons, and what was left out since it could not be read.

    Raises:
        EffbenchError: there is none with one of the others.

    """
    suite = asked.suite
    if asked.span not in SHOWN:
        raise EffbenchError(f"--span {asked.span}: no such span (known: {', '.join(SHOWN)})")
    boards = collect([root])
    names = {one.suite.suite for one in boards}
    if suite and suite not in names:
        raise EffbenchError(
            f"{root}: no suite {suite!r} has run there ({suggest(suite, names)})"
        )
    known: dict[str, None] = {}
    found: list[Comparison] = []
    unreadable: dict[str, None] = {}
    for one in boards:
        if suite in (None, one.suite.suite):
            known.update(dict.fromkeys(record.row.name for record in one.done))
            sessions = sessions_for(one.folders, one.done, one.suite)
            found += _compared(one, asked, sessions)
            unreadable.update(dict.fromkeys((*one.unreadable, *sessions.unreadable)))
    left_out = "".join(f"; left out: {what}" for what in unreadable)
    for name in (asked.row, *asked.others):
        if name not in known:
            raise EffbenchError(
                f"{root}: no row {name!r} has run there ({suggest(name, known)}){left_out}"
            )
    for name in asked.others:
        if name not in {one.other for one in found}:
            raise EffbenchError(
                f"{root}: {asked.row} and {name} have no dataset, index and measure in "
                "common (try another --index)"
                f"{left_out}"
            )
    return found, list(unreadable)


def _compared(collected: Collected, asked: Question, sessions: Sessions) -> list[Comparison]:
    facts, records = collected.suite, collected.done
    index, measure = asked.index or facts.expected.index, asked.measure or facts.measures[0]
    pairs = [
        (mine, theirs)
        for dataset in facts.datasets
        for other in asked.others
        for mine in _of(records, asked.row, dataset.name, index, measure)
        for theirs in _of(records, other, dataset.name, index, measure)
        if mine.per_query[measure].keys() & theirs.per_query[measure].keys()
    ]
    values = [values_of([one.per_query[measure] for one in pair]) for pair in pairs]
    draws = max(RESAMPLES, DRAWS * len(pairs))
    corrected = holm([PairedValues([own], resamples=draws).p_values(1)[0] for own in values])
    drawn = map(PairedValues, ([own] for own in values))
    return [
        Comparison(
            collected.machine, facts.suite, mine.dataset, mine.row.name, theirs.row.name,
            _through(mine) or _through(theirs), measure,
            len(both), mine.scores[measure], theirs.scores[measure],
            own.differences(1)[0], own.shares(1)[0], p, asked.span,
            *_latencies(sessions, mine, theirs, asked.span),
        )
        for (mine, theirs), both, own, p in zip(pairs, values, drawn, corrected, strict=True)
    ]  # fmt: skip


def _of(
    records: Sequence[Done], row: str, dataset: str, index: str | None, measure: str
) -> list[Done]:
    """Return a row's record on a dataset, through the named index at its first setting."""
    return [
        record
        for record in records
        if (record.row.name, record.dataset) == (row, dataset)
        and (not index or record.index_name in (None, index))
        and measure in record.per_query
    ][:1]


def _through(record: Done) -> str:
    return index_label(record.index_name, record.search) if record.index else ""


def _latencies(sessions: Sessions, mine: Done, theirs: Done, span: str) -> tuple[Any, ...]:
    rows = [sessions.row_latency({one.dataset: one.cell}) for one in (mine, theirs)]
    own, other = (row.parts(span) for row in rows)
    milliseconds = [figures.percentile_of(row.times(span), 50) for row in rows]
    both = all(row.cells for row in rows)
    complaints = [
        f"{one.row.name} is marked: {flag}: {why}"
        for one, row in zip((mine, theirs), rows, strict=True)
        for flag, why in row.flags().items()
    ]
    return (
        *milliseconds,
        figures.speedup(own, other) if both else None,
        figures.difference(other, own) if both else None,
        tuple(complaints),
    )
