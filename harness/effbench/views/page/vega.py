"""Vega: compiles charts, draws them without a browser, and gives pages its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.text.printing import harmless_data

BUNDLE = "window.vegaEmbed = vegaEmbed;"
"""The script from which Vega's bundle is made: it gives the page the function vegaEmbed."""

VegaLite = Mapping[str, Any]
Vega = dict[str, Any]


class Undrawn(ValueError):
    """Vega cannot draw a chart, such as of scores that differ by 1e-320."""


def script() -> str:
    """Return Vega for a script element of a page."""
    bundle: str = _converter().javascript_bundle(BUNDLE)
    return bundle.replace("</script", "<\\/script")


def compiled(spec: VegaLite) -> Vega:
    """Return a chart in Vega; texts of its data are made harmless.

    Raises:
        Undrawn: it is no chart.

    """
    made: Vega = _called("vegalite_to_vega", harmless_data(spec))
    return made


def drawn(spec: Vega, form: str) -> str | bytes:
    """Return a chart as ``svg``, ``png`` or ``pdf``.

    Raises:
        Undrawn: it cannot be drawn.

    """
    svg: str = _called("vega_to_svg", spec)
    if form == "svg":
        return svg
    if form == "pdf":
        return bytes(_converter().svg_to_pdf(svg))
    return bytes(_converter().svg_to_png(svg, scale=2))


def scene(spec: Vega) -> Mapping[str, Any]:
    """Return the tree of what a chart draws, with places in pixels.

    Raises:
        Undrawn: it cannot be drawn.

    """
    _called("vega_to_svg", spec)  # it raises, where the next writes a traceback on stderr
    found: Mapping[str, Any] = _called("vega_to_scenegraph", spec)["scenegraph"]
    return found


def _called(name: str, spec: Mapping[str, Any]) -> Any:
    try:
        return getattr(_converter(), name)(spec)
    except ValueError as error:
        raise Undrawn(str(error).partition("\n")[0].rstrip(":")) from error


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
