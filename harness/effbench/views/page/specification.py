"""The chart of rows of the page and of images, in Vega-Lite.

Data come under the name ``rows``. The parameters say what depends on the reader's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from effbench.views.page.curves import GREY, HUES, SHAPES, Palette
from effbench.views.page.labels import LONGEST

WIDTH, HEIGHT = 720, 380
"""The size of a chart of rows, in pixels; the page sets its own width."""

_SMALL = 190
"""The room of an entry of a legend, in pixels."""

NO_PALETTE = Palette()
"""That of a page, whose script says what it draws."""

Layer = dict[str, Any]


def rows_chart(
    palette: Palette = NO_PALETTE,
    points: Sequence[Mapping[str, Any]] = (),
    *,
    x_title: str = "",
    y_title: str = "",
) -> dict[str, Any]:
    """Return the chart of rows: a point for each row, and a panel for each ``panel``.

    `effbench.views.page.chart.points` and the function ``points`` of the page make points.
    """
    rows = [palette.applied(point) for point in points]
    bars = [
        _bar({"x": _x("x_low"), "x2": {"field": "x_high"}, "y": _y("y")}),
        _bar({"x": _x("x"), "y": _y("y_low"), "y2": {"field": "y_high"}}),
    ]
    return {
        **top(rows, room=WIDTH, x_title=x_title, y_title=y_title, **palette._asdict()),
        "facet": {"field": "panel", "type": "nominal", "sort": None, "title": None},
        "columns": 1,
        "spec": {
            "width": WIDTH,
            "height": HEIGHT,
            "layer": [_front_line(), *bars, _curves(), _pins(), _dots(), _names()],
        },
        "resolve": {"scale": {"y": "independent"}, "axis": {"x": "independent"}},
    }


def top(rows: Sequence[Mapping[str, Any]] = (), **params: Any) -> dict[str, Any]:
    """Return what all charts share: their data and parameters."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "params": [{"name": name, "value": value} for name, value in params.items()],
        "data": {"name": "rows", "values": list(rows)},
        "background": None,
        "config": {"view": {"stroke": None}, "axis": {"gridColor": "#8884", "domain": False}},
    }


def _front_line() -> Layer:
    return {
        "name": "front",
        "transform": [{"filter": "datum.front"}],
        "mark": {
            "type": "line",
            "interpolate": {"expr": "datum.step"},
            "color": "#888",
            "strokeDash": [4, 3],
            "aria": False,
        },
        "encoding": {"x": _x("x"), "y": _y("y"), "order": {"field": "x"}},
    }


def _curves() -> Layer:
    """Return the layer of curves, which `effbench.views.page.curves` explains."""
    return {
        "name": "curve",
        "transform": [{"filter": "datum.curve"}],
        "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.7, "aria": False},
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "stroke": _method(_legend("row")),
            "detail": {"field": "curve"},
            "order": {"field": "place", "type": "quantitative"},
        },
    }


def _dots() -> Layer:
    """Return the layer of points: a colour for each method, a shape for each index."""
    shapes = {"domain": {"expr": "indexes"}, "range": list(SHAPES)}
    shape = {"field": "index", "type": "nominal", "scale": shapes, "legend": _legend("index")}
    return {
        "name": "dots",
        "mark": {"type": "point", "size": 70, "cursor": "pointer", "opacity": 1, "fill": GREY},
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "fill": _method(_legend("row")),
            "stroke": _method(_legend("row")),
            "shape": shape,
            "fillOpacity": {"condition": {"test": "datum.marked", "value": 0}, "value": 1},
            "description": {"field": "description"},
        },
    }


def _pins() -> Layer:
    """Return the layer of rings around pinned rows."""
    return {
        "transform": [{"filter": "datum.pinned"}],
        "mark": {
            "type": "point",
            "size": 260,
            "stroke": "#d00",
            "strokeWidth": 2,
            "opacity": 1,
            "aria": False,
        },
        "encoding": {"x": _x("x"), "y": _y("y")},
    }


def _names() -> Layer:
    """Return the layer of names: those of the front and of pinned rows, then those of curves.

    A curve has its name at its end. `effbench.views.page.labels` places the names: there the
    description tells which name is that of which point.
    """
    last = {
        "window": [{"op": "row_number", "as": "nth"}],
        "groupby": ["panel", "curve"],
        "sort": [{"field": "place", "order": "descending"}],
    }
    of_curve = "datum.curve && datum.nth == 1"
    return {
        "name": "names",
        "transform": [
            last,
            {"calculate": "datum.pinned ? 0 : datum.front ? 1 : 2", "as": "turn"},
            {"filter": f"datum.turn < 2 || ({of_curve})"},
            {"calculate": "datum.turn < 2 ? datum.name : datum.curve", "as": "label"},
        ],
        "mark": {"type": "text", "limit": LONGEST},
        "encoding": {
            "x": _x("x"),
            "y": _y("y"),
            "text": {"field": "label"},
            "description": {"field": "id"},
        },
    }


def _bar(encoding: dict[str, Any]) -> Layer:
    return {"mark": {"type": "rule", "opacity": 0.5, "aria": False}, "encoding": encoding}


def _method(legend: dict[str, Any]) -> dict[str, Any]:
    scale = {"domain": {"expr": "methods"}, "range": [*HUES, GREY]}
    return {"field": "method", "type": "nominal", "scale": scale, "legend": legend}


def _legend(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "orient": "bottom",
        "labelLimit": _SMALL - 30,
        "columns": {"expr": f"max(1, floor(room / {2 * _SMALL}))"},
    }


def _x(field: str) -> dict[str, Any]:
    """Return a logarithmic axis: numbers at 1, 2 and 5, or at all lines within a decade."""
    wide = "domain('x')[1] / domain('x')[0] > 10"
    first = "round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9)))"
    text = "format(datum.value, '~g')"
    axis = {
        "tickCount": 8,
        "title": {"expr": "x_title"},
        "labelExpr": f"{wide} && indexof([1, 2, 5], {first}) < 0 ? '' : {text}",
        "labelOverlap": "greedy",
    }
    scale = {"type": "log", "nice": False, "padding": 24}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _y(field: str) -> dict[str, Any]:
    return linear(field, {"zero": False, "padding": 16})


def linear(field: str, scale: Mapping[str, Any]) -> dict[str, Any]:
    """Return a linear axis; the parameter ``x_title`` or ``y_title`` is its title."""
    axis = {"title": {"expr": f"{field[0]}_title"}}
    return {"field": field, "type": "quantitative", "scale": dict(scale), "axis": axis}
