"""Marks: facts that speak against a line of a leaderboard, such as an unstable latency."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from effbench.board.expected import expectations, spelled
from effbench.board.leaderboard import Board
from effbench.board.remarks import told
from effbench.run.recorded import Quoted
from effbench.statistics import figures
from effbench.statistics.figures import Interval
from effbench.text.printing import one_line


class Bearing(Enum):
    """What a mark means for the choice of a row (`effbench.board.choice`)."""

    BARS = "never chosen"
    ASKED = "chosen only if the user asks for rows with this mark"
    BESIDE = "chosen, and the mark is said beside it"


UNSTABLE = "latency unstable"
"""The kind of the mark of a time in doubt."""

BEARINGS: Mapping[str, Bearing] = {
    UNSTABLE: Bearing.ASKED,  # a session on a steady machine may make the time sure
    "latency keeps answers": Bearing.BARS,  # the times are of look-ups in every session
    "latency other answers": Bearing.BARS,  # the timed answers are not the scored answers
    "published": Bearing.BARS,  # it has no values of queries and no times to compare
    "trained on test judgments": Bearing.ASKED,
    "answers told in training": Bearing.ASKED,
    "corpus cut": Bearing.ASKED,  # with all docs, rows may come in another order
    "datasets missing": Bearing.BARS,
    "dataset with a note": Bearing.BESIDE,  # all rows of the table have this mark
    "not as published": Bearing.BESIDE,  # we measured the score ourselves
}
"""Kind of mark -> its bearing; a kind that is not here bars the row."""

WORDS: Mapping[str, str] = {
    UNSTABLE: "unstable",
    "trained on test judgments": "trained",
    "answers told in training": "told",
    "corpus cut": "cut",
}
"""Kind of mark -> the word with which a user asks for rows that have it (``--allow``)."""


@dataclass(frozen=True)
class Mark:
    """A fact that speaks against a line."""

    kind: str
    label: str
    """The text that tables show: a few words."""

    why: str

    @property
    def bearing(self) -> Bearing:
        """What the mark means for the choice of a row."""
        return BEARINGS.get(self.kind, Bearing.BARS)

    def bars(self, allowed: Collection[str]) -> bool:
        """Tell whether a line with this mark may not be chosen; ``allowed`` has `WORDS`."""
        if self.bearing is Bearing.ASKED:
            return WORDS[self.kind] not in allowed
        return self.bearing is Bearing.BARS


def marks(board: Board, number: int) -> dict[str, str]:
    """Return the marks of a line: label -> why."""
    return {mark.label: mark.why for mark in every_mark(board, number)}


def every_mark(board: Board, number: int) -> Iterator[Mark]:
    """Yield the marks of a line."""
    line = board.lines[number]

    def mark(kind: str, why: str) -> Mark:
        return Mark(kind, kind, why)

    for flag, why in board.partial_latencies[number].flags().items():
        yield mark(f"latency {flag}", why)
    if any(isinstance(record, Quoted) for record in line.records.values()):
        yield mark("published", "scores of others: no values of single queries, no latency")
    if line.tested_on:
        why = f"not ranked; those of {', '.join(line.tested_on)}"
        yield mark("trained on test judgments", why)
    if line.told:
        yield mark("answers told in training", f"not ranked; {'; '.join(told(line))}")
    missing = _units_without_score(board, number)
    if missing:
        label = f"{len(board.units) - len(missing)} of {len(board.units)}"
        yield Mark("datasets missing", label, f"no average without {', '.join(missing)}")
    for dataset in board.collected.suite.datasets:
        if dataset.name in line.records and (dataset.note or dataset.cut):
            kind = "corpus cut" if dataset.cut else "dataset with a note"
            yield mark(kind, one_line(f"{dataset.name}: {dataset.note or kind}"))
    failures = [score for score in expectations(board, number) if not score.met]
    if failures:
        yield mark("not as published", spelled(failures))


def ranked(board: Board, number: int) -> bool:
    """Tell whether a line is ranked: no flags of its latency, its training told no answers."""
    return not board.latencies[number].flags() and not board.lines[number].apart


def unplaced(board: Board, span: str, percent: int) -> dict[int, str]:
    """Return line number -> why the line has no place on a chart of score and time."""
    measure, reasons = board.measures[0], {}
    known = board.standings(measure)
    for number in range(len(board.lines)):
        if number not in known:
            units = ", ".join(_units_without_score(board, number))
            reasons[number] = f"no {measure} on {units}"
        elif why := time_of(board, number, span, percent)[1]:
            reasons[number] = why
    return reasons


def grouped(board: Board, reasons: Mapping[int, str]) -> list[str]:
    """Return a text for each reason, with the names of the lines that have it."""
    names: dict[str, list[str]] = {}
    for number, why in reasons.items():
        names.setdefault(why, []).append(board.lines[number].name)
    return [f"{why}: {', '.join(lines)}" for why, lines in names.items()]


def _units_without_score(board: Board, number: int) -> list[str]:
    """Return the datasets and groups on which a line lacks the first measure."""
    line, first = board.lines[number], board.measures[0]
    units = board.units.items()
    return [unit for unit, weights in units if line.score(first, weights) is None]


def time_of(board: Board, number: int, span: str, percent: int) -> tuple[Interval | None, str]:
    """Return a line's percentile of a span in ms, or None and the reason.

    A retriever has no encoding time: we never show another span in its place.
    """
    missing = board.missing[number]
    if missing:
        everywhere = len(missing) == len(board.weights)
        return None, "no latency" if everywhere else f"no latency on {', '.join(missing)}"
    times = board.latencies[number].times(span)
    time = figures.percentile_of(times, percent)
    if time:
        return time, ""
    if not times:
        return None, f"no {span} time"
    wanted = f"each process needs {figures.samples_needed(percent)}: raise latency's queries"
    return None, f"too few times for {span} p{percent} ({wanted})"
