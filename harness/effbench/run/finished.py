"""The cells of a plan that are finished: a run has no work left for them."""

from __future__ import annotations

from pathlib import Path

from effbench.plan.cells import Plan
from effbench.run.results import Results
from effbench.store.artifacts import Store
from effbench.work.progress import Silent


def finished_cells(plan: Plan, store: Store, results: Path, device: str | None) -> set[str]:
    """Return the names of the cells with a record, and with a latency if the suite wants it."""
    if not results.is_dir():  # `Results.of` reads the machine's facts, which is slow
        return set()
    folder = Results.of(results, plan)
    done = [cell for cell in plan.cells if folder.finished(cell)]
    options = plan.suite.latency
    if not done or options is None:
        return {cell.name for cell in done}
    from effbench.latency.measure import unmeasured_datasets
    from effbench.work.workbench import Workbench

    bench = Workbench(store, Silent(), device)
    untimed = unmeasured_datasets(plan.cells, plan, bench, folder.folder, options)
    return {
        cell.name for cell in done if not (cell.has_latency and cell.dataset.name in untimed)
    }
