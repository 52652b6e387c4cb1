"""What the page knows: a board as data that its script reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from effbench.board.leaderboard import MEAN, Board
from effbench.board.marks import marks, ranked, time_of
from effbench.board.remarks import model_remarks
from effbench.board.sentences import sentence
from effbench.latency.spans import END_TO_END
from effbench.run.recorded import Done, Quoted
from effbench.statistics import figures
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import SHOWN, SPEED_UPS, RowLatency, Value
from effbench.text.printing import one_line
from effbench.views.tables import table

EXTREMES = 5
"""Queries that a cell shows of the largest wins, and of the largest losses."""

LONGEST = 200
"""Characters of a query's text."""

DIGITS = 6
"""Significant ones of figures that were computed: the last bits differ by machine."""

PERCENTS = (50, 95)
COSTS = ("parameters", "index MB", "index s", "memory MB", "load ms", "queries/s")
"""Beginnings of the table's columns that the page shows as they are."""


OWN_COSTS = ("search_seconds", "index_key")
"""Costs that a cell does not show."""


def facts(board: Board) -> dict[str, Any]:
    """Return a board as JSON can hold it."""
    units = [MEAN, *board.units] if len(board.units) > 1 else list(board.units)
    drawn = table(board)
    lines = [_line(board, number, units, own) for number, own in enumerate(drawn.lines)]
    there = {span for line in lines for span in line["latency"]}
    spans = [span for span in dict.fromkeys((END_TO_END, *SHOWN)) if span in there]
    for number, line in enumerate(lines):
        line["absent"] = _absent(board, number, spans, line["latency"])
    shared = _Shared()
    cells = {record.cell: _cell(board, i, record, shared) for i, record in _records(board)}
    return {
        "suite": board.suite,
        "machine": board.machine,
        "measures": board.measures,
        "units": units,
        "spans": spans,
        "baseline": board.baseline,
        "baseline_said": drawn.baseline,
        "lines": lines,
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
    """What many cells have in common, each once; a cell holds its number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        """Return the number of a value."""
        text = json.dumps(value)
        if text not in self._numbers:
            self._numbers[text] = len(self.values)
            self.values.append(value)
        return self._numbers[text]


def _records(board: Board) -> Iterator[tuple[int, Done]]:
    for number, line in enumerate(board.lines):
        for record in line.records.values():
            yield number, record


def _line(
    board: Board, number: int, units: Sequence[str], known: Mapping[str, Value]
) -> dict[str, Any]:
    line, measured = board.lines[number], board.latencies[number]
    ratios = {
        span: _rounded(measured.speedup(board.baseline_latency, span)) for span in SPEED_UPS
    }
    return {
        "row": line.row,
        "index": line.index,
        "flags": marks(board, number),
        "ranked": ranked(board, number),
        "trained_on": line.trained_on,
        "remarks": model_remarks(line),
        "facts": {name: known[name] for name in known if name.startswith(COSTS)},
        "standings": {
            measure: {unit: _standing(board, number, measure, unit) for unit in units}
            for measure in board.measures
        },
        "there": {
            measure: sum(line.score(measure, own) is not None for own in board.units.values())
            for measure in board.measures
        },
        "latency": dict(_latency(measured)),
        "speedup": ratios,
        "sentence": sentence(board, number),
        "cells": {name: record.cell for name, record in line.records.items()},
    }


def _standing(board: Board, number: int, measure: str, unit: str) -> dict[str, Any] | None:
    found = board.standings(measure, unit).get(number)
    if found is None:
        return None
    return {
        "score": _rounded(found.score),
        "kept": _rounded(found.kept),
        "p": found.p,
        "effect": found.effect and round(found.effect, 3),
        "rank": found.rank,
    }


def _latency(measured: RowLatency) -> Iterator[tuple[str, dict[str, Any]]]:
    for span in SHOWN:
        times = measured.times(span)
        found = {percent: figures.percentile_of(times, percent) for percent in PERCENTS}
        if found[50]:
            yield span, {f"p{percent}": _rounded(one) for percent, one in found.items()}


def _absent(
    board: Board, number: int, spans: Iterable[str], there: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """Return why a line has no place on the chart: span -> percentile -> why."""
    return {
        span: {
            f"p{percent}": time_of(board, number, span, percent)[1]
            for percent in PERCENTS
            if not there.get(span, {}).get(f"p{percent}")
        }
        for span in spans
    }


def _cell(board: Board, number: int, record: Done, shared: _Shared) -> dict[str, Any]:
    baseline = board.baselines[number]
    other = None if baseline is None else board.lines[baseline].records.get(record.dataset)
    apart = [] if other in (None, record) else _apart(record, other, board.measures[0])
    costs = to_builtins(record.costs)
    about = {
        "row": to_builtins(record.row),
        "passages": record.passages,
        "index": to_builtins(record.index),
        "search": record.search,
        "queries": record.queries,
        "costs": {name: cost for name, cost in costs.items() if name not in OWN_COSTS},
        "versions": record.versions,
        "created": "" if isinstance(record, Quoted) else record.created.isoformat(),
    }
    return {
        "dataset": record.dataset,
        "key": record.key[:8],
        "scores": {measure: _digits(value) for measure, value in record.scores.items()},
        "about": {name: shared.number(value) for name, value in about.items()},
        "wins": [one for one in apart[:EXTREMES] if one[1] > one[2]],
        "losses": [one for one in apart[: -EXTREMES - 1 : -1] if one[1] < one[2]],
    }


def _apart(record: Done, other: Done | None, measure: str) -> list[tuple[str, float, float]]:
    """Return query, own value and the baseline's, the largest win first."""
    own = record.per_query.get(measure, {})
    theirs = other.per_query.get(measure, {}) if other else {}
    both = [(query, value, theirs[query]) for query, value in own.items() if query in theirs]
    both.sort(key=lambda one: (one[2] - one[1], one[0]))
    return [(query, round(value, 4), round(their, 4)) for query, value, their in both]


def _texts(
    dataset: str, cells: Iterable[Mapping[str, Any]], known: Mapping[str, str]
) -> dict[str, str]:
    wanted = {
        one[0]
        for cell in cells
        if cell["dataset"] == dataset
        for one in (*cell["wins"], *cell["losses"])
    }
    return {query: one_line(known[query])[:LONGEST] for query in sorted(wanted & known.keys())}


def _fingerprint(board: Board) -> Any:
    """Return the machine as the latency sessions saw it."""
    found = (session.header.fingerprint for own in board.latencies for session, _ in own.cells)
    return next(found, None)


def _rounded(found: Interval | None) -> list[float | None] | None:
    return found and [one if one is None else _digits(one) for one in found]


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
