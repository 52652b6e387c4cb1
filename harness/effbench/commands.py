"""Commands, for plugins: what a command of yours takes its paths by, reads and prints with.

It is part of the public face, beside `effbench` and `effbench.files`; docs/plugins.md has a
sentence on each name. Importing it is light, since every command of effbench waits for it.
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
    """Return what the records under ``folders`` hold, an item for each suite and machine.

    The ``done`` of an item are its records with scores, as docs/records.md describes them.

    Raises:
        EffbenchError: no suite has run in a folder, or nothing of it can be read.

    """
    from effbench.board import collected

    return collected.collect(folders)


def write_chart(spec: Mapping[str, Any], output: Path) -> None:
    """Write a chart, as Vega-Lite specifies it, to a file that ends in .html, .svg or .png.

    The file needs no network, and the same chart gives the same bytes. (Vega counts gradients:
    a chart that has one must be the first of its process.)

    Raises:
        EffbenchError: it cannot be drawn, or what draws is not installed.

    """
    from effbench.views import page

    page.write_chart(spec, output)
