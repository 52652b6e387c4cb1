"""The sessions of a suite's results folder, and the latency columns that they give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from effbench.api.errors import DiskError, EffbenchError
from effbench.latency.samples import FOLDER, Session, Times, read_session
from effbench.latency.spans import AFTER_LAST_WORD, ENCODE, END_TO_END, SEARCH, TOTAL_COMPUTE
from effbench.machine import fingerprint
from effbench.statistics import figures, trust
from effbench.statistics.figures import Interval
from effbench.store.disk import listed
from effbench.text.printing import one_line

SHOWN: Mapping[str, tuple[int, ...]] = {
    ENCODE: (50, 90, 95, 99),
    AFTER_LAST_WORD: (50, 95),
    TOTAL_COMPUTE: (50,),
    SEARCH: (50, 95),
    END_TO_END: (50, 90, 95, 99),
}
"""The percentiles that are shown of each span."""

SPEED_UPS: Mapping[str, str] = {
    ENCODE: ENCODE,
    AFTER_LAST_WORD: ENCODE,
    END_TO_END: END_TO_END,
}
"""Span whose speed-up is shown -> the baseline's that it is over."""

BRIEF = (
    f"{ENCODE} p50", f"{ENCODE} p95", f"{AFTER_LAST_WORD} p50", f"{SEARCH} p50",
    f"{END_TO_END} p50", f"{END_TO_END} p95", "speed-up", "latency",
)  # fmt: skip
"""What the columns begin with that people see; programs see all."""

Value = float | str | None


class Wanted(NamedTuple):
    """What sessions are looked for."""

    keys: Mapping[str, Mapping[str, str]]
    """Dataset -> cell -> key of its record."""

    timed: Mapping[str, str]
    """Cell -> what changes with its options of speed too, if the suite says."""

    conditions: Mapping[str, Any]
    """The suite's, if it says."""

    processes: int

    def current(self, session: Session, cell: str) -> bool:
        """Tell whether a session measured a cell as it is now."""
        facts = session.header.rows.get(cell)
        key = self.keys.get(_dataset(session), {}).get(cell)
        return (
            facts is not None
            and facts.key == key
            and facts.timed == self.timed.get(cell, facts.timed)
            and cell not in session.header.errors
        )

    def rank(self, session: Session) -> tuple[int, bool, datetime]:
        """Return what makes one session better than another."""
        header = session.header
        whole = session.rounds >= self.processes and all(
            header.conditions.get(name) == value
            for name, value in self.conditions.items()
            if name != "device"
        )
        count = sum(self.current(session, cell) for cell in session.cells)
        return count, whole, header.started


class Sessions:
    """The sessions that count in a suite's results folder.

    Of a dataset that one counts which has most of the rows as they are now, of those one under
    the suite's conditions, of those the newest: figures of two sessions never stand in one
    column. Datasets that were measured under other conditions than the newest one, or on
    another machine, are left out with a remark.
    """

    def __init__(self, folders: Iterable[Path], wanted: Wanted) -> None:
        """Read what the suite's folders have."""
        self.remarks: list[str] = []
        self.unreadable: list[str] = []
        self._wanted = wanted
        by_dataset: dict[str, list[Session]] = {}
        for one in self._read(folders):
            if wanted.keys.get(_dataset(one)):
                by_dataset.setdefault(_dataset(one), []).append(one)
        best = [max(some, key=wanted.rank) for some in by_dataset.values()]
        best.sort(key=lambda one: one.header.started)
        self._of = {_dataset(one): one for one in best if self._alike(one, best[-1])}
        for one in best:
            for cell, error in one.header.errors.items():
                self.remarks.append(f"{cell}: latency: FAILED: {error}")

    def measured(self, cells: Mapping[str, str]) -> Measured:
        """Return the latencies of a row's cells, dataset -> cell; none unless all are there."""
        there = []
        for dataset, cell in sorted(cells.items()):
            session = self._of.get(dataset)
            if session is None or not self._wanted.current(session, cell):
                return Measured([])
            there.append((session, cell))
        return Measured(there)

    def _read(self, folders: Iterable[Path]) -> Iterator[Session]:
        for path in self._paths(folders):
            try:
                yield read_session(path)
            except EffbenchError as error:
                self.unreadable.append(one_line(str(error)))

    def _paths(self, folders: Iterable[Path]) -> list[Path]:
        found = list[Path]()
        for folder in (one / FOLDER for one in folders):
            try:
                os.scandir(folder).close()
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unreadable.append(one_line(str(DiskError(folder, error))))
            found += listed(folder, "*.npz")
        return sorted(found)

    def _alike(self, one: Session, newest: Session) -> bool:
        for what in ("conditions", "fingerprint"):
            unlike = fingerprint.differences(
                getattr(one.header, what), getattr(newest.header, what)
            )
            if unlike:
                self.remarks.append(
                    f"latency on {_dataset(one)} is left out, since its {what} is not that of "
                    f"{_dataset(newest)}: {'; '.join(unlike)} (measure both anew)"
                )
                return False
        return True


