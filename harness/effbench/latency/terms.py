"""The terms of a session: the protocol's number, and what figures must share."""

from __future__ import annotations

from typing import Any

from effbench.plan.suite import LatencyOptions

PROTOCOL = 3
"""Raised whenever what is measured changes: figures of two protocols are not comparable.

3: fresh processes in turns, a noise gate. 2: a search is timed right after its query was
encoded (1: after another search); encoders that read while the user types have own spans.
"""


def conditions(options: LatencyOptions, device: str | None) -> dict[str, Any]:
    """Return what latencies must share to stand beside each other (on one machine)."""
    return {
        "protocol": PROTOCOL,
        "device": device,
        "queries": options.queries,
        "warmup": options.warmup,
        "threads": options.threads,
        "batches": list(options.batches),
        "arrivals": list(options.arrivals),
        "energy": options.energy,
    }


def response_at(share: float) -> str:
    """Return the name of the span from a query's arrival to its answer, in an open loop."""
    return f"response at {share * 100:g}%"
