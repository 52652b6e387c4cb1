"""The chart of quality against latency: a Vega-Lite specification for the page and images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from effbench.board.leaderboard import Board
from effbench.board.marks import grouped, marks, ranked, time_of, unplaced

Point = Mapping[str, Any]


def points(board: Board, span: str, percent: int) -> list[Point]:
    """Return a point for each line with a score by the first measure and with this latency.

    A point has times ``x`` in milliseconds and scores ``y``, both with their bounds; ``marked``
    if the line is not ranked, and ``front`` if no ranked line is faster and better.
    """
    drawn: list[Point] = []
    for number, standing in board.standings(board.measures[0]).items():
        line = board.lines[number]
        time, _ = time_of(board, number, span, percent)
        if time is None:
            continue
        (y, *ys), (x, *xs) = standing.score, time
        y_low, y_high = (y if bound is None else bound for bound in ys)
        x_low, x_high = (x if bound is None else bound for bound in xs)
        drawn.append(
            {"name": line.row, "index": line.index or "no index",
             "kind": "encoder" if line.index else "retriever",
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
    return [*grouped(board, absent), *grouped(board, hollow)]


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

    Both `points` and the function ``points`` of page.js make such points.
    """
    bars = [
        _bar({"x": _x("x_low"), "x2": {"field": "x_high"}, "y": _y("y")}),
        _bar({"x": _x("x"), "y": _y("y_low"), "y2": {"field": "y_high"}}),
    ]
    names = {
        "mark": {"type": "text", "align": "left", "dx": 8, "dy": -6, "limit": 150},
        "encoding": {"x": _x("x"), "y": _y("y"), "text": {"field": "name"}},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 720,
        "height": 380,
        "data": {"values": [dict(point) for point in points]},
        "layer": [_front_line(), *bars, _dots(), names],
        "encoding": {"x": {"title": x_title}, "y": {"title": y_title}},
        "background": None,
        "config": {"view": {"stroke": None}, "axis": {"gridColor": "#8884", "domain": False}},
    }


def _front_line() -> dict[str, Any]:
    return {
        "transform": [{"filter": "datum.front"}],
        "mark": {
            "type": "line",
            "interpolate": "step-after",
            "color": "#888",
            "strokeDash": [4, 3],
        },
        "encoding": {"x": _x("x"), "y": _y("y"), "order": {"field": "x"}},
    }


def _dots() -> dict[str, Any]:
    """Return the layer of points: the colour shows the index, the shape shows the kind."""
    shapes = {"domain": ["encoder", "retriever"], "range": ["circle", "square"]}
    stroke = {"condition": {"test": "datum.pinned", "value": "#d00"}, "field": "index"}
    return {
        "mark": {"type": "point", "size": 70, "filled": True, "cursor": "pointer"},
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "color": {
                "field": "index",
                "type": "nominal",
                "scale": {"scheme": "tableau10"},
                "legend": {"orient": "bottom", "title": None},
            },
            "shape": {"field": "kind", "type": "nominal", "scale": shapes, "legend": None},
            "fillOpacity": {"condition": {"test": "datum.marked", "value": 0}, "value": 1},
            "stroke": stroke,
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
