"""The data of the page: a board as JSON, which the page's script reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from effbench.board.leaderboard import Board
from effbench.board.marks import marks, ranked
from effbench.board.remarks import model_remarks
from effbench.board.sentences import sentence
from effbench.run.recorded import Done, Quoted
from effbench.text.printing import one_line
from effbench.views.page.chart import foremost
from effbench.views.page.columns import columns, digits, standings_of, times_of
from effbench.views.page.curves import looks, palette
from effbench.views.page.values import query_values
from effbench.views.tables import exact_hits, table

EXTREMES = 5
"""The number of largest wins, and of largest losses, that a cell shows."""

LONGEST = 200
"""The most characters of a query's text."""

HIDDEN_COSTS = ("search_seconds", "index_key")
"""The costs that a cell does not show."""


ABOUT = (
    "row", "passages", "index", "search", "queries", "costs", "versions", "created",
)  # fmt: skip
"""What is known of a cell beside its scores; cells share most of it."""


def facts(board: Board, most_values: int) -> dict[str, Any]:
    """Return a board for JSON. Other parts refer to values in ``shared`` by their number.

    ``most_values`` is the most values of single queries that the board may have.
    """
    drawn, shared, scores = table(board), _Shared(), standings_of(board, "score")
    times, absent = times_of(board)
    first, shown = foremost(board), looks(board)
    colours = palette(shown, first)
    cells = {record.cell: _cell(board, i, record, shared) for i, record in _records(board)}
    return {
        "suite": board.suite,
        "machine": board.machine,
        "measures": board.measures,
        "units": list(dict.fromkeys(unit for _, unit in scores)),
        "spans": list(dict.fromkeys(span for span, _ in times)),
        "scores": shared.chosen(scores.items()),
        "times": shared.chosen(times.items()),
        "absent": shared.chosen(absent.items()),
        "kept": shared.chosen(standings_of(board, "kept").items()),
        **colours._asdict(),
        "values": query_values(board, first, most_values),
        "columns": [
            column._asdict() | {"cells": shared.number(column.cells)}
            for column in columns(board, scores, times, drawn.lines)
            if any(column.cells) or column.title == "row"
        ],
        "baseline": board.baseline,
        "baseline_said": drawn.baseline,
        "lines": [
            _line(board, number) | {"look": colours.applied(look)}
            for number, look in enumerate(shown)
        ],
        "about": ABOUT,
        "cells": cells,
        "shared": shared.values,
        "remarks": [*board.unreadable, *board.remarks],
        "fingerprint": _fingerprint(board),
        "texts": {
            name: known
            for name in board.weights
            if (known := _texts(name, cells.values(), board.collected.texts.get(name, {})))
        },
    }


class _Shared:
    """Values that several parts of a board share: each is stored once, and has a number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        """Return the number of a value; store the value if it is new."""
        text = json.dumps(value)
        if text not in self._numbers:
            self._numbers[text] = len(self.values)
            self.values.append(value)
        return self._numbers[text]

    def chosen(self, values: Iterable[tuple[Sequence[str], Any]]) -> dict[str, int]:
        """Return the numbers of values, by the names with which the reader chooses them."""
        return {"\t".join(names): self.number(value) for names, value in values}


def _records(board: Board) -> Iterator[tuple[int, Done]]:
    for number, line in enumerate(board.lines):
        for record in line.records.values():
            yield number, record


def _line(board: Board, number: int) -> dict[str, Any]:
    line = board.lines[number]
    return {
        "row": line.row,
        "index": line.index,
        "flags": marks(board, number),
        "ranked": ranked(board, number),
        "trained_on": line.trained_on,
        "remarks": model_remarks(line),
        "sentence": sentence(board, number),
        "cells": {name: record.cell for name, record in line.records.items()},
    }


def _cell(board: Board, number: int, record: Done, shared: _Shared) -> dict[str, Any]:
    baseline = board.baselines[number]
    reference = None if baseline is None else board.lines[baseline].records.get(record.dataset)
    pairs = [] if reference in (None, record) else _pairs(record, reference, board.measures[0])
    costs = to_builtins(record.costs)
    recall = (
        {exact_hits(m): v for m, v in record.recall.scores.items()} if record.recall else {}
    )
    about = {
        "row": to_builtins(record.row),
        "passages": record.passages,
        "index": to_builtins(record.index),
        "search": record.search,
        "queries": record.queries,
        "costs": {name: cost for name, cost in costs.items() if name not in HIDDEN_COSTS},
        "versions": record.versions,
        "created": "" if isinstance(record, Quoted) else record.created.isoformat(),
    }
    return {
        "dataset": record.dataset,
        "key": record.key[:8],
        "scores": {
            measure: digits(value) for measure, value in (record.scores | recall).items()
        },
        "about": [shared.number(about[name]) for name in ABOUT],
        "wins": [pair for pair in pairs[:EXTREMES] if pair[1] > pair[2]],
        "losses": [pair for pair in pairs[: -EXTREMES - 1 : -1] if pair[1] < pair[2]],
    }


def _pairs(
    record: Done, reference: Done | None, measure: str
) -> list[tuple[str, float, float]]:
    """Return each query with its value in both records, the largest win of ``record`` first."""
    values = record.per_query.get(measure, {})
    baseline = reference.per_query.get(measure, {}) if reference else {}
    pairs = [(query, values[query], baseline[query]) for query in values if query in baseline]
    pairs.sort(key=lambda pair: (pair[2] - pair[1], pair[0]))
    return [(query, round(value, 4), round(base, 4)) for query, value, base in pairs]


def _texts(
    dataset: str, cells: Iterable[Mapping[str, Any]], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the texts of the queries that the cells of a dataset show, by query id."""
    queries = {
        query
        for cell in cells
        if cell["dataset"] == dataset
        for query, *_ in (*cell["wins"], *cell["losses"])
    }
    return {query: one_line(known[query])[:LONGEST] for query in sorted(queries & known.keys())}


def _fingerprint(board: Board) -> Any:
    """Return the fingerprint of the machine in the first latency session, or None."""
    sessions = (session for latency in board.latencies for session, _ in latency.cells)
    return next((session.header.fingerprint for session in sessions), None)
