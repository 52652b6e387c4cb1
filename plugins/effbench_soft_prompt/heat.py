"""The similarity of domains as a heat map, from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from effbench import EffbenchError
from effbench.commands import collect, say, write_chart


class Mix(msgspec.Struct, frozen=True):
    """What a mixed prompt says of its domain: source -> similarity, and weight if it counts."""

    similarities: dict[str, float]
    weights: dict[str, float]
    similarity: str


def draw(results: Path, row: str, output: Path) -> None:
    """Write the heat map of a row's records under ``results``, a line for each target.

    Squares that counted have their weight written into them.

    Raises:
        EffbenchError: the row has no record of similarities, or what draws is not installed.

    """
    mixes = _mixes(results, row)
    squares = [
        {
            "target": target,
            "source": source,
            "similarity": value,
            "weight": mix.weights.get(source),
        }
        for target, mix in mixes.items()
        for source, value in mix.similarities.items()
    ]
    write_chart(_chart(squares, next(iter(mixes.values())).similarity), output)


def _chart(squares: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """Return Vega-Lite of squares; dark ones have a white text."""
    values = [square["similarity"] for square in squares]
    dark = f"datum.similarity < {(min(values) + max(values)) / 2}"
    color = {
        "field": "similarity",
        "type": "quantitative",
        "title": f"similarity ({kind})",
        "scale": {"scheme": "viridis"},
        "legend": {"type": "symbol", "symbolType": "square"},  # Vega numbers its gradients
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": list(squares)},
        "width": {"step": 45},
        "height": {"step": 32},
        "background": "white",
        "encoding": {
            "x": {"field": "source", "type": "nominal", "axis": {"labelAngle": -45}},
            "y": {"field": "target", "type": "nominal"},
        },
        "layer": [
            {"mark": "rect", "encoding": {"color": color}},
            {
                "transform": [{"filter": "isValid(datum.weight)"}],
                "mark": "text",
                "encoding": {
                    "text": {"field": "weight", "type": "quantitative", "format": ".2f"},
                    "color": {"condition": {"test": dark, "value": "white"}, "value": "black"},
                },
            },
        ],
        "config": {"axis": {"labelLimit": 0}},  # no name is cut
    }


def _mixes(results: Path, row: str) -> dict[str, Mix]:
    """Return what the row's model says of each dataset."""
    mixes: dict[str, Mix] = {}
    for suite in collect([results]):
        say(*(f"left out: {what}" for what in suite.unreadable), err=True)
        mixed = [
            (record, about)
            for record in suite.done
            if record.row.name == row
            for about in record.models.values()
            if isinstance(about, dict) and "similarities" in about
        ]
        if mixes and mixed:
            raise EffbenchError(f"{results} holds several suites (name the folder of one)")
        for record, about in mixed:
            mixes[record.dataset] = _mix(about, f"{results}: {record.cell}")
    if not mixes:
        raise EffbenchError(
            f"{results}: no record of a row {row!r} that mixes prompts (run its suite first)"
        )
    return mixes


def _mix(about: object, where: str) -> Mix:
    try:
        return msgspec.convert(about, Mix)
    except msgspec.ValidationError as error:
        raise EffbenchError(f"{where}: {error} (run the suite again)") from error
