"""Draw docs/figures/distillation.svg: what a student keeps, over the texts it learned from.

``python docs/distillation.py`` reads the published records of suites/distillation.yaml.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from effbench.views.page import vega
from effbench.views.page.curves import HUES

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "results" / "published"
FIGURE = HERE / "figures" / "distillation.svg"

STUDENTS = ("static", "gru", "2-layers", "2-layers-skipping")
"""The rows of the suite that sweep over the texts."""

KINDS = {"passages": "and MS MARCO passages", "corpora": "and the target's text"}
"""The name of a mixture in the suite -> what it holds beside search queries."""

ENDS = {"kept": "", "low": " low", "high": " high"}
"""A number of a point -> the end of its column's name."""


def texts_of(row: str) -> int:
    """Return how many different texts the training of a row has seen."""
    record = next(
        PUBLISHED.glob(f"*/distillation/scifact-train--{row.replace(' ', '-')}--*.json")
    )
    (about,) = json.loads(record.read_text(encoding="utf-8"))["models"].values()
    texts: int = about["texts"]
    return texts


def points() -> Iterator[dict[str, Any]]:
    """Yield a point for each row that sweeps over the texts."""
    command = ("effbench", "leaderboard", PUBLISHED, "--suite", "distillation")
    said = subprocess.check_output([*command, "--format", "json"], text=True)
    for line in (line for board in json.loads(said) for line in board["lines"]):
        if line["family"] in STUDENTS:
            mixture = line["setting targets"]
            yield {
                "student": line["family"],
                "texts": texts_of(line["row"]),
                "data": KINDS.get(mixture, "search queries alone"),
                **{name: line[f"kept{end}"] for name, end in ENDS.items()},
            }


def chart() -> dict[str, Any]:
    """Return the chart in Vega-Lite: a line for each student, a mark for each kind of texts."""
    kept = {
        "field": "kept",
        "type": "quantitative",
        "scale": {"zero": False},
        "axis": {
            "format": "%",
            "title": "kept of the teacher's nDCG@10 (mean of four datasets)",
        },
    }
    texts = {
        "field": "texts",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [25_000, 800_000]},
        "axis": {
            "title": "different texts (log scale)",
            "values": [3e4, 1e5, 3e5, 6e5],
            "format": "~s",
        },
    }
    colour = {"field": "student", "type": "nominal", "sort": STUDENTS, "scale": {"range": HUES}}
    queries = {"filter": "datum.data === 'search queries alone'"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": list(points())},
        "width": 460,
        "height": 300,
        "background": "white",
        "encoding": {"x": texts, "color": colour},
        "layer": [
            {"transform": [queries], "mark": "line", "encoding": {"y": kept}},
            {
                "mark": {"type": "rule", "strokeOpacity": 0.4},
                "encoding": {"y": {**kept, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"y": kept, "shape": {"field": "data", "type": "nominal"}},
            },
        ],
    }


if __name__ == "__main__":
    FIGURE.write_text(str(vega.drawn(vega.compiled(chart()), "svg")), encoding="utf-8")
