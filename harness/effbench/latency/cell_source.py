"""The handing of a cell to a worker: it plans the dataset again, and checks the cell.

The worker plans from the text that the suite file had when the run began. If data, models or
plugins have changed since, the worker refuses the cell: its times would be kept under the key
of another cell. The files of other datasets are not read, since they may take minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.plan.cells import Cell, Plan
from effbench.store.digests import DIGESTS
from effbench.work import code
from effbench.work.step import key_of

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench

SINCE = "has changed since the run began (run the suite again)"


class CellSource(NamedTuple):
    """What the cells of a run are planned from, and opened with."""

    plan: Plan
    cache: Path
    device: str | None

    def described(self, cell: Cell) -> dict[str, Any]:
        """Return the arguments of `open_cell` as JSON can hold them."""
        suite = self.plan.suite
        paths = {"path": suite.path, "data": self.plan.data, "cache": self.cache}
        pack = self.plan.sources.pack
        return {
            **{name: str(path.absolute()) for name, path in paths.items()},
            "text": suite.text,
            "dataset": self.plan.datasets.index(cell.dataset.name),
            "device": self.device,
            "name": cell.name,
            "made_of": _digests(cell),
            "pack": None if pack is None else str(pack.folder),
        }


def open_cell(
    path: str,
    text: str,
    dataset: int,
    data: str,
    cache: str,
    device: str | None,
    name: str,
    made_of: Mapping[str, Any],
    pack: str | None,
) -> tuple[Cell, Workbench]:
    """Return a cell of a suite's text by its name, and a workbench to open it with.

    ``dataset`` is the number of the cell's dataset in the suite, and ``pack`` the folder of an
    unpacked pack.

    Raises:
        EffbenchError: a file or plugin that the cell is made of has changed, or an artifact
            that it opens is not in the cache any more.

    """
    from effbench.offers import plugins
    from effbench.plan import planner as planning
    from effbench.plan.learned import read_unpacked
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    store = Store(Path(cache))
    memory = store.root / DIGESTS
    unpacked = None if pack is None else read_unpacked(Path(pack))
    plan = planning.make(
        Path(path), plugins.load(), memory, Path(data), text, dataset, unpacked
    )
    cell = next((cell for cell in plan.cells if cell.name == name), None)
    if cell is None or _digests(cell) != made_of:
        raise EffbenchError(f"what it is made of {SINCE}")
    for step in cell.opened:
        if store.artifact(step.kind, key_of(step)).manifest() is None:
            raise EffbenchError(f"{step.label}: its folder in the cache {SINCE}")
    return cell, Workbench(store, Silent(), device, trusting=True)


def _digests(cell: Cell) -> dict[str, Any]:
    """Return digests that change with the cell's options, data, models and plugins."""
    return {"latency_key": cell.latency_key, "code": code.of(cell.offers)}
