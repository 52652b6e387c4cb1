"""The cells of a plan for which a run has nothing left to do."""

from __future__ import annotations

from pathlib import Path

from effbench.plan.cells import Plan
from effbench.run.results import Results
from effbench.store.artifacts import Store
from effbench.work.progress import Silent


def finished(plan: Plan, store: Store, results: Path, device: str | None) -> set[str]:
    """Return the names of cells that have a record, and a latency if the suite wants it."""
    if not results.is_dir():  # what the machine is takes a while to find out
        return set()
    folder = Results.of(results, plan)
    done = [cell for cell in plan.cells if folder.finished(cell, lambda said: None)]
    options = plan.suite.latency
    if not done or options is None:
        return {cell.name for cell in done}
    from effbench.latency.measure import unmeasured
    from effbench.work.workbench import Workbench

    bench = Workbench(store, Silent(), device)
    untimed = unmeasured(plan.cells, plan, bench, folder.folder, options)
    return {
        cell.name for cell in done if not (cell.has_latency and cell.dataset.name in untimed)
    }
