"""The public functions for commands: a plugin's command takes paths, reads records and prints.

This module is part of the public face, beside `effbench` and `effbench.files`. docs/plugins.md
explains each name in a sentence. The import is light, because every command of effbench waits
for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.cli.options import Place
from effbench.text.printing import put_json, say

if TYPE_CHECKING:
    from effbench.board.collected import Collected

__all__ = ["Place", "collect", "put_json", "say", "write_chart"]


def collect(folders: Iterable[Path]) -> list[Collected]:
    """Return the records under ``folders``, as one item for each suite and machine.

    An item's ``done`` holds its records with scores; docs/records.md describes a record.

    Raises:
        EffbenchError: a folder holds no record of a suite, or none that can be read.

    """
    from effbench.board import collected

    return collected.collect(folders)


def write_chart(spec: Mapping[str, Any], output: Path) -> None:
    """Write a Vega-Lite specification of a chart to an .html, .svg, .png or .pdf file.

    The file needs no network, and the same chart gives the same bytes, except in PDF. (Vega
    numbers the gradients of a process: draw a chart with a gradient before all other charts.)

    Raises:
        EffbenchError: the chart cannot be drawn, or the packages that draw are not installed.

    """
    from effbench.views import page

    page.write_chart(spec, output)
