"""The sections Scores and Latency in the README of an exported row."""

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
"""The first word of the marks that concern only the times of a line."""

NO_RECORD = (
    "**Not recorded.** The folder of results has no finished record of this row as it is now: "
    "its scores and times are not known (`effbench run` makes a record, and "
    "`effbench export --results` names the folder)."
)


def lines(
    plan: Plan, cells: Sequence[Cell], results: Path, warn: Callable[[str], object]
) -> Iterator[str]:
    """Yield the lines of both sections; ``warn`` gets a message for each unreadable file."""
    keys = {cell.name: cell.key for cell in cells}
    latency_keys = {cell.name: cell.latency_key for cell in cells}
    measured = [
        (board, [i for i, line in enumerate(board.lines) if _records(line, keys)])
        for board in _boards(plan, results, warn)
    ]
    measured = [(board, numbers) for board, numbers in measured if numbers]
    yield from ("## Scores", "")
    for board, numbers in measured:
        place = code(board.machine)
        yield f"Mean over queries, in brackets 95 % intervals; measured on {place}."
        yield ""
        yield from _scores(board, numbers, keys)
        yield ""
    recorded = {cell for board, numbers in measured for number in numbers
                for cell in _records(board.lines[number], keys)}  # fmt: skip
    if not measured:
        yield from (NO_RECORD, "")
    elif lacking := sorted(keys.keys() - recorded):
        yield from (f"Not measured: {', '.join(lacking)}.", "")
    yield from ("## Latency", "")
    for board, numbers in measured:
        for number in numbers:
            yield from _latency(board, number, keys, latency_keys)
    if not measured:
        yield from (NO_RECORD, "")


def _boards(plan: Plan, results: Path, warn: Callable[[str], object]) -> list[Board]:
    """Return the boards of a plan's suite under ``results``, a board for each machine."""
    folders = {path.parent for path in results.rglob(SUITE)}
    of_suite = sorted(folder for folder in folders if folder.name == plan.suite.name)
    try:
        suite_boards = boards(of_suite) if of_suite else []
    except EffbenchError as error:
        warn(f"not in the README: {error}")
        return []
    for board in suite_boards:
        for unreadable in board.unreadable:
            warn(f"not in the README: {unreadable}")
    return suite_boards


def _records(line: Line, keys: dict[str, str]) -> dict[str, str]:
    """Return cell -> dataset for a line's records that measured the row as it is now."""
    return {
        record.cell: dataset
        for dataset, record in line.records.items()
        if keys.get(record.cell) == record.key
    }


def _scores(board: Board, numbers: Sequence[int], keys: dict[str, str]) -> Iterator[str]:
    """Yield a table with the scores of each record, then the remarks on the lines."""
    measures = map(markdown_text, board.measures)
    yield from _table_head(["dataset", "index", *measures, "queries", "measured"])
    remarks = []
    for number in numbers:
        line = board.lines[number]
        records = _records(line, keys)
        yield from (_score_row(board, line, dataset) for dataset in records.values())
        verdict = sentence(board, number)
        if verdict and len(records) == len(line.records):  # else it judges other encoders too
            remarks.append(f"- {markdown_text(line.name)}: {markdown_text(verdict)}")
        for mark, why in marks(board, number).items():
            if not mark.startswith(OF_LATENCY):
                texts = map(markdown_text, (line.name, mark, why))
                remarks.append("- {}: **{}**: {}".format(*texts))
    yield ""
    yield from remarks


def _score_row(board: Board, line: Line, dataset: str) -> str:
    """Return the scores of a record, with 95 % intervals, as a row of Markdown."""
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
    """Yield the times of a line, the machine and conditions, and the marks of the times.

    ``latency_keys`` are the keys of the cells as they are now: times that were measured with
    other options of speed are not shown.
    """
    line = board.lines[number]
    records = _records(line, keys)
    pairs = [pair for pair in board.latencies[number].cells if pair[1] in records]
    current = [
        (session, cell)
        for session, cell in pairs
        if session.header.rows[cell].latency_key == latency_keys[cell]
    ]
    name, place = markdown_text(line.name), code(board.machine)
    if not current:
        lacking = markdown_text(", ".join(board.missing[number]))
        why = "with other options of speed" if pairs else f"no session of: {lacking}"
        yield f"{name}: **not measured** on {place} ({why})."
        yield ""
        return
    header = current[0][0].header
    terms = ", ".join(f"{name} {value}" for name, value in header.conditions.items() if value)
    yield (
        f"{name}, one query at a time: {markdown_text(_processor(header.fingerprint))} "
        f"({place}), {header.started.date()}; {markdown_text(terms)}. In ms, in brackets 95 % "
        "intervals over processes."
    )
    yield ""
    yield from _times(RowLatency(current))


def _times(measured: RowLatency) -> Iterator[str]:
    """Yield the flags of a latency, then a table of its times in milliseconds."""
    if flags := measured.flags():
        yield from (
            f"- **{OF_LATENCY}{flag}**: {markdown_text(why)}" for flag, why in flags.items()
        )
        yield "- do not rank these times, and do not compare them with times of other rows"
        yield ""
    yield from _table_head(["span", *(f"p{percent}" for percent in PERCENTS)])
    for span in SHOWN:
        if times := measured.times(span):
            values = [figures.percentile_of(times, percent) for percent in PERCENTS]
            texts = [value.spelled() if value else "too few" for value in values]
            yield _table_row([span, *texts])
    yield ""


def _processor(facts: Any) -> str:
    """Return the name of the processor in a machine's fingerprint."""
    for name in ("platform", "hardware", "cpu", "model"):
        facts = facts.get(name) if isinstance(facts, Mapping) else None
    return str(facts or "an unknown processor")


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _table_row(names)
    yield _table_row(["---"] * len(names))


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(name: str) -> str:
    """Return a name as Markdown code, which shows every character; backticks too."""
    plain = harmless(" ".join(name.split()))
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    blank = " " if len(fence) > 1 else ""
    return f"{fence}{blank}{plain}{blank}{fence}"
