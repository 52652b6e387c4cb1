"""The latency of a row, and the latency columns of a table that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from effbench.latency.samples import Session, Times
from effbench.latency.spans import AFTER_LAST_WORD, ENCODE, END_TO_END, SEARCH, TOTAL_COMPUTE
from effbench.statistics import figures, trust
from effbench.statistics.figures import Interval

SHOWN: Mapping[str, tuple[int, ...]] = {
    ENCODE: (50, 90, 95, 99),
    AFTER_LAST_WORD: (50, 95),
    TOTAL_COMPUTE: (50,),
    SEARCH: (50, 95),
    END_TO_END: (50, 90, 95, 99),
}
"""Span -> the percentiles of it that a table has."""

SPEED_UPS: Mapping[str, str] = {
    ENCODE: ENCODE,
    AFTER_LAST_WORD: ENCODE,
    END_TO_END: END_TO_END,
}
"""Span of a row -> the span of the baseline with which its speed-up is computed."""

BRIEF = (
    f"{ENCODE} p50", f"{ENCODE} p95", f"{AFTER_LAST_WORD} p50", f"{SEARCH} p50",
    f"{END_TO_END} p50", f"{END_TO_END} p95", "speed-up", "latency",
)  # fmt: skip
"""A table for people has the columns that begin with one of these; JSON has all columns."""

Value = float | str | None


@dataclass(frozen=True, eq=False)
class RowLatency:
    """The latency of a row: its cells in the order of their datasets, each with its session."""

    cells: Sequence[tuple[Session, str]]

    def parts(self, span: str) -> list[Times]:
        """Return the times of a span for each dataset, as `trust.steady_times` chooses them."""
        return [trust.steady_times(session, cell, span) for session, cell in self.cells]

    def times(self, span: str) -> Times:
        """Return the times of a span on all datasets together."""
        return figures.merged(self.parts(span))

    def speedup(self, baseline: RowLatency, span: str) -> Interval | None:
        """Return how many times as fast as the baseline the row is in a span.

        `SPEED_UPS` names the baseline's span. The result is None if a dataset or the span is
        missing, or if the row or the baseline has flags: such a row is not ranked.
        """
        if len(self.cells) != len(baseline.cells) or self.flags() or baseline.flags():
            return None
        return figures.speedup(self.parts(span), baseline.parts(SPEED_UPS[span]))

    def process_figures(self, name: str) -> list[Any]:
        """Return the figures of this name that the row's processes reported."""
        return [
            getattr(process, name)
            for session, cell in self.cells
            for process in session.header.processes
            if process.cell == cell and getattr(process, name) is not None
        ]

    def throughput(self) -> Mapping[str, Interval]:
        """Return batch size -> queries a second."""
        rates: dict[str, list[float]] = {}
        for by_size in self.process_figures("throughput"):
            for size, rate in by_size.items():
                rates.setdefault(size, []).append(rate)
        return {size: figures.over_processes(values) for size, values in rates.items()}

    def memory_mb(self) -> float | None:
        """Return the memory in MB on the dataset that takes most: the processes' median."""
        by_dataset = [
            RowLatency([cell]).process_figures("resident_bytes") for cell in self.cells
        ]
        medians = [figures.over_processes(sizes).value for sizes in by_dataset if sizes]
        return max(medians) / 1e6 if medians else None

    def kernel_ms(self) -> float | None:
        """Return the time of the calibration in ms: the median over all blocks."""
        blocks = [block for session, _ in self.cells for block in session.blocks]
        return median(min(block.kernel_ns) for block in blocks) / 1e6 if blocks else None

    def flags(self) -> dict[str, str]:
        """Return flag -> reason for all that speaks against the row's latencies."""
        return self._flags

    @cached_property
    def _flags(self) -> dict[str, str]:
        reasons: dict[str, list[str]] = {}
        for session, cell in self.cells:
            dataset = session.header.dataset
            complaint = trust.stability_of(session, cell).complaint
            if complaint:
                reasons.setdefault("unstable", []).append(f"{complaint} ({dataset})")
            if trust.keeps_answers(session, cell):
                reasons["keeps answers"] = ["a query that was asked before is far faster"]
            for complaint in trust.changed_answers(session, cell):
                reasons.setdefault("other answers", []).append(f"{complaint} ({dataset})")
        return {flag: ", ".join(why) for flag, why in reasons.items()}


def columns(row: RowLatency, baseline: RowLatency) -> dict[str, Value]:
    """Return the latency columns of a row: times in ms, rates, speed-ups over the baseline.

    A row with flags keeps its figures but has no speed-up: it is not ranked. If the baseline
    has flags, no row has a speed-up. A retriever has only the end-to-end columns.
    """
    values: dict[str, Value] = {}
    for span, percents in SHOWN.items():
        times = row.times(span)
        for percent in percents:
            figure = figures.percentile_of(times, percent)
            values |= with_interval(f"{span} p{percent} ms", figure)
    for span in SPEED_UPS:
        values |= with_interval(f"speed-up {span}", row.speedup(baseline, span))
    for size, rate in row.throughput().items():
        values[f"queries/s at {size}"] = rate.value
    for name, label in (("load_ms", "load ms"), ("first_ms", "first query ms")):
        reported = row.process_figures(name)
        values[label] = figures.over_processes(reported).value if reported else None
    values["memory MB"] = row.memory_mb()
    values["latency"] = ", ".join(row.flags())
    return values


def with_interval(name: str, figure: Interval | None) -> dict[str, Value]:
    """Return the columns of a figure: itself and the bounds of its 95 % interval."""
    value, low, high = figure or (None, None, None)
    return {name: value, f"{name} low": low, f"{name} high": high}
