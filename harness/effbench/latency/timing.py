"""The clock: the loops in which a worker times queries. Keep all other work out of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter_ns
from typing import Any

from effbench.latency.spans import Span
from effbench.machine.linux import tried
from effbench.work.parts import Parts

SLACK_NS = 1_000_000
"""A sleep may last this much longer than asked, so its last part is a busy loop."""


def times(span: Span, texts: Sequence[str], kept: list[Any] | None = None) -> list[int]:
    """Return the nanoseconds of a span for each text; no garbage is collected meanwhile.

    A copy of each answer goes into ``kept``, off the clock and before the next call.
    """
    prepare, call, copy = span
    durations = []
    gc.disable()
    try:
        for text in texts:
            prepared = prepare(text)
            start = perf_counter_ns()
            answer = call(prepared)
            durations.append(perf_counter_ns() - start)
            if kept is not None:
                kept.append(copy(answer))
    finally:
        gc.enable()
    return durations


def stages(
    by_name: Mapping[str, Callable[[Any], Any]],
    texts: Sequence[str],
    keep: Callable[[Any], object] = lambda _value: None,
) -> dict[str, list[int]]:
    """Return the nanoseconds of each stage for each text; the stages follow each other.

    ``keep`` is called with each value of the last stage, off the clock.
    """
    durations: dict[str, list[int]] = {name: [] for name in by_name}
    gc.disable()
    try:
        for text in texts:
            value: Any = [text]
            for name, stage in by_name.items():
                start = perf_counter_ns()
                value = stage(value)
                durations[name].append(perf_counter_ns() - start)
            if by_name:
                keep(value)
    finally:
        gc.enable()
    return durations


def parts(span: Span, texts: Sequence[str], calls: Parts) -> dict[str, list[int]]:
    """Return the nanoseconds of each named call inside a span for each text.

    This is a pass of its own: nothing is recorded while `times` measures the span itself.
    """
    prepare, call, _ = span
    durations: dict[str, list[int]] = {name: [] for name in calls.names}
    gc.disable()
    try:
        for text in texts:
            for name, ns in calls.recorded(partial(call, prepare(text))).items():
                durations[name].append(max(ns, 1))  # a call that was not made took no time
    finally:
        gc.enable()
    return durations


def tidy() -> None:
    """Collect garbage; later collections leave out all objects that exist now."""
    gc.collect()
    gc.freeze()


def arrivals(
    span: Span, texts: Sequence[str], due_ns: Sequence[int]
) -> tuple[list[int], float]:
    """Answer queries that arrive ``due_ns`` after the start, one after the other.

    Garbage is collected as in a running service.

    Returns:
        The nanoseconds from each query's arrival to its answer, and the answers in a second.
        The time that a query waits behind earlier queries is included.

    """
    prepare, call, _ = span
    durations = []
    start = perf_counter_ns()
    for text, due in zip(texts, due_ns, strict=True):
        while (early := due - (perf_counter_ns() - start)) > 0:
            if early > 2 * SLACK_NS:
                time.sleep((early - SLACK_NS) / 1e9)
        call(prepare(text))
        durations.append(perf_counter_ns() - start - due)
    return durations, len(texts) / ((perf_counter_ns() - start) / 1e9)


def energy(span: Span, texts: Sequence[str], seconds: float) -> dict[str, float] | None:
    """Return counter -> joules of a query in a loop of ``seconds``; None without counters."""
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
    """Return how often the system took the processor away from this process."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
