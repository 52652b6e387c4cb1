"""The latencies of a leaderboard's lines, and the remarks on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from effbench.latency.gate import ADVICE
from effbench.run.recorded import Done, SuiteFacts
from effbench.statistics.row_latency import RowLatency
from effbench.statistics.sessions import Criteria, Sessions

UNSTABLE = (
    "an unstable latency gives no speed-up, and --budget and --keep take its row only with "
    f"--allow unstable; measure {ADVICE}"
)
"""The remark on unstable latencies; a terminal shows it once for all tables."""


class Latencies(NamedTuple):
    """The latencies of a board's lines."""

    complete: Sequence[RowLatency]
    """The latency of each line; empty if one of the suite's datasets has none."""

    partial: Sequence[RowLatency]
    """The latency of each line on those datasets that have one."""

    missing: Sequence[Sequence[str]]
    """The datasets of the suite on which each line has no latency."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """Which sessions were left out, because they could not be read, and why."""


def sessions_for(
    folders: Iterable[Path], records: Iterable[Done], suite: SuiteFacts
) -> Sessions:
    """Return the sessions that count for the records, which know the names of their cells."""
    keys: dict[str, dict[str, str]] = {}
    for record in records:
        keys.setdefault(record.dataset, {})[record.cell] = record.key
    terms = suite.latency
    return Sessions(
        folders, Criteria(keys, terms.latency_keys, terms.conditions, terms.processes)
    )


def latencies_of(
    folders: Iterable[Path], lines: Sequence[tuple[str, Mapping[str, Done]]], suite: SuiteFacts
) -> Latencies:
    """Return the latencies of lines; a line is given as its row and dataset -> record."""
    records = [record for _, by_dataset in lines for record in by_dataset.values()]
    sessions = sessions_for(folders, records, suite)
    datasets = [dataset.name for dataset in suite.datasets]
    missing = [
        [name for name in datasets if not _has_latency(sessions, by_dataset.get(name))]
        for _, by_dataset in lines
    ]
    partial = [
        sessions.row_latency({name: by[name].cell for name in datasets if name not in lacking})
        for (_, by), lacking in zip(lines, missing, strict=True)
    ]
    complete = [
        RowLatency([]) if lacking else latency
        for latency, lacking in zip(partial, missing, strict=True)
    ]
    remarks = list(sessions.remarks)
    if any(record.latency for record in records):
        remarks.append("latencies of an older protocol are not shown (run the suite again)")
    remarks += _not_measured_yet(missing, suite)
    rows = [row for row, _ in lines]
    remarks += spelled(zip(rows, (latency.flags() for latency in partial), strict=True))
    return Latencies(complete, partial, missing, remarks, sessions.unreadable)


def _not_measured_yet(missing: Sequence[Sequence[str]], suite: SuiteFacts) -> list[str]:
    """Say on which datasets no line has a latency, if the suite measures latency."""
    if not suite.latency.conditions or not missing:
        return []
    datasets = [dataset.name for dataset in suite.datasets]
    none = [name for name in datasets if all(name in lacking for lacking in missing)]
    where = f" on {', '.join(none)}" if none != datasets else ""
    return [f"latency not measured yet{where} (effbench run SUITE measures it)"] * bool(none)


def _has_latency(sessions: Sessions, record: Done | None) -> bool:
    """Tell whether a record's cell was measured as it is now."""
    return bool(record and sessions.row_latency({record.dataset: record.cell}).cells)


def spelled(flags: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return a line for each flag and reason, with the rows that have it.

    ``flags`` holds pairs of a row and its flags, as `RowLatency.flags` gives them.
    """
    rows: dict[str, dict[str, None]] = {}
    for row, reasons in flags:
        for flag, why in reasons.items():
            rows.setdefault(f"latency {flag}: {why}", {})[row] = None
    texts = [f"{text}: {', '.join(names)}" for text, names in rows.items()]
    if any(text.startswith("latency unstable") for text in rows):
        texts.append(UNSTABLE)
    return texts
