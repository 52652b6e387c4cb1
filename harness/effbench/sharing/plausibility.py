"""Times that no machine has: shorter than reading the bytes, or a whole below its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from effbench.latency.samples import Session
from effbench.latency.spans import ENCODE, END_TO_END, SEARCH
from effbench.run.recorded import Done
from effbench.sharing.report import Report

SLACK = 2.0
"""How many times as fast as measured a machine may read: the measurement is short."""

WHOLE = 0.5
"""The least share of its longest part that a whole may take: each is timed by itself."""

MORE = 2.0
"""The most that a whole may take per the sum of its parts; 0.7 to 1.5 have been measured."""

BOUNDED = "rows of sessions: times against the bytes that a query reads"


def check_times(path: Path, session: Session, done: Mapping[str, Done], report: Report) -> None:
    """Check the times of each row of a session; ``done`` are the records, by cell."""
    for cell in session.cells:
        if cell in session.header.errors:
            continue
        report.judge("rows of sessions: a whole and its parts", path, _parts(session, cell))
        reads = dict(_bytes_read(session, cell, done))
        rates = _rates(session)
        if not rates or not reads:
            report.unchecked[f"{BOUNDED}: {_lacking(rates, reads)}"] += 1
            continue
        report.judge(BOUNDED, path, _too_fast(session, cell, reads, rates))


def _lacking(rates: Mapping[int, float], reads: Mapping[str, int]) -> str:
    return "the encoder tells none" if rates and not reads else "the session has no rates"


def _parts(session: Session, cell: str) -> str | None:
    """Return how a row's whole and its parts contradict each other; None if they do not."""
    whole = _median(session, cell, END_TO_END)
    parts = {span: _median(session, cell, span) for span in (ENCODE, SEARCH)}
    for span, part in parts.items():
        if whole and part and whole < WHOLE * part:
            return (
                f"{cell}: {END_TO_END} takes {whole / 1e6:.3g} ms, and {span} alone "
                f"{part / 1e6:.3g} ms (send the session as it is)"
            )
    known = [part for part in parts.values() if part]
    if whole and len(known) == len(parts) and whole > MORE * sum(known):
        return (
            f"{cell}: {END_TO_END} takes {whole / 1e6:.3g} ms, and its parts take only "
            f"{sum(known) / 1e6:.3g} ms (send the session as it is)"
        )
    return None


def _rates(session: Session) -> dict[int, float]:
    """Return the machine's rates by the size of an array; none for work on a GPU."""
    if session.header.conditions.get("device") not in (None, "cpu"):
        return {}
    rates = session.header.memory_rates.items()
    return {int(size): rate for size, rate in rates if size.isdecimal() and rate > 0}


def _bytes_read(
    session: Session, cell: str, done: Mapping[str, Done]
) -> Iterator[tuple[str, int]]:
    """Yield span -> the fewest bytes that a query reads in it, as far as files tell."""
    weights = session.header.rows[cell].bytes_read
    if weights:
        yield ENCODE, min(weights)
    record = done.get(cell)
    if record is None or record.index is None or record.index.use != "exact":
        return
    docs, width = record.costs.docs, record.costs.width
    if docs and width and record.vectors == "dense":
        yield SEARCH, int(docs * width)  # an exact search reads a byte of each number at least


def _too_fast(
    session: Session, cell: str, reads: Mapping[str, int], rates: Mapping[int, float]
) -> str | None:
    """Return why a median is shorter than the reading of its bytes; None if none is."""
    for span, nbytes in reads.items():
        smaller = [rate for size, rate in rates.items() if size <= nbytes]
        rate = min(smaller, default=max(rates.values()))
        taken, least = _median(session, cell, span), nbytes / (SLACK * rate) * 1e9
        if taken and taken < least:
            return (
                f"{cell}: {span} takes {taken / 1e6:.3g} ms, and this machine needs "
                f"{least / 1e6:.3g} ms to read its {nbytes / 1e6:,.1f} MB"
            )
    return None


def _median(session: Session, cell: str, span: str) -> float | None:
    """Return the median of a span's times in ns; None if it was not timed."""
    import numpy as np

    times = [samples[:, 2] for samples in session.times(cell, span).values()]
    return float(np.median(np.concatenate(times))) if times else None