def _dataset(session: Session) -> str:
    return session.header.dataset


class Measured(NamedTuple):
    """A row's cells, each in the session of its dataset, datasets in order."""

    cells: Sequence[tuple[Session, str]]

    def parts(self, span: str) -> list[Times]:
        """Return what a span took, dataset by dataset: steady blocks where there are enough."""
        return [trust.steady_times(*cell, span) for cell in self.cells]

    def times(self, span: str) -> Times:
        """Return what a span took on all datasets."""
        return figures.merged(self.parts(span))

    def speedup(self, baseline: Measured, span: str) -> Interval | None:
        """Return how many times as fast a span is as `SPEED_UPS` says of the baseline.

        None where a dataset or the span is missing, or where either has flags: then it is not
        ranked.
        """
        if len(self.cells) != len(baseline.cells) or self.flags() or baseline.flags():
            return None
        return figures.speedup(self.parts(span), baseline.parts(SPEED_UPS[span]))

    def process_figures(self, name: str) -> list[Any]:
        """Return what each process said of itself under a name."""
        return [
            getattr(one, name)
            for session, cell in self.cells
            for one in session.header.processes
            if one.cell == cell and getattr(one, name) is not None
        ]

    def throughput(self) -> Mapping[str, Interval]:
        """Return queries a second by batch size."""
        found: dict[str, list[float]] = {}
        for one in self.process_figures("throughput"):
            for size, rate in one.items():
                found.setdefault(size, []).append(rate)
        return {size: figures.over_processes(rates) for size, rates in found.items()}

    def memory_mb(self) -> float | None:
        """Return the memory that the dataset takes which takes most: the median process's."""
        by_dataset = [Measured([one]).process_figures("resident_bytes") for one in self.cells]
        medians = [figures.over_processes(own).value for own in by_dataset if own]
        return max(medians) / 1e6 if medians else None

    def kernel_ms(self) -> float | None:
        """Return what the calibration took in the sessions: the median over all blocks."""
        blocks = [one for session, _ in self.cells for one in session.blocks]
        return median(min(one.kernel_ns) for one in blocks) / 1e6 if blocks else None

    def flags(self) -> dict[str, str]:
        """Return what is to be said against the row's latencies: a word -> why."""
        found: dict[str, list[str]] = {}
        for session, cell in self.cells:
            complaint = trust.stability_of(session, cell).complaint
            if complaint:
                found.setdefault("unstable", []).append(f"{complaint} ({_dataset(session)})")
            if trust.keeps_answers(session, cell):
                found["keeps answers"] = ["a query that was asked before is far faster"]
            for complaint in trust.other_answers(session, cell):
                found.setdefault("other answers", []).append(
                    f"{complaint} ({_dataset(session)})"
                )
        return {flag: ", ".join(why) for flag, why in found.items()}


def columns(row: Measured, baseline: Measured) -> dict[str, Value]:
    """Return the latency columns of a row: ms, rates and its speed-ups over the baseline.

    A row with flags keeps its figures and has no speed-up: it is not ranked. Nor is any, where
    the baseline has flags. A retriever has only what is end to end.
    """
    values: dict[str, Value] = {}
    for span, percents in SHOWN.items():
        times = row.times(span)
        for percent in percents:
            found = figures.percentile_of(times, percent)
            values |= with_interval(f"{span} p{percent} ms", found)
    for span in SPEED_UPS:
        values |= with_interval(f"speed-up {span}", row.speedup(baseline, span))
    for size, rate in row.throughput().items():
        values[f"queries/s at {size}"] = rate.value
    for name, label in (("load_ms", "load ms"), ("first_ms", "first query ms")):
        own = row.process_figures(name)
        values[label] = figures.over_processes(own).value if own else None
    values["memory MB"] = row.memory_mb()
    values["latency"] = ", ".join(row.flags())
    return values


def with_interval(name: str, found: Interval | None) -> dict[str, Value]:
    """Return a figure and the bounds of its 95 % interval as columns."""
    value, low, high = found or (None, None, None)
    return {name: value, f"{name} low": low, f"{name} high": high}
