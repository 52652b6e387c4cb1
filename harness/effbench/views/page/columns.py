"""The columns of the page: the text of each cell, and the value by which it is sorted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from effbench.board.leaderboard import MEAN, Board
from effbench.board.marks import marks, time_of
from effbench.board.sizes import SIZES
from effbench.latency.spans import END_TO_END
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import SHOWN, Value
from effbench.views.render import BOUNDS, starred_text, value_text
from effbench.views.tables import exact_hits

DIGITS = 6
"""The significant digits of computed figures, whose last bits differ between machines."""

PERCENTS = (50, 95)
COSTS = ("parameters", *SIZES, "index s", "memory MB", "load ms", "queries/s")
"""The beginnings of the names of columns that follow the times on the page."""

DRAWN = ("score", "kept", "speed-up")
"""The beginnings of the names of figures, beside times, that charts draw with their bounds."""

TEXT, SMALLEST, LARGEST = "text", "smallest", "largest"
"""The cells that the first click on a heading brings to the top; texts begin with A."""

Cells: TypeAlias = Sequence[Any]
"""A cell for each line: None, a text, or a list ``[text, figure]`` for people and for sorting.

If the chart draws the figure, its bounds follow in the list.
"""

Axis: TypeAlias = Mapping[tuple[str, str], Cells]
"""The figures of an axis of the chart, by the two names that the reader of the page chooses.

They are (measure, unit) for scores, and (span, percentile) for times.
"""


class Column(NamedTuple):
    """A column; it is shown if its measure and its unit are chosen. None fits any choice."""

    title: str
    first: str
    cells: Cells
    measure: str | None = None
    unit: str | None = None


def standings_of(board: Board, field: str) -> Axis:
    """Return scores or shares by measure and unit; the mean of several units comes first.

    ``field`` is ``score`` or ``kept``.
    """
    units = [MEAN, *board.units] if len(board.units) > 1 else board.units
    return {
        choice: _standing(board, choice, field) for choice in product(board.measures, units)
    }


def times_of(board: Board) -> tuple[Axis, Axis]:
    """Return the times by span and percentile, and the reasons why lines have no time."""
    times, absent = dict[tuple[str, str], Cells](), dict[tuple[str, str], Cells]()
    for span in dict.fromkeys((END_TO_END, *SHOWN)):
        for percent in PERCENTS:
            known = [time_of(board, i, span, percent) for i in range(len(board.lines))]
            choice = (span, f"p{percent}")
            if any(time for time, _ in known) or (span, "p50") in times:
                times[choice] = [_cell(f"{span} ms", *(time or ())) for time, _ in known]
                absent[choice] = [why for _, why in known]
    return times, absent


def columns(
    board: Board, scores: Axis, times: Axis, lines: Sequence[Mapping[str, Value]]
) -> Iterator[Column]:
    """Yield the columns in order; ``lines`` are the lines of the board's table."""
    yield from _quality(board, scores)
    for (span, percent), cells in times.items():
        yield Column(f"{span} {percent} ms", SMALLEST, cells)
    speedups = dict.fromkeys((f"speed-up {span}" for span, _ in times), LARGEST)
    costs = (name for line in lines for name in line if name.startswith(COSTS))
    for name, first in (speedups | dict.fromkeys(costs, SMALLEST)).items():
        parts = (name, *(f"{name} {end}" for end in BOUNDS))
        yield Column(name, first, [_cell(name, *map(line.get, parts)) for line in lines])
    for name in map(exact_hits, board.recall_measures):
        yield Column(name, LARGEST, [_cell(name, line.get(name)) for line in lines])
    for (measure, unit), (second, second_unit) in product(scores, scores):
        if second != measure and second_unit == unit:
            yield Column(second, LARGEST, scores[second, unit], measure, unit)
    for measure, unit in product(board.measures, board.units if len(board.units) > 1 else ()):
        yield Column(f"{measure} {unit}", LARGEST, scores[measure, unit], measure)
    yield Column("trained on", TEXT, [line.trained_on for line in board.lines])
    yield Column("marks", TEXT, [", ".join(marks(board, i)) for i in range(len(board.lines))])


def _quality(board: Board, scores: Axis) -> Iterator[Column]:
    """Yield rank, names and score, then the columns of the comparison with the baseline."""

    def standings(field: str, first: str, title: str = "") -> Iterator[Column]:
        for choice in scores:
            yield Column(title or field, first, _standing(board, choice, field), *choice)

    yield from standings("rank", SMALLEST)
    yield Column("row", TEXT, [line.row for line in board.lines])
    yield Column("index", TEXT, [line.index for line in board.lines])
    yield Column("vectors", TEXT, [line.vectors for line in board.lines])
    for (measure, unit), cells in scores.items():
        yield Column("mean " * (unit == MEAN) + measure, LARGEST, cells, measure, unit)
    for measure in board.measures if len(board.units) > 1 else ():
        yield Column("datasets", TEXT, _complete(board, measure), measure)
    yield from standings("kept", LARGEST)
    yield from standings("p", SMALLEST)
    yield from standings("effect", LARGEST, "effect d")


def _complete(board: Board, measure: str) -> Cells:
    """Return for each line the number of units on which it has a measure."""
    units = board.units.values()
    counts = (sum(ln.score(measure, u) is not None for u in units) for ln in board.lines)
    return [f"{count} of {len(units)}" for count in counts]


def _standing(board: Board, choice: tuple[str, str], field: str) -> Cells:
    """Return a field of each line's standing, by the measure and the unit in ``choice``."""
    known = board.standings(*choice)
    values = (getattr(known.get(i), field, None) for i in range(len(board.lines)))
    cells = [_cell(field, *(v if isinstance(v, Interval) else (v,))) for v in values]
    return _starred(board, choice[1], cells) if field == "kept" else cells


def _starred(board: Board, unit: str, cells: Cells) -> Cells:
    """Return shares with a star if the row's training saw data of the unit."""
    datasets = board.weights if unit == MEAN else board.units[unit]
    return [
        [starred_text(cell[0]), *cell[1:]] if cell and line.saw(datasets) else cell
        for line, cell in zip(board.lines, cells, strict=True)
    ]


def _cell(name: str, value: Value = None, *bounds: Value) -> list[Any] | None:
    if value is None:
        return None
    figures = (value, *bounds) if name.startswith(DRAWN) or name.endswith(" ms") else (value,)
    known = [digits(part) for part in figures if isinstance(part, float | int)]
    return [value_text(name, value, *bounds), *known]


def digits(value: float) -> float:
    """Return a computed figure, rounded to its significant digits."""
    return float(f"{value:.{DIGITS}g}")
