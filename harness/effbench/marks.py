"""What is to be said against a line of a leaderboard, and how it stands to published scores."""

from __future__ import annotations

from collections.abc import Mapping

from effbench.expected import expectations, spelled
from effbench.latency import figures
from effbench.latency.figures import Interval
from effbench.leaderboard import Board
from effbench.recorded import Quoted
from effbench.remarks import one_line


def marks(board: Board, number: int) -> dict[str, str]:
    """Return what is to be said against a line: a few words -> why."""
    line = board.lines[number]
    found = {f"latency {flag}": why for flag, why in board.measured[number].flags().items()}
    if any(isinstance(record, Quoted) for record in line.records.values()):
        found["published"] = "scores of others: no values of single queries, no latency"
    if line.tested_on:
        found["trained on test judgments"] = f"not ranked; those of {', '.join(line.tested_on)}"
    missing = _without(board, number)
    if missing:
        there = len(board.units) - len(missing)
        found[f"{there} of {len(board.units)}"] = f"no average without {', '.join(missing)}"
    for dataset in board.collected.suite.datasets:
        if dataset.note and dataset.name in line.records:
            found["not the whole dataset"] = one_line(f"{dataset.name}: {dataset.note}")
    failures = [one for one in expectations(board, number) if not one.met]
    if failures:
        found["not as published"] = spelled(failures)
    return found


def ranked(board: Board, number: int) -> bool:
    """Tell whether a line's figures may be set against others': its latency, its training."""
    return not board.measured[number].flags() and not board.lines[number].tested_on


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
        every = len(missing) == len(board.whole)
        return None, "no latency" if every else f"no latency on {', '.join(missing)}"
    times = board.measured[number].times(span)
    found = figures.percentile_of(times, percent)
    wanted = f"each process needs {figures.needed(percent)}: raise latency's queries"
    few = f"too few times for {span} p{percent} ({wanted})" if times else f"no {span} time"
    return found, "" if found else few
