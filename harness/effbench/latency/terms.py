"""The conditions of a session: two latencies are compared only if they share all of these."""

from __future__ import annotations

from typing import Any

from effbench.plan.suite import LatencyOptions

PROTOCOL = 3
"""The version of the protocol. Raise it whenever a change moves the measured times.

3: Fresh processes take turns, and there is a noise gate. 2: A search is timed right after the
encoding of its query. Encoders that read while the user types have spans for that. 1: A search
was timed after another search.
"""


def conditions(options: LatencyOptions, device: str | None) -> dict[str, Any]:
    """Return the conditions of a session, as its header and ``suite.json`` hold them."""
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
