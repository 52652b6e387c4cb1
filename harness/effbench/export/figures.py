"""Scores and latencies of a row, as the README of its export shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.board.leaderboard import Board, boards
from effbench.board.lines import Line
from effbench.board.marks import marks
from effbench.board.sentences import sentence
from effbench.plan.cells import Cell, Plan
from effbench.run.records import SUITE
from effbench.statistics import figures
from effbench.statistics.row_latency import SHOWN, RowLatency
from effbench.statistics.significance import PairedValues, values_of
from effbench.text.printing import harmless
from effbench.views.render import markdown_text

PERCENTS = (50, 95)
OF_LATENCY = "latency "
"""What a line's marks begin with that are of its times alone."""

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
    latency_keys = {cell.name: cell.latency_key for cell in cells}
    measured = [
        (board, [i for i, line in enumerate(board.lines) if _records(line, keys)])
        for board in _boards(plan, results, said)
    ]
    measured = [(board, numbers) for board, numbers in measured if numbers]
    yield from ("## Scores", "")
    for board, numbers in measured:
        place = code(board.machine)
        yield f"Mean over queries, in brackets 95 % intervals; measured on {place}."
        yield ""
        yield from _scores(board, numbers, keys)
        yield ""
    there = {c for board, numbers in measured for i in numbers
             for c in _records(board.lines[i], keys)}  # fmt: skip
    if not measured:
        yield from (NO_RECORD, "")
    elif lacking := sorted(keys.keys() - there):
        yield from (f"Not measured: {', '.join(lacking)}.", "")
    yield from ("## Latency", "")
    for board, numbers in measured:
        for number in numbers:
            yield from _latency(board, number, keys, latency_keys)
    if not measured:
        yield from (NO_RECORD, "")


def _boards(plan: Plan, results: Path, said: Callable[[str], object]) -> list[Board]:
    """Return what there is of a plan's suite, of each machine."""
    folders = {path.parent for path in results.rglob(SUITE)}
    own = sorted(folder for folder in folders if folder.name == plan.suite.name)
    try:
        found = boards(own) if own else []
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
    """Yield a table of each record's scores, then what is to be said of the lines."""
    measures = map(markdown_text, board.measures)
    yield from _table_head(["dataset", "index", *measures, "queries", "measured"])
    remarks = []
    for number in numbers:
        line, own = board.lines[number], _records(board.lines[number], keys)
        yield from (_of_record(board, line, dataset) for dataset in own.values())
        verdict = sentence(board, number)
        if verdict and len(own) == len(line.records):  # else it is of other encoders, too
            remarks.append(f"- {markdown_text(line.name)}: {markdown_text(verdict)}")
        for what, why in marks(board, number).items():
            if not what.startswith(OF_LATENCY):
                said = map(markdown_text, (line.name, what, why))
                remarks.append("- {}: **{}**: {}".format(*said))
    yield ""
    yield from remarks


def _of_record(board: Board, line: Line, dataset: str) -> str:
    record = line.records[dataset]
    scores = []
    for measure in board.measures:
        values = record.per_query.get(measure)
        scores.append(
            PairedValues([values_of([values])]).intervals()[0].spelled(4) if values else "-"
        )
    count = len(next(iter(record.per_query.values())))
    when = f"{record.created.date()}, effbench {record.versions.get('effbench', '?')}"
    names = map(markdown_text, (dataset, line.index))
    return _table_row([*names, *scores, str(count), markdown_text(when)])


def _latency(
    board: Board, number: int, keys: dict[str, str], latency_keys: dict[str, str]
) -> Iterator[str]:
    """Yield the times of a line, where they were taken, and what is to be said against them.

    Times of a row with other options of speed do not count: ``latency_keys`` are its cells'.
    """
    line, own = board.lines[number], _records(board.lines[number], keys)
    whole = [one for one in board.latencies[number].cells if one[1] in own]
    measured = RowLatency(
        [
            (one, cell)
            for one, cell in whole
            if one.header.rows[cell].latency_key == latency_keys[cell]
        ]
    )
    name, place = markdown_text(line.name), code(board.machine)
    if not measured.cells:
        lacking = markdown_text(", ".join(board.missing[number]))
        why = "with other options of speed" if whole else f"no session of: {lacking}"
        yield f"{name}: **not measured** on {place} ({why})."
        yield ""
        return
    header = measured.cells[0][0].header
    terms = ", ".join(f"{name} {value}" for name, value in header.conditions.items() if value)
    yield (
        f"{name}, one query at a time: {markdown_text(_processor(header.fingerprint))} "
        f"({place}), {header.started.date()}; {markdown_text(terms)}. In ms, in brackets 95 % "
        "intervals over processes."
    )
    yield ""
    if flags := measured.flags():
        yield from (
            f"- **{OF_LATENCY}{flag}**: {markdown_text(why)}" for flag, why in flags.items()
        )
        yield "- so these times are not to be ranked, nor compared with those of other rows"
        yield ""
    yield from _table_head(["span", *(f"p{percent}" for percent in PERCENTS)])
    for span in SHOWN:
        if times := measured.times(span):
            found = [figures.percentile_of(times, percent) for percent in PERCENTS]
            yield _table_row([span, *(one.spelled() if one else "too few" for one in found)])
    yield ""


def _processor(facts: Any) -> str:
    for name in ("platform", "hardware", "cpu", "model"):
        facts = facts.get(name) if isinstance(facts, Mapping) else None
    return str(facts or "an unknown processor")


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _table_row(names)
    yield _table_row(["---"] * len(names))


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(name: str) -> str:
    """Return a name as Markdown shows it letter by letter, backticks too."""
    plain = harmless(" ".join(name.split()))
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    blank = " " if len(fence) > 1 else ""
    return f"{fence}{blank}{plain}{blank}{fence}"
