"""What is to be said against a line of a leaderboard, and how it stands to published scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from effbench.board.expected import expectations, spelled
from effbench.board.leaderboard import Board
from effbench.run.recorded import Quoted
from effbench.statistics import figures
from effbench.statistics.figures import Interval
from effbench.text.printing import one_line


class Bearing(Enum):
    """What a mark means to who must choose a row (`effbench.board.choice`)."""

    BARS = "never chosen"
    TIME = "chosen provisionally: its time alone is in doubt"
    BESIDE = "chosen, and the mark is said beside it"


BEARINGS: Mapping[str, Bearing] = {
    "latency unstable": Bearing.TIME,  # measured at a better hour it may be sure
    "latency keeps answers": Bearing.BARS,  # looking up was timed: no hour makes that a time
    "latency other answers": Bearing.BARS,  # what was timed is not what was scored
    "published": Bearing.BARS,  # neither values of queries nor a time: nothing to compare
    "trained on test judgments": Bearing.BARS,
    "datasets missing": Bearing.BARS,
    "dataset with a note": Bearing.BESIDE,  # so are all rows of the table
    "not as published": Bearing.BESIDE,  # its score is what we measured, whatever others say
}
"""Of each kind of mark; a kind that is not here bars."""


@dataclass(frozen=True)
class Mark:
    """Something to be said against a line."""

    kind: str
    label: str
    """The few words that are shown."""

    why: str

    @property
    def bearing(self) -> Bearing:
        """What it means to who must choose."""
        return BEARINGS.get(self.kind, Bearing.BARS)


def marks(board: Board, number: int) -> dict[str, str]:
    """Return what is to be said against a line: a few words -> why."""
    return {mark.label: mark.why for mark in every_mark(board, number)}


def every_mark(board: Board, number: int) -> Iterator[Mark]:
    """Yield what is to be said against a line, with its kind."""
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
    missing = _without(board, number)
    if missing:
        there = f"{len(board.units) - len(missing)} of {len(board.units)}"
        yield Mark("datasets missing", there, f"no average without {', '.join(missing)}")
    for dataset in board.collected.suite.datasets:
        if dataset.note and dataset.name in line.records:
            yield mark("dataset with a note", one_line(f"{dataset.name}: {dataset.note}"))
    failures = [one for one in expectations(board, number) if not one.met]
    if failures:
        yield mark("not as published", spelled(failures))


def ranked(board: Board, number: int) -> bool:
    """Tell whether a line's figures may be set against others': its latency, its training."""
    return not board.latencies[number].flags() and not board.lines[number].tested_on


def unplaced(board: Board, span: str, percent: int) -> dict[int, str]:
    """Return the lines that have no place on a chart of score and time, and why."""
    known, found = board.standings(board.measures[0]), {}
    for number in range(len(board.lines)):
        if number not in known:
            found[number] = f"no {board.measures[0]} on {', '.join(_without(board, number))}"
        elif why := time_of(board, number, span, percent)[1]:
            found[number] = why
    return found


def grouped(board: Board, reasons: Mapping[int, str]) -> list[str]:
    """Return a line for each reason, with the names of the lines that have it."""
    names: dict[str, list[str]] = {}
    for number, why in reasons.items():
        names.setdefault(why, []).append(board.lines[number].name)
    return [f"{why}: {', '.join(own)}" for why, own in names.items()]


def _without(board: Board, number: int) -> list[str]:
    """Return the datasets and groups on which a line lacks the first measure."""
    line, first = board.lines[number], board.measures[0]
    return [unit for unit, own in board.units.items() if line.score(first, own) is None]


def time_of(board: Board, number: int, span: str, percent: int) -> tuple[Interval | None, str]:
    """Return a line's percentile of a span in ms, or None and why there is none.

    A span is never shown in another's place: a retriever has no time of encoding.
    """
    missing = board.missing[number]
    if missing:
        every = len(missing) == len(board.weights)
        return None, "no latency" if every else f"no latency on {', '.join(missing)}"
    times = board.latencies[number].times(span)
    found = figures.percentile_of(times, percent)
    wanted = f"each process needs {figures.samples_needed(percent)}: raise latency's queries"
    few = f"too few times for {span} p{percent} ({wanted})" if times else f"no {span} time"
    return found, "" if found else few
