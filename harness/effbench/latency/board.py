"""The latency columns of a leaderboard, and the remarks that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from effbench.latency.gate import ADVICE
from effbench.latency.sessions import Measured, Sessions, Value, Wanted, columns


class Line(NamedTuple):
    """A row's records, by dataset; each says its ``cell``."""

    row: str
    records: Mapping[str, Mapping[str, Any]]


def sessions_for(folder: Path, lines: Sequence[Line], suite: Mapping[str, Any]) -> Sessions:
    """Return the sessions that count for some records of a suite's results folder."""
    keys: dict[str, dict[str, str]] = {}
    for line in lines:
        for dataset, record in line.records.items():
            keys.setdefault(dataset, {})[record["cell"]] = record["key"]
    latency = suite.get("latency") or {}
    return Sessions(
        folder,
        Wanted(
            keys,
            latency.get("timed", {}),
            latency.get("conditions", {}),
            latency.get("processes", 1),
        ),
    )


def latencies(
    folder: Path, lines: Sequence[Line], suite: Mapping[str, Any], remarks: list[str]
) -> list[dict[str, Value]]:
    """Return the latency columns of each line; what is to be said of them joins ``remarks``.

    A line that lacks one of the suite's datasets has none.
    """
    sessions = sessions_for(folder, lines, suite)
    datasets = {dataset["name"] for dataset in suite["datasets"]}
    measured = [
        sessions.measured({name: record["cell"] for name, record in line.records.items()})
        if line.records.keys() == datasets
        else Measured([])
        for line in lines
    ]
    baseline = (suite.get("latency") or {}).get("baseline")
    named = [own for line, own in zip(lines, measured, strict=True) if line.row == baseline]
    compared = named[0] if named else Measured([])
    remarks += sessions.remarks
    if any(record.get("latency") for line in lines for record in line.records.values()):
        remarks.append("latencies of an older protocol are not shown (run the suite again)")
    flags = [own.flags() for own in measured]
    remarks += spelled((line.row, own) for line, own in zip(lines, flags, strict=True))
    return [columns(own, compared) for own in measured]


def spelled(flags: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return a line for each thing that is to be said of some rows' latencies."""
    rows: dict[str, dict[str, None]] = {}
    for row, own in flags:
        for flag, why in own.items():
            rows.setdefault(f"latency {flag}: {why}", {})[row] = None
    found = [f"{what}: {', '.join(names)}" for what, names in rows.items()]
    if any(what.startswith("latency unstable") for what in rows):
        found.append(f"what is unstable is not ranked: {ADVICE}")
    return found
