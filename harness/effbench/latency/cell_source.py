"""Hand a cell to a worker: the worker plans the suite again, and checks that it got this cell.

The worker plans from the text that the suite file had when the run began. If data, models or
plugins have changed since, the worker refuses the cell: its times would be kept under the key
of another cell.
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


class CellSource(NamedTuple):
    """What the cells of a run are planned from, and opened with."""

    suite: Suite
    data: Path
    """The folder where relative paths of the suite start."""

    cache: Path
    device: str | None

    def described(self, cell: Cell) -> dict[str, Any]:
        """Return the arguments of `open_cell` as JSON can hold them."""
        paths = {"path": self.suite.path, "data": self.data, "cache": self.cache}
        return {
            **{name: str(path.absolute()) for name, path in paths.items()},
            "text": self.suite.text,
            "device": self.device,
            "name": cell.name,
            "made_of": _digests(cell),
        }


def open_cell(
    path: str,
    text: str,
    data: str,
    cache: str,
    device: str | None,
    name: str,
    made_of: Mapping[str, Any],
) -> tuple[Cell, Workbench]:
    """Return the cell of that name in a suite's text, and a workbench to open it with.

    Raises:
        EffbenchError: a file or plugin that the cell is made of has changed, or an artifact
            that it opens is not in the cache any more.

    """
    from effbench.offers import plugins
    from effbench.plan import planner as planning
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    store = Store(Path(cache))
    memory = store.root / DIGESTS
    plan = planning.make(Path(path), plugins.load(), memory, Path(data), text)
    cell = next((cell for cell in plan.cells if cell.name == name), None)
    if cell is None or _digests(cell) != made_of:
        raise EffbenchError(f"what it is made of {SINCE}")
    for step in cell.opened:
        if store.artifact(step.kind, key_of(step)).manifest() is None:
            raise EffbenchError(f"{step.label}: its folder in the cache {SINCE}")
    return cell, Workbench(store, Silent(), device, trusting=True)


def _digests(cell: Cell) -> dict[str, Any]:
    """Return digests that change with the cell's options, data, models and plugins."""
    return {"timed": cell.timed, "code": code.of(cell.offers)}
