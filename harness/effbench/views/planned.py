"""The lines and the JSON of ``effbench plan``."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.plan import bill, costs, lineage
from effbench.text.words import counted, shortened

if TYPE_CHECKING:
    from effbench.plan.cells import Cell, Plan
    from effbench.plan.costs import Facts
    from effbench.work.step import Step


def plan_facts(plan: Plan, facts: Facts, finished: Container[str] = ()) -> dict[str, Any]:
    """Return the rows, steps (inputs first), cells and costs of a plan, for JSON.

    ``finished`` holds the names of cells that a run does not repeat. A step that only they
    read is not to do.
    """
    states = {key: facts.state(step) for key, step in plan.steps().items()}
    to_do = _to_do(plan, facts, states, finished)
    steps = [
        {
            "kind": step.kind,
            "key": key,
            "label": step.label,
            "done": states[key] == [],
            "to_do": key in to_do,
            "damaged": [str(path) for path in states[key] or ()],
        }
        for key, step in plan.steps().items()
    ]
    return {
        "datasets": list(plan.datasets),
        "rows": _rows(plan, finished),
        "steps": steps,
        "cells": [
            {
                "name": cell.name,
                "dataset": cell.dataset.name,
                "row": cell.row.name,
                "index": cell.index and cell.index.name,
                "key": cell.key,
                "done": cell.name in finished,
            }
            for cell in plan.cells
        ],
        "costs": bill.described_costs(plan, list(to_do.values()), facts, finished),
    }


def plan_lines(plan: Mapping[str, Any], with_steps: bool) -> Iterator[str]:
    """Yield a plan, given as `plan_facts` returns it, as lines for people."""
    steps, cells = plan["steps"], plan["cells"]
    for step in steps:
        if with_steps or step["damaged"]:
            yield _step(step)
    for cell in cells if with_steps else ():
        state = "  (finished)" * cell["done"]
        yield f"cell   {cell['key'][:10]}  {cell['name']}{state}"
    yield from (f"row    {_row(row, len(plan['datasets']))}" for row in plan["rows"])
    yield from (f"cost   {line}" for line in bill.spelled_costs(plan["costs"]))
    todo, done = sum(step["to_do"] for step in steps), sum(cell["done"] for cell in cells)
    of_cells = f"{counted(len(cells), 'cells')}{f' ({done:,} finished)' if done else ''}"
    yield f"{of_cells}, {counted(len(steps), 'steps')}, {todo:,} of them to do"


def _to_do(
    plan: Plan, facts: Facts, states: Mapping[str, Any], finished: Container[str]
) -> dict[str, Step]:
    """Return key -> step for the steps that a run must make, and for damaged steps."""
    cells = [cell for cell in plan.cells if cell.name not in finished]
    needed = costs.steps_left([step for cell in cells for step in cell.read], facts)
    return {key: step for key, step in plan.steps().items() if key in needed or states[key]}


def _rows(plan: Plan, finished: Container[str]) -> list[dict[str, Any]]:
    """Return each row that has cells, with its datasets."""
    cells_by_row: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        cells_by_row.setdefault(cell.row.name, []).append(cell)
    return [
        {
            "row": name,
            "section": cells[0].row.offer.section,
            "use": cells[0].row.offer.name,
            "ready": not _is_of_suite(plan, cells[0]),
            "datasets": list(dict.fromkeys(cell.dataset.name for cell in cells)),
            "trained_on_judgments_of": _trained_on_judgments_of(cells),
            "cells": len(cells),
            "finished": sum(cell.name in finished for cell in cells),
        }
        for name, cells in cells_by_row.items()
    ]


def _is_of_suite(plan: Plan, cell: Cell) -> bool:
    """Tell whether the row of a cell stands in the suite; if not, a plugin brings it."""
    entries = plan.suite.entries(cell.row.offer.section)
    return not {entry.family for entry in entries}.isdisjoint(cell.row.names)


def _trained_on_judgments_of(cells: Sequence[Cell]) -> list[str]:
    """Return the datasets on whose judgments a row is trained, and measured."""
    by_name = {cell.dataset.name: cell for cell in cells}
    return [
        name
        for name, cell in by_name.items()
        if "judgments" in lineage.seen(cell.row, cell.dataset)
    ]


def _step(step: Mapping[str, Any]) -> str:
    state = "done" if step["done"] else "to do" if step["to_do"] else "spare"
    state = "again" if step["damaged"] else state
    lost = f": {step['damaged'][0]} is lost or damaged" if step["damaged"] else ""
    return f"{state:5}  {step['key'][:10]}  {step['label']}{lost}"


def _row(row: Mapping[str, Any], datasets: int) -> str:
    """Return a row, where it comes from, and what it is measured on, as a line for people."""
    names, cells, seen = row["datasets"], row["cells"], row["trained_on_judgments_of"]
    line = f"{row['row']} ({row['use']}{', ready row' * row['ready']}): "
    if len(names) == datasets:
        line += counted(datasets, "datasets")
    else:
        line += f"{len(names):,} of {counted(datasets, 'datasets')}: {shortened(names)}"
    if cells != len(names):
        line += f", {counted(cells, 'cells')}"
    if row["finished"]:
        line += f", {row['finished']:,} finished"
    return f"{line}; trained on the test data of {shortened(seen)}" if seen else line
