"""The clock: the loops in which a worker times its queries."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any

from effbench.latency.spans import Span
from effbench.machine.linux import tried

SLACK_NS = 1_000_000
"""A sleep may last longer than asked: the end of it is waited awake."""


def times(span: Span, texts: Sequence[str], kept: list[Any] | None = None) -> list[int]:
    """Return nanoseconds a call, one for each text; no garbage is collected meanwhile.

    A copy of each answer goes into ``kept``, off the clock and before the next call.
    """
    prepare, call, copy = span
    found = []
    gc.disable()
    try:
        for text in texts:
            prepared = prepare(text)
            start = perf_counter_ns()
            answer = call(prepared)
            found.append(perf_counter_ns() - start)
            if kept is not None:
                kept.append(copy(answer))
    finally:
        gc.enable()
    return found


def stages(
    steps: Mapping[str, Callable[[Any], Any]],
    texts: Sequence[str],
    kept: list[Any] | None = None,
) -> dict[str, list[int]]:
    """Return nanoseconds of each stage of each text, one stage right after the other.

    A copy of what the last stage returned goes into ``kept``.
    """
    import numpy as np

    found: dict[str, list[int]] = {name: [] for name in steps}
    gc.disable()
    try:
        for text in texts:
            given: Any = [text]
            for name, stage in steps.items():
                start = perf_counter_ns()
                given = stage(given)
                found[name].append(perf_counter_ns() - start)
            if kept is not None and steps:
                kept.append(np.array(given))
    finally:
        gc.enable()
    return found


def tidy() -> None:
    """Collect garbage, and leave what is there now out of all later collections."""
    gc.collect()
    gc.freeze()


def arrivals(
    span: Span, texts: Sequence[str], due_ns: Sequence[int]
) -> tuple[list[int], float]:
    """Answer queries that arrive at given times; time each from when it should have begun.

    Returns the ns of each, and how many were answered a second.

    A query that waits behind another one has waited: nothing is omitted because the server was
    busy. Garbage is collected as it is in service.
    """
    prepare, call, _ = span
    found = []
    start = perf_counter_ns()
    for text, due in zip(texts, due_ns, strict=True):
        while (early := due - (perf_counter_ns() - start)) > 0:
            if early > 2 * SLACK_NS:
                time.sleep((early - SLACK_NS) / 1e9)
        call(prepare(text))
        found.append(perf_counter_ns() - start - due)
    return found, len(texts) / ((perf_counter_ns() - start) / 1e9)


def energy(span: Span, texts: Sequence[str], seconds: float) -> dict[str, float] | None:
    """Return joules a query by counter, of a loop of some seconds; None without counters."""
    from effbench.machine.energy import Counters

    counters = Counters()
    if not counters.names:
        return None
    before, start, count = counters.read(), perf_counter_ns(), 0
    while perf_counter_ns() - start < seconds * 1e9:
        times(span, texts)
        count += len(texts)
    joules = counters.between(before, counters.read())
    return {name: value / count for name, value in joules.items()}


def resident_bytes() -> int | None:
    """Return the memory of this process; None where the system does not tell."""
    import psutil

    return tried(lambda: int(psutil.Process().memory_info().rss), None)


def preempted() -> int:
    """Return how often the system took the processor away."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
