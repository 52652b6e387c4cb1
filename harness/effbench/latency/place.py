"""What workers are told of their cells: the plan of the run, not what the files say by now.

A worker plans the suite once more, from the text that the run began with. What comes out must
be what the run has planned, else a figure would be filed under another cell's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.plan.cells import Cell
from effbench.plan.suite import Suite
from effbench.store.digests import DIGESTS
from effbench.work import code
from effbench.work.step import key_of

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench

SINCE = "has changed since the run began (run the suite again)"


class Place(NamedTuple):
    """Where a worker finds its cell."""

    suite: Suite
    data: Path
    cache: Path
    device: str | None

    def spelled(self, cell: Cell) -> dict[str, Any]:
        """Return what `opened` takes, as another process can read it."""
        paths = {"path": self.suite.path, "data": self.data, "cache": self.cache}
        return {
            **{name: str(path.absolute()) for name, path in paths.items()},
            "text": self.suite.text,
            "device": self.device,
            "name": cell.name,
            "made_of": _made_of(cell),
        }


def opened(
    path: str,
    text: str,
    data: str,
    cache: str,
    device: str | None,
    name: str,
    made_of: Mapping[str, Any],
) -> tuple[Cell, Workbench]:
    """Return the cell that a suite's text comes to, and where it is opened.

    Raises:
        EffbenchError: files or plugins that it is made of have changed, its artifacts are gone.

    """
    from effbench.offers import plugins
    from effbench.plan import planner as planning
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    store = Store(Path(cache))
    memory = store.root / DIGESTS
    plan = planning.make(Path(path), plugins.load(), memory, Path(data), text)
    cell = next((one for one in plan.cells if one.name == name), None)
    if cell is None or _made_of(cell) != made_of:
        raise EffbenchError(f"what it is made of {SINCE}")
    for step in cell.opened:
        if store.artifact(step.kind, key_of(step)).manifest() is None:
            raise EffbenchError(f"{step.label}: its folder in the cache {SINCE}")
    return cell, Workbench(store, Silent(), device, trusting=True)


def _made_of(cell: Cell) -> dict[str, Any]:
    """Return what tells a cell from one of its name: options, data, models, plugins."""
    return {"timed": cell.timed, "code": code.of(cell.offers)}
