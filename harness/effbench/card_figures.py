"""Scores and latencies of a row, as the README of its export shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from effbench.cells import Cell, Plan
from effbench.errors import EffbenchError
from effbench.latency import figures
from effbench.latency.sessions import SHOWN, Measured
from effbench.leaderboard import Board, Line, boards
from effbench.marks import marks
from effbench.records import SUITE
from effbench.sentences import sentence
from effbench.significance import Paired, values_of

PERCENTS = (50, 95)

NO_RECORD = (
    "**Not recorded.** Where the export looked for results, no finished record of this row as "
    "it is now was found: neither scores nor times are known (`effbench run` makes them, "
    "`effbench export --results` says where they are)."
)


def lines(
    plan: Plan, cells: Sequence[Cell], results: Path, said: Callable[[str], object]
) -> Iterator[str]:
    """Yield the lines of both sections; ``said`` is told of what could not be read."""
    keys = {cell.name: cell.key for cell in cells}
    known = [
        (board, number)
        for board in _boards(plan, results, said)
        for number, line in enumerate(board.lines)
        if _records(line, keys)
    ]
    yield "## Scores"
    yield ""
    if not known:
        yield NO_RECORD
        yield ""
    for board in dict.fromkeys(board for board, _ in known):
        yield f"Mean over queries, in brackets 95 % intervals; measured on `{board.machine}`."
        yield ""
        numbers = [number for of, number in known if of is board]
        yield from _scores(board, numbers, keys)
        yield ""
        for number in numbers:
            line = board.lines[number]
            verdict = sentence(board, number)
            if verdict and len(_records(line, keys)) == len(line.records):
                yield f"- {line.name}: {verdict}"
        yield ""
    there = {name for board, number in known for name in _records(board.lines[number], keys)}
    if known and there != keys.keys():
        yield f"Not measured: {', '.join(sorted(keys.keys() - there))}."
        yield ""
    yield "## Latency"
    yield ""
    if not known:
        yield NO_RECORD
        yield ""
    for board, number in known:
        yield from _latency(board, number, keys)


def _boards(plan: Plan, results: Path, said: Callable[[str], object]) -> list[Board]:
    """Return what there is of a plan's suite, of each machine."""
    folders = sorted({path.parent for path in results.rglob(f"{plan.suite.name}/{SUITE}")})
    try:
        found = boards(folders)
    except EffbenchError as error:
        said(f"not in the README: {error}")
        return []
    for board in found:
        for unreadable in board.unreadable:
            said(f"not in the README: {unreadable}")
    return found


def _records(line: Line, keys: dict[str, str]) -> dict[str, str]:
    """Return cell -> dataset of a line's records of the row as it is now."""
    return {
        record.cell: dataset
        for dataset, record in line.records.items()
        if keys.get(record.cell) == record.key
    }


def _scores(board: Board, numbers: Sequence[int], keys: dict[str, str]) -> Iterator[str]:
    yield from _table_head(["dataset", "index", *board.measures, "queries", "measured"])
    for number in numbers:
        line = board.lines[number]
        for dataset in _records(line, keys).values():
            record = line.records[dataset]
            scores = []
            for measure in board.measures:
                values = record.per_query.get(measure)
                interval = Paired([values_of([values])]).intervals()[0] if values else None
                scores.append(interval.spelled(4) if interval else "-")
            count = len(next(iter(record.per_query.values())))
            when = f"{record.created.date()}, effbench {record.versions.get('effbench', '?')}"
            yield _table_row([dataset, line.index, *scores, str(count), when])


def _latency(board: Board, number: int, keys: dict[str, str]) -> Iterator[str]:
    """Yield the times of a line, where they were taken, and what is to be said against them."""
    line, names = board.lines[number], _records(board.lines[number], keys)
    measured = Measured([one for one in board.measured[number].cells if one[1] in names])
    if not measured.cells:
        lacking = ", ".join(board.missing[number])
        yield f"{line.name}: **not measured** on `{board.machine}` (no session of: {lacking})."
        yield ""
        return
    header = measured.cells[0][0].header
    hardware = header.fingerprint.get("platform", {}).get("hardware", {})
    terms = ", ".join(f"{name} {value}" for name, value in header.conditions.items() if value)
    yield (
        f"{line.name}, one query at a time: {hardware.get('cpu', {}).get('model', '?')} "
        f"(`{board.machine}`), {header.started.date()}; {terms}. In ms, in brackets 95 % "
        "intervals over processes."
    )
    yield ""
    against = marks(board, number)
    for what, why in against.items():
        yield f"- **{what}**: {why}"
    if measured.flags():
        yield "- so these times are not to be ranked, nor compared with those of other rows"
    if against:
        yield ""
    yield from _table_head(["span", *(f"p{percent}" for percent in PERCENTS)])
    for span in SHOWN:
        times = measured.times(span)
        if times:
            found = [figures.percentile_of(times, percent) for percent in PERCENTS]
            yield _table_row([span, *(one.spelled() if one else "too few" for one in found)])
    yield ""


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _table_row(names)
    yield _table_row(["---"] * len(names))


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
