"""The chart of quality against latency: a Vega-Lite specification for the page and images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from effbench.board.leaderboard import Board
from effbench.board.marks import grouped, marks, ranked, time_of, unplaced
from effbench.views.page.curves import looks, sweep_of

Point = Mapping[str, Any]

CURVES = "Coloured lines: rows of a sweep that differ in one option, in the suite's order."

FEW = 8
"""The most points of sweeps on a chart on which each of them has its name."""

FEW_CURVES = 12
"""The most curves on a chart on which each of them has its name."""

_COLOUR = {
    "field": "colour",
    "type": "nominal",
    "scale": {"scheme": "tableau10"},
    "legend": {"orient": "bottom", "title": None, "labelLimit": 300},
}


def points(board: Board, span: str, percent: int) -> list[Point]:
    """Return a point for each line with a score by the first measure and with this latency.

    A point has times ``x`` in milliseconds and scores ``y``, both with their bounds; ``marked``
    if the line is not ranked, and ``front`` if no ranked line is faster and better.
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
            {**shown[number],
             "x": x, "x_low": x_low, "x_high": x_high, "y": y, "y_low": y_low, "y_high": y_high,
             "marked": not ranked(board, number), "description": line.row}
        )  # fmt: skip
    fair = {i: (point["x"], point["y"]) for i, point in enumerate(drawn) if not point["marked"]}
    best = front(fair)
    return [{**point, "front": i in best} for i, point in enumerate(drawn)]


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


def specification(points: Sequence[Point], x_title: str, y_title: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart.

    Both `points` and the function ``points`` of page.js make such points. If a layer has
    a name, it draws the points that have the field of that name; page.js leaves it out if none
    has.
    """
    bars = [
        _bar({"x": _x("x_low"), "x2": {"field": "x_high"}, "y": _y("y")}),
        _bar({"x": _x("x"), "y": _y("y_low"), "y2": {"field": "y_high"}}),
    ]
    names = {
        "transform": _naming(),
        "mark": {"type": "text", "align": "left", "dx": 8, "dy": -6, "limit": 300},
        "encoding": {"x": _x("x"), "y": _y("y"), "text": {"field": "label"}},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 720,
        "height": 380,
        "data": {"values": [dict(point) for point in points]},
        "layer": [_front_line(), *bars, _curves(), _dots(), names],
        "encoding": {"x": {"title": x_title}, "y": {"title": y_title}},
        "background": None,
        "config": {"view": {"stroke": None}, "axis": {"gridColor": "#8884", "domain": False}},
    }


def _front_line() -> dict[str, Any]:
    return {
        "name": "front",
        "transform": [{"filter": "datum.front"}],
        "mark": {
            "type": "line",
            "interpolate": "step-after",
            "color": "#888",
            "strokeDash": [4, 3],
        },
        "encoding": {"x": _x("x"), "y": _y("y"), "order": {"field": "x"}},
    }


def _curves() -> dict[str, Any]:
    """Return the layer of curves, which `effbench.views.page.curves` explains."""
    order = {"field": "place", "type": "quantitative"}
    return {
        "name": "curve",
        "transform": [{"filter": "datum.curve"}],
        "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.7},
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "color": _COLOUR,
            "detail": {"field": "curve"},
            "order": order,
        },
    }


def _naming() -> list[dict[str, Any]]:
    """Return the transforms that give points their names, or curves if they are many.

    A curve has its name at its end.
    """
    counts = [
        {"op": "valid", "field": "curve", "as": "swept"},
        {"op": "distinct", "field": "curve", "as": "curves"},
    ]
    last = {
        "window": [{"op": "row_number", "as": "nth"}],
        "groupby": ["curve"],
        "sort": [{"field": "place", "order": "descending"}],
    }
    whole = f"!datum.curve || datum.swept <= {FEW}"
    at_end = f"datum.nth == 1 && datum.curves <= {FEW_CURVES}"
    return [
        {"joinaggregate": counts},
        last,
        {"filter": f"{whole} || {at_end}"},
        {"calculate": f"{whole} ? datum.name : datum.curve", "as": "label"},
    ]


def _dots() -> dict[str, Any]:
    """Return the layer of points: colours show sweeps and indexes, shapes show kinds."""
    shapes = {"domain": ["encoder", "retriever"], "range": ["circle", "square"]}
    # as a field of the encoding, the stroke would get a legend beside that of the curves
    stroke = {"expr": "datum.pinned ? '#d00' : scale('color', datum.colour)"}
    point = {"type": "point", "size": 70, "filled": True, "cursor": "pointer", "stroke": stroke}
    return {
        "mark": point,
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "color": _COLOUR,
            "shape": {"field": "kind", "type": "nominal", "scale": shapes, "legend": None},
            "fillOpacity": {"condition": {"test": "datum.marked", "value": 0}, "value": 1},
            "strokeWidth": {"value": 2},
            "description": {"field": "description"},
        },
    }


def _bar(encoding: Mapping[str, Any]) -> dict[str, Any]:
    return {"mark": {"type": "rule", "opacity": 0.5}, "encoding": dict(encoding)}


def _x(field: str) -> dict[str, Any]:
    scale = {"type": "log", "nice": False, "padding": 24}
    axis = {"tickCount": 6, "format": "~g"}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _y(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "scale": {"zero": False, "padding": 16}}
