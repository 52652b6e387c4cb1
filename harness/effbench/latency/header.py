"""The header of a session as it is before the first measurement: rows, queries, machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from effbench.latency.memory_rates import memory_rates
from effbench.latency.terms import conditions
from effbench.machine import fingerprint
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions
from effbench.work import code


def header(
    cells: Sequence[Cell],
    baseline: str | None,
    queries: Sequence[tuple[str, str]],
    device: str | None,
    options: LatencyOptions,
    cpus: Sequence[int] | None,
) -> dict[str, Any]:
    """Return the header of a session that times ``queries`` (id, text) on cells."""
    machine = fingerprint.fingerprint(options.threads, cpus)
    state = fingerprint.state()
    return {
        "dataset": cells[0].dataset.name,
        "rows": {cell.name: row_facts(cell) for cell in cells},
        "baseline": baseline,
        "spans": [],
        "queries": [query for query, _ in queries],
        "words": [len(text.split()) for _, text in queries],
        "conditions": conditions(options, device),
        "fingerprint": machine,
        "fingerprint_id": fingerprint.digest(machine),
        "state": [state],
        "warnings": fingerprint.warnings(machine, state),
        "memory_rates": memory_rates(),
        "started": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
    }


def row_facts(cell: Cell) -> dict[str, Any]:
    """Return what a session's header holds of a cell."""
    return {
        "row": cell.row.name,
        "index": cell.index.name if cell.index else None,
        "search": cell.options,
        "key": cell.key,
        "timed": cell.latency_key,
        "code": code.of(cell.offers),
        "differs": {},
    }
