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
from effbench.views.page import chart
from effbench.views.page.answers import answer_facts
from effbench.views.page.facts import facts

HERE = Path(__file__).parent
BUNDLE = "window.vegaEmbed = vegaEmbed;"
"""The script from which Vega's bundle is made: it gives the page the function vegaEmbed."""

WIDE = 120
"""The most characters in a line below the title of an image."""

FORMS = (".html", ".svg", ".png", ".pdf")
"""The endings of files that can hold a chart."""


def html(boards: Sequence[Board]) -> str:
    """Return the page of boards; the same boards give the same bytes.

    Raises:
        EffbenchError: the packages that draw charts are not installed.

    """
    return _filled(
        "page.html",
        data={"boards": [facts(b) | {"answer": answer_facts(b)} for b in boards]},
        chart=chart.specification([], "", "") | {"width": "container"},
        style=_texts("page.css", "answer.css"),
        script=_texts("page.js", "answer.js"),
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
    x_title = chart.x_title(board, span, percent)
    spec = chart.specification(points, x_title, board.measures[0])
    spec["background"] = "white"
    notes = (part for note in chart.notes(board, span, percent) for part in wrap(note, WIDE))
    title = f"{board.suite} on {board.machine}"
    spec["title"] = {"text": title, "anchor": "start", "subtitle": list(notes)}
    return _drawn(spec, form, f"{title}: no chart can be drawn", "take csv")


def write_chart(spec: Mapping[str, Any], output: Path) -> None:
    """Write a chart in Vega-Lite to a file; its name ends in an ending of `FORMS`.

    Raises:
        EffbenchError: the name has another ending, the chart cannot be drawn, or the packages
            that draw charts are not installed.

    """
    if output.suffix not in FORMS:
        raise EffbenchError(f"{output}: cannot be drawn (end its name in {', '.join(FORMS)})")
    if output.suffix == ".html":
        drawn: str | bytes = _filled("chart.html", title=output.stem, chart=spec)
    else:
        drawn = _drawn(spec, output.suffix[1:], f"{output}: cannot be drawn", "write .html")
    write_output(output, drawn if isinstance(drawn, bytes) else drawn.encode())


def _drawn(spec: Mapping[str, Any], form: str, failed: str, mend: str) -> str | bytes:
    """Return a chart as ``form``, an ending; ``failed`` and ``mend`` are parts of its error."""
    converter = _converter()
    try:
        drawn: str = converter.vegalite_to_svg(harmless_data(spec))
        if form == "svg":
            return drawn
        if form == "pdf":
            return bytes(converter.svg_to_pdf(drawn))
        return bytes(converter.svg_to_png(drawn, scale=2))
    except ValueError as error:  # such as for scores that differ by 1e-320
        why = str(error).partition("\n")[0].rstrip(":")
        raise EffbenchError(f"{failed}: {why} ({mend})") from error


def _filled(template: str, **values: Any) -> str:
    """Return a template filled with Vega and with these values, made harmless."""
    converter = _converter()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    # compact JSON, with its keys in their order
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    vega = converter.javascript_bundle(BUNDLE).replace("</script", "<\\/script")
    safe = {name: v if isinstance(v, str) else harmless_data(v) for name, v in values.items()}
    return environment.get_template(template).render(vega=vega, **safe)


def _converter() -> Any:
    """Return the module that draws charts; check that jinja2 is installed too."""
    try:
        import jinja2  # noqa: F401
        import vl_convert
    except ImportError as error:
        raise EffbenchError(
            f"charts and pages need {error.name} (pip install 'effbench[page]')"
        ) from error
    return vl_convert
