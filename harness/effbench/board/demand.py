"""The cores that a row needs for a rate of queries, and what they cost a month.

A process of a row answers one query at a time, on as many threads as its session had. So it
answers at most ``1 / mean time`` queries a second, and ``utilisation / mean time`` if it may be
busy for that share of the time. Where the session measured an open loop at that share or below,
the rate that it reached there counts. The page computes the same in ``answer.js``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from effbench.board.leaderboard import Board
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import response_at
from effbench.statistics import figures
from effbench.statistics.row_latency import RowLatency

HOURS = 730
"""The hours of a month: a twelfth of 365 days."""

SLOWEST = 1e-6
"""An open loop with fewer queries a second, or a smaller share, measured nothing."""

ROUNDING = 1e-9
"""A whole number of processes may be computed as this much more."""


@dataclass(frozen=True)
class Demand:
    """What the user's service must answer, and what its machines cost."""

    rate: float
    """Queries a second."""

    price: float | None
    """The price of a core for an hour, in any currency; None if it is not known."""

    utilisation: float
    """The share of the time that a process may be busy, above 0 and up to 1."""


class Load(NamedTuple):
    """An open loop that a session measured."""

    share: float
    """The rate of the queries, as a share of the closed loop's rate."""

    rate: float
    """The queries a second that a process answered."""

    said: str
    """What it is, in a few words."""


class Service(NamedTuple):
    """What is known of a row's process."""

    seconds: float
    """The mean time of a query in the closed loop."""

    threads: int
    loads: Sequence[Load] = ()
    """The open loops, in the order of their shares."""


class Need(NamedTuple):
    """What a row needs for a demand."""

    cores: int
    cost: float | None
    """The cost a month, in the currency of the price; None without a price."""

    source: str
    """What the number of cores was computed from."""

    @property
    def said(self) -> str:
        """The need in words."""
        cores = f"{self.cores} core{'s' * (self.cores != 1)}"
        return cores if self.cost is None else f"{cores}, {money(self.cost)} a month"


def service_of(board: Board, number: int) -> Service | str:
    """Return what is known of a line's process, or why its cores cannot be counted."""
    latency = board.latencies[number]
    mean = figures.mean_of(latency.times(END_TO_END))
    if mean is None:
        return "no latency"
    wrong = [flag for flag in latency.flags() if flag != "unstable"]
    if wrong:
        return f"latency {', '.join(wrong)}"
    if _on_gpu(latency):
        return "measured with a GPU, whose price no core has"
    stated = [session.header.conditions.get("threads") for session, _ in latency.cells]
    threads = max((count for count in stated if isinstance(count, int)), default=1)
    return Service(mean.value / 1000, max(1, threads), _loads(latency))


def need(service: Service, demand: Demand) -> Need:
    """Return the cores and the cost a month of a row that must meet a demand."""
    loads = [load for load in service.loads if load.share <= demand.utilisation]
    rate = loads[-1].rate if loads else demand.utilisation / service.seconds
    processes = max(1, math.ceil(demand.rate / rate - ROUNDING))
    cores = processes * service.threads
    cost = None if demand.price is None else cores * demand.price * HOURS
    busy = f"closed loop, {demand.utilisation * 100:g}% busy"
    return Need(cores, cost, loads[-1].said if loads else busy)


def said_of(board: Board, number: int, demand: Demand) -> str:
    """Return what a line needs, with the source; or why its cores cannot be counted."""
    service = service_of(board, number)
    if isinstance(service, str):
        return service
    needed = need(service, demand)
    return f"{needed.said} ({needed.source})"


def money(value: float) -> str:
    """Return an amount of money with two decimals; half a cent is rounded up."""
    return f"{math.floor(value * 100 + 0.5) / 100:.2f}"


def _on_gpu(latency: RowLatency) -> bool:
    """Tell whether a GPU may have answered: the session names it, or had it at hand."""
    for session, _ in latency.cells:
        device = session.header.conditions.get("device")
        known: Any = session.header.fingerprint
        for part in ("platform", "hardware", "gpu"):
            known = known.get(part) if isinstance(known, Mapping) else None
        if device != "cpu" and (device or known):
            return True
    return False


def _loads(latency: RowLatency) -> list[Load]:
    """Return the open loops of a line; the rate is the median of its processes."""
    rates: dict[float, list[float]] = {}
    for loops in latency.process_figures("arrivals"):
        for loop in loops:
            share, rate = loop.get("share", 0.0), loop.get("per_second", 0.0)
            if min(share, rate) > SLOWEST:
                rates.setdefault(share, []).append(rate)
    loads = []
    for share, reached in sorted(rates.items()):
        times = latency.times(response_at(share))
        known = {p: figures.percentile_of(times, p) for p in (50, 95)}
        responses = [f"p{p} {time.value:.3g} ms" for p, time in known.items() if time]
        answers = f", response {', '.join(responses)}" if responses else ""
        said = f"open loop at {share * 100:g}%{answers}"
        loads.append(Load(share, figures.over_processes(reached).value, said))
    return loads
