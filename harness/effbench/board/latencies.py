"""The latencies of a leaderboard's lines, and the remarks that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from effbench.latency.gate import ADVICE
from effbench.run.recorded import Done, SuiteFacts
from effbench.statistics.row_latency import RowLatency
from effbench.statistics.sessions import Criteria, Sessions

UNSTABLE = (
    "an unstable latency gives no speed-up, and --budget and --keep take its row "
    f"provisionally; measure {ADVICE}"
)
"""A remark on all tables: a terminal shows it once."""


class Latencies(NamedTuple):
    """What there is of a board's lines."""

    lines: Sequence[RowLatency]
    timed: Sequence[RowLatency]
    """The same, of whichever datasets have them."""

    missing: Sequence[Sequence[str]]
    """Of each line the datasets of the suite on which it has no latency."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """Sessions that were left out, since they could not be read."""


def sessions_for(
    folders: Iterable[Path], records: Iterable[Done], suite: SuiteFacts
) -> Sessions:
    """Return the sessions that count for some records, which say their ``cell``."""
    keys: dict[str, dict[str, str]] = {}
    for record in records:
        keys.setdefault(record.dataset, {})[record.cell] = record.key
    terms = suite.latency
    return Sessions(folders, Criteria(keys, terms.timed, terms.conditions, terms.processes))


def latencies(
    folders: Iterable[Path], lines: Sequence[tuple[str, Mapping[str, Done]]], suite: SuiteFacts
) -> Latencies:
    """Return the latencies of each line: a row, and its records by dataset.

    A line that lacks one of the suite's datasets has none.
    """
    records = [record for _, by_dataset in lines for record in by_dataset.values()]
    sessions = sessions_for(folders, records, suite)
    datasets = [dataset.name for dataset in suite.datasets]
    missing = [
        [name for name in datasets if not _of(sessions, by_dataset.get(name)).cells]
        for _, by_dataset in lines
    ]
    timed = [
        sessions.row_latency({name: one[name].cell for name in datasets if name not in lacking})
        for (_, one), lacking in zip(lines, missing, strict=True)
    ]
    measured = [
        RowLatency([]) if lacking else own for own, lacking in zip(timed, missing, strict=True)
    ]
    remarks = list(sessions.remarks)
    if any(record.latency for record in records):
        remarks.append("latencies of an older protocol are not shown (run the suite again)")
    remarks += _to_come(missing, suite)
    rows = [row for row, _ in lines]
    remarks += spelled(zip(rows, (own.flags() for own in timed), strict=True))
    return Latencies(measured, timed, missing, remarks, sessions.unreadable)


def _to_come(missing: Sequence[Sequence[str]], suite: SuiteFacts) -> list[str]:
    """Say on which datasets no line has a latency, though the suite wants one."""
    if not suite.latency.conditions or not missing:
        return []
    datasets = [dataset.name for dataset in suite.datasets]
    none = [name for name in datasets if all(name in lacking for lacking in missing)]
    where = f" on {', '.join(none)}" if none != datasets else ""
    return [f"latency not measured yet{where} (effbench run SUITE measures it)"] * bool(none)


def _of(sessions: Sessions, record: Done | None) -> RowLatency:
    """Return the latencies of one record, if it has any."""
    return sessions.row_latency({record.dataset: record.cell} if record else {})


def spelled(flags: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return a line for each thing that is to be said of some rows' latencies."""
    rows: dict[str, dict[str, None]] = {}
    for row, own in flags:
        for flag, why in own.items():
            rows.setdefault(f"latency {flag}: {why}", {})[row] = None
    found = [f"{what}: {', '.join(names)}" for what, names in rows.items()]
    if any(what.startswith("latency unstable") for what in rows):
        found.append(UNSTABLE)
    return found
