"""The rows on an image of quality against latency: their points, the front, the notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from effbench.board.leaderboard import Board
from effbench.board.marks import grouped, marks, ranked, time_of, unplaced
from effbench.latency.spans import END_TO_END
from effbench.views.page.curves import looks, sweep_of

Point = Mapping[str, Any]

CURVES = "Lines: rows of a sweep that differ in one option, in the suite's order."


def points(board: Board, span: str, percent: int) -> list[Point]:
    """Return a point for each line with a score by the first measure and with this latency.

    A point has times ``x`` in milliseconds and scores ``y``, both with their bounds; ``marked``
    if the line is not ranked, and ``front`` if no ranked line is faster and better. Its ``id``
    is the number of the line.
    """
    drawn: list[Point] = []
    shown = looks(board)
    for number, standing in board.standings(board.measures[0]).items():
        line = board.lines[number]
        time, _ = time_of(board, number, span, percent)
        if time is None:
            continue
        (y, *ys), (x, *xs) = standing.score, time
        y_low, y_high = (y if bound is None else bound for bound in ys)
        x_low, x_high = (x if bound is None else bound for bound in xs)
        drawn.append(
            {**shown[number], "id": number, "panel": "", "step": "step-after",
             "x": x, "x_low": x_low, "x_high": x_high, "y": y, "y_low": y_low, "y_high": y_high,
             "marked": not ranked(board, number), "description": line.row}
        )  # fmt: skip
    best = front({p["id"]: (p["x"], p["y"]) for p in drawn if not p["marked"]})
    return [{**point, "front": point["id"] in best} for point in drawn]


def foremost(board: Board) -> list[int]:
    """Return the baseline and the lines on the front of whole answers at the median."""
    baseline = [] if board.baseline is None else [board.baseline]
    on_front = [point["id"] for point in points(board, END_TO_END, 50) if point["front"]]
    return list(dict.fromkeys(baseline + on_front))


def notes(board: Board, span: str, percent: int) -> list[str]:
    """Return the notes below a chart: rows that are absent or hollow, and the reasons."""
    absent = unplaced(board, span, percent)
    hollow = {
        number: f"hollow, not ranked ({'; '.join(marks(board, number))})"
        for number in range(len(board.lines))
        if number not in absent and not ranked(board, number)
    }
    swept = [CURVES] if any(map(sweep_of, board.lines)) else []
    return [*swept, *grouped(board, absent), *grouped(board, hollow)]


def x_title(board: Board, span: str, percent: int) -> str:
    """Return the title of the time axis."""
    every = ", all datasets" if len(board.units) > 1 else ""
    return f"{span} p{percent}, ms{every}"


def front(places: Mapping[int, tuple[float, float]]) -> list[int]:
    """Return the numbers of the lines on the front: no line is faster and at least as good.

    Lines with equal time and score are all on the front. ``places`` has the time and the score
    of each line that may be on the front, by the line's number.
    """
    best: list[int] = []
    for number in sorted(places, key=lambda n: (places[n][0], -places[n][1], n)):
        last = places[best[-1]] if best else (-math.inf, -math.inf)
        if places[number][1] > last[1] or places[number] == last:
            best.append(number)
    return best
