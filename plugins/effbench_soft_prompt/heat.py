"""Heat map of the similarity of domains, drawn from the records of a row that mixes prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from effbench import EffbenchError
from effbench.commands import collect, say, write_chart


class Mix(msgspec.Struct, frozen=True):
    """The facts of a mixed prompt, as `effbench_soft_prompt.mixing` writes them."""

    similarities: dict[str, float]
    """The similarity of each source domain to the target."""

    weights: dict[str, float]
    """The weights above 0 of source domains."""

    similarity: str
    """The kind of the similarity."""


def draw(results: Path, row: str, output: Path) -> None:
    """Write the heat map of a row's records under ``results`` into the file ``output``.

    The map has a line for each target domain and a column for each source domain. The square of
    a source that has a weight shows the weight.

    Raises:
        EffbenchError: the row has no record of similarities, or the package that draws is not
            installed.

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
    """Return the chart of ``squares`` in Vega-Lite; the text on dark squares is white."""
    values = [square["similarity"] for square in squares]
    dark = f"datum.similarity < {(min(values) + max(values)) / 2}"
    color = {
        "field": "similarity",
        "type": "quantitative",
        "title": f"similarity ({kind})",
        "scale": {"scheme": "viridis"},
        # a gradient would get an id that Vega counts up, so that each drawing differs
        "legend": {"type": "symbol", "symbolType": "square"},
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
        "config": {"axis": {"labelLimit": 0}},  # names are not cut
    }


def _mixes(results: Path, row: str) -> dict[str, Mix]:
    """Return the mix of each dataset, from the row's records.

    Raises:
        EffbenchError: ``results`` holds several suites, or no record of a mix.

    """
    mixes: dict[str, Mix] = {}
    for suite in collect([results]):
        say(*(f"left out: {problem}" for problem in suite.unreadable), err=True)
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
