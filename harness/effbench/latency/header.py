"""What a session says of itself before it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from effbench.latency.place import Place
from effbench.latency.terms import conditions
from effbench.machine import fingerprint
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions
from effbench.work import code


def header(
    cells: Sequence[Cell],
    baseline: str | None,
    queries: Sequence[tuple[str, str]],
    place: Place,
    options: LatencyOptions,
    cpus: Sequence[int] | None,
) -> dict[str, Any]:
    """Return the header of a session of cells, on queries (id, text) that will be timed."""
    known = fingerprint.fingerprint(options.threads, cpus)
    state = fingerprint.state()
    return {
        "dataset": cells[0].dataset.name,
        "rows": {cell.name: facts_of(cell) for cell in cells},
        "baseline": baseline,
        "spans": [],
        "queries": [query for query, _ in queries],
        "words": [len(text.split()) for _, text in queries],
        "conditions": conditions(options, place.device),
        "fingerprint": known,
        "fingerprint_id": fingerprint.digest(known),
        "state": [state],
        "warnings": fingerprint.warnings(known, state),
        "started": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
    }


def facts_of(cell: Cell) -> dict[str, Any]:
    """Return what a session says of a cell."""
    return {
        "row": cell.row.name,
        "index": cell.index.name if cell.index else None,
        "search": cell.options,
        "key": cell.key,
        "timed": cell.timed,
        "code": code.of(cell.offers),
        "differs": {},
    }
