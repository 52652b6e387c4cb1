"""The other charts of the page, in Vega-Lite: rows x datasets, and the queries of two rows."""

from __future__ import annotations

from typing import Any

from effbench.views.page.curves import HUES
from effbench.views.page.specification import HEIGHT, WIDTH, linear, top

_ROW_HEIGHT = 20
"""The height of a row of a heat map, in pixels."""


def heat_map() -> dict[str, Any]:
    """Return rows x datasets; ``share`` is a score's place among those of its dataset."""
    x = {
        "field": "dataset",
        "type": "nominal",
        "sort": None,
        "axis": {"orient": "top", "title": None, "labelAngle": -30, "labelLimit": 130},
    }
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelLimit": 220},
    }
    shade = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0, 0.6]},
        "legend": None,
    }
    weight = {"expr": "datum.share === 1 ? 'bold' : 'normal'"}
    return {
        **top(),
        "width": WIDTH,
        "height": {"step": _ROW_HEIGHT},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "name": "dots",
                "mark": {"type": "rect", "color": HUES[0]},
                "encoding": {"opacity": shade, "description": {"field": "description"}},
            },
            {
                "mark": {"type": "text", "aria": False, "fontWeight": weight},
                "encoding": {"text": {"field": "text"}},
            },
        ],
    }


def queries_chart() -> dict[str, Any]:
    """Return the scatter of two rows: a point for each query, and the line of equal scores."""
    scale = {"domain": [0, 1], "padding": 4}
    return {
        **top(x_title="", y_title=""),
        "width": HEIGHT,
        "height": HEIGHT,
        "layer": [
            {
                "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
                "mark": {"type": "line", "color": "#888", "strokeDash": [4, 3]},
                "encoding": {"x": linear("x", scale), "y": linear("y", scale)},
            },
            {
                "name": "dots",
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.45},
                "encoding": {
                    "x": linear("x", scale),
                    "y": linear("y", scale),
                    "color": {
                        "field": "dataset",
                        "type": "nominal",
                        "sort": None,
                        "scale": {"scheme": "tableau10"},
                        "legend": {"orient": "bottom", "title": None, "columns": 2},
                    },
                    "description": {"field": "description"},
                },
            },
        ],
    }
