"""Leaderboards as one HTML page that needs no network, and charts as images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.board.leaderboard import Board
from effbench.store.disk import write_output
from effbench.text.printing import harmless_data
from effbench.views.page import chart, further_charts, labels, specification, vega
from effbench.views.page.answers import answer_facts
from effbench.views.page.curves import looks, palette
from effbench.views.page.facts import facts

HERE = Path(__file__).parent
SCRIPTS = (
    "base.js", "chart.js", "queries.js", "table.js", "copied.js", "cell.js", "link.js",
    "answer.js", "start.js",
)  # fmt: skip
"""The parts of the page's script in their order; they share their names."""

VALUES = 120_000
"""The most values of single queries on a page; each takes some four bytes."""

WIDE = 120
"""The most characters in a line below the title of an image."""

FORMS = (".html", ".svg", ".png", ".pdf")
"""The endings of files that can hold a chart."""


def html(boards: Sequence[Board]) -> str:
    """Return the page of boards; the same boards give the same bytes.

    Raises:
        EffbenchError: the packages that draw charts are not installed.

    """
    charts = {
        "rows": labels.on_page(vega.compiled(specification.rows_chart())),
        "heat map": vega.compiled(further_charts.heat_map()),
        "queries": vega.compiled(further_charts.queries_chart()),
    }
    most = VALUES // len(boards)
    return _filled(
        "page.html",
        data={"boards": [facts(b, most) | {"answer": answer_facts(b)} for b in boards]},
        charts=charts,
        style=_texts("page.css", "answer.css"),
        script=_texts(*SCRIPTS),
    )


def _texts(*names: str) -> str:
    """Return files of this folder, one after the other."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


def image(board: Board, span: str, percent: int, form: str) -> str | bytes:
    """Return a board's chart as ``svg``, ``png`` or ``pdf``; its quality is the first measure.

    Raises:
        EffbenchError: no row has a score and a latency, the chart cannot be drawn, or the
            packages that draw charts are not installed.

    """
    points = chart.points(board, span, percent)
    if not points:
        raise EffbenchError(
            f"{board.suite} on {board.machine}: no row with a score and a latency of {span} "
            f"p{percent} (run the suite with latency, or say another --span)"
        )
    title = f"{board.suite} on {board.machine}"
    spec = specification.rows_chart(
        palette(looks(board), chart.foremost(board)),
        sorted(points, key=lambda point: not point["front"]),
        x_title=chart.x_title(board, span, percent),
        y_title=board.measures[0],
    )
    notes = (part for note in chart.notes(board, span, percent) for part in wrap(note, WIDE))
    spec["background"] = "white"
    spec["title"] = {"text": title, "anchor": "start", "subtitle": list(notes)}
    try:
        return vega.drawn(labels.on_image(vega.compiled(spec)), form)
    except vega.Undrawn as error:
        raise EffbenchError(f"{title}: no chart can be drawn: {error} (take csv)") from error


def write_chart(spec: Mapping[str, Any], output: Path) -> None:
    """Write a chart in Vega-Lite to a file; its name ends in an ending of `FORMS`.

    Raises:
        EffbenchError: the name has another ending, the chart cannot be drawn, or the packages
            that draw charts are not installed.

    """
    if output.suffix not in FORMS:
        raise EffbenchError(f"{output}: cannot be drawn (end its name in {', '.join(FORMS)})")
    try:
        compiled = vega.compiled(spec)
        if output.suffix == ".html":
            drawn: str | bytes = _filled("chart.html", title=output.stem, chart=compiled)
        else:
            drawn = vega.drawn(compiled, output.suffix[1:])
    except vega.Undrawn as error:
        raise EffbenchError(f"{output}: cannot be drawn: {error} (write .html)") from error
    write_output(output, drawn if isinstance(drawn, bytes) else drawn.encode())


def _filled(template: str, **values: Any) -> str:
    """Return a template filled with Vega and with these values, made harmless."""
    script = vega.script()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    # compact JSON, with its keys in their order
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    safe = {name: v if isinstance(v, str) else harmless_data(v) for name, v in values.items()}
    return environment.get_template(template).render(vega=script, **safe)
