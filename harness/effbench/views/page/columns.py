"""The columns of the page: each cell as people read it, with what the script sorts it by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from effbench.board.leaderboard import MEAN, Board
from effbench.board.marks import marks, ranked, time_of
from effbench.latency.spans import END_TO_END
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import SHOWN, Value
from effbench.views.page.chart import front
from effbench.views.render import BOUNDS, spelled

DIGITS = 6
"""Significant ones of figures that were computed: the last bits differ by machine."""

PERCENTS = (50, 95)
COSTS = ("parameters", "index MB", "index s", "memory MB", "load ms", "queries/s")
"""Beginnings of the names of the table's columns that the page has after the times."""

DRAWN = ("score", " ms")
"""Ends of the names of the figures that the chart draws, with their bounds."""

TEXT, SMALLEST, LARGEST = "text", "smallest", "largest"
"""What a click on a heading brings to the top first; texts begin with A."""

Cells: TypeAlias = Sequence[Any]
"""Of each line: a text, or a list of a figure's text, the figure and its bounds if the chart
draws them, or None."""

Axis: TypeAlias = Mapping[tuple[str, str], Cells]
"""What a reader of the page chooses by two names."""


class Column(NamedTuple):
    """A column, shown where its measure and its unit are chosen; None stands for any."""

    title: str
    first: str
    cells: Cells
    measure: str | None = None
    unit: str | None = None


def scores_of(board: Board) -> Axis:
    """Return the scores by measure and unit; the mean of several units comes first."""
    units = [MEAN, *board.units] if len(board.units) > 1 else board.units
    return {
        choice: _standing(board, choice, "score") for choice in product(board.measures, units)
    }


def times_of(board: Board) -> tuple[Axis, Axis]:
    """Return the times by span and percentile, and why lines have none."""
    times, absent = dict[tuple[str, str], Cells](), dict[tuple[str, str], Cells]()
    for span in dict.fromkeys((END_TO_END, *SHOWN)):
        for percent in PERCENTS:
            known = [time_of(board, i, span, percent) for i in range(len(board.lines))]
            choice = (span, f"p{percent}")
            if any(time for time, _ in known) or (span, "p50") in times:
                times[choice] = [_cell(f"{span} ms", *(time or ())) for time, _ in known]
                absent[choice] = [why for _, why in known]
    return times, absent


def fronts(
    board: Board, scores: Axis, times: Axis
) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    """Yield an index ("" for all) with a score and a time, and the lines on their front."""
    indexes = dict.fromkeys(line.index for line in board.lines if line.index)
    fair = [number for number in range(len(board.lines)) if ranked(board, number)]
    for index in ("", *indexes):
        drawn = [i for i in fair if not index or board.lines[i].index in ("", index)]
        for (score, ys), (time, xs) in product(scores.items(), times.items()):
            places = {i: (xs[i][1], ys[i][1]) for i in drawn if xs[i] and ys[i]}
            yield (index, *score, *time), front(places)


def columns(
    board: Board, scores: Axis, times: Axis, lines: Sequence[Mapping[str, Value]]
) -> Iterator[Column]:
    """Yield the columns in order, ``lines`` being those of the board's table."""
    yield from _quality(board, scores)
    for (span, percent), cells in times.items():
        yield Column(f"{span} {percent} ms", SMALLEST, cells)
    speedups = dict.fromkeys((f"speed-up {span}" for span, _ in times), LARGEST)
    costs = (name for line in lines for name in line if name.startswith(COSTS))
    for name, first in (speedups | dict.fromkeys(costs, SMALLEST)).items():
        parts = (name, *(f"{name} {end}" for end in BOUNDS))
        yield Column(name, first, [_cell(name, *map(line.get, parts)) for line in lines])
    for (measure, unit), (other, same) in product(scores, scores):
        if other != measure and same == unit:
            yield Column(other, LARGEST, scores[other, unit], measure, unit)
    for measure, unit in product(board.measures, board.units if len(board.units) > 1 else ()):
        yield Column(f"{measure} {unit}", LARGEST, scores[measure, unit], measure)
    yield Column("trained on", TEXT, [line.trained_on for line in board.lines])
    yield Column("marks", TEXT, [", ".join(marks(board, i)) for i in range(len(board.lines))])


def _quality(board: Board, scores: Axis) -> Iterator[Column]:
    """Yield rank, names and score, and what is tested of the score."""

    def standings(field: str, first: str, title: str = "") -> Iterator[Column]:
        for choice in scores:
            yield Column(title or field, first, _standing(board, choice, field), *choice)

    yield from standings("rank", SMALLEST)
    yield Column("row", TEXT, [line.row for line in board.lines])
    yield Column("index", TEXT, [line.index for line in board.lines])
    for (measure, unit), cells in scores.items():
        yield Column("mean " * (unit == MEAN) + measure, LARGEST, cells, measure, unit)
    for measure in board.measures if len(board.units) > 1 else ():
        yield Column("datasets", TEXT, _complete(board, measure), measure)
    yield from standings("kept", LARGEST)
    yield from standings("p", SMALLEST)
    yield from standings("effect", LARGEST, "effect d")


def _complete(board: Board, measure: str) -> Cells:
    """Return on how many units each line has a measure."""
    units = board.units.values()
    counts = (sum(ln.score(measure, u) is not None for u in units) for ln in board.lines)
    return [f"{count} of {len(units)}" for count in counts]


def _standing(board: Board, choice: tuple[str, str], field: str) -> Cells:
    """Return a field of the lines' standings by a measure on a unit."""
    known = board.standings(*choice)
    values = (getattr(known.get(i), field, None) for i in range(len(board.lines)))
    return [_cell(field, *(v if isinstance(v, Interval) else (v,))) for v in values]


def _cell(name: str, value: Value = None, *bounds: Value) -> list[Any] | None:
    if value is None:
        return None
    figures = (value, *bounds) if name.endswith(DRAWN) else (value,)
    known = [digits(part) for part in figures if isinstance(part, float | int)]
    return [spelled(name, value, *bounds), *known]


def digits(value: float) -> float:
    """Return a figure that was computed, with its significant digits."""
    return float(f"{value:.{DIGITS}g}")
