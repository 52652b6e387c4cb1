"""The checks of a latency session: protocol, keys, completeness, A/A and plausible times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

from effbench.api.errors import EffbenchError
from effbench.latency.gate import SPREAD
from effbench.latency.recorded import NO_BLOCK
from effbench.latency.samples import Session, Times, read_session
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import PROTOCOL
from effbench.machine import fingerprint
from effbench.run.recorded import Done, SuiteFacts
from effbench.sharing import plausibility
from effbench.sharing.opening import OpenPack
from effbench.sharing.report import SEALED_SINCE, Report
from effbench.statistics import trust
from effbench.store.door import AHEAD

APART = 2 * 2**0.5 * SPREAD
"""How far two halves may be apart: two standard deviations of the ratio of two processes."""


def check_session(
    path: Path,
    suite: SuiteFacts,
    done: Mapping[str, Done],
    pack: OpenPack | None,
    report: Report,
) -> None:
    """Check the file of a session; ``done`` are the records of its suite, by cell."""
    try:
        session = read_session(path)
    except EffbenchError as error:
        report.refused.append(str(error))
        return
    header = session.header
    report.checked["sessions: schema, and each time of a query of the header"] += 1
    if header.sha256 is None and (header.pack is not None or header.started >= SEALED_SINCE):
        report.refuse(
            path, "it has no checksum, and sessions of its age have one (send it whole)"
        )
    elif header.sha256 is None:
        report.unchecked["checksums of sessions that were measured before they had any"] += 1
    if not header.fingerprint_id:
        report.unchecked["sessions without the digest of their fingerprint"] += 1
    report.judge("sessions: protocol", path, _protocol(session))
    report.judge("sessions: fingerprint's digest", path, _fingerprint(session))
    report.judge("sessions: every query once in each process", path, _incomplete(session))
    _check_keys(path, session, suite, done, report)
    if pack is not None:
        report.judge("sessions: keys of the pack", path, _unlike_pack(session, pack))
        if header.pack is None:
            report.unchecked["sessions that measured a cache, not the pack"] += 1
    _check_baseline(path, session, report)
    plausibility.check_times(path, session, done, report)


def _protocol(session: Session) -> str | None:
    version = session.header.conditions.get("protocol")
    if version == PROTOCOL:
        return None
    return f"protocol {version}, and {PROTOCOL} is wanted (measure again with this effbench)"


def _fingerprint(session: Session) -> str | None:
    known = session.header.fingerprint_id
    if not known or known == fingerprint.digest(session.header.fingerprint):
        return None
    return "its fingerprint_id is not the digest of its fingerprint (send the session as it is)"


def _incomplete(session: Session) -> str | None:
    """Return which queries, processes, blocks or times are missing or there twice."""
    header = session.header
    asked = header.conditions.get("queries", len(header.queries))
    if asked != len(header.queries):
        return f"its conditions say {asked} queries, and it timed {len(header.queries)}"
    measured = (cell for cell in session.cells if cell not in header.errors)
    return next((why for cell in measured for why in _missing(session, cell)), None)


def _missing(session: Session, cell: str) -> Iterator[str]:
    """Yield a reason for each part of a row's times that is missing or there twice."""
    header, count = session.header, len(session.header.queries)
    started = {facts.process for facts in header.processes if facts.cell == cell}
    known = {(block.process, block.block) for block in session.blocks_of(cell)}
    timed_in = {span: session.times(cell, span) for span in header.spans}
    if not timed_in.get(END_TO_END):
        yield f"{cell}: it has no times of {END_TO_END!r}"
    for span, times in timed_in.items():
        if times and times.keys() != started:
            yield f"{cell}: {len(started)} processes started, and {len(times)} timed {span!r}"
        for process, samples in times.items():
            timed = Counter(samples[:, 1].tolist())
            if len(timed) != count or set(timed.values()) != {1}:
                yield (
                    f"{cell}: process {process} has {len(samples)} times of {span!r} on "
                    f"{len(timed)} queries, and {count} queries were asked once"
                )
            if {(process, at) for at in samples[:, 0].tolist() if at != NO_BLOCK} - known:
                yield f"{cell}: process {process} has times of blocks that are not listed"


def _check_keys(
    path: Path, session: Session, suite: SuiteFacts, done: Mapping[str, Done], report: Report
) -> None:
    """Check that a session measured the cells of the records beside it."""
    for cell, facts in session.header.rows.items():
        record = done.get(cell)
        latency_key = suite.latency.latency_keys.get(cell, facts.latency_key)
        if record is None:
            report.unchecked["rows of sessions without a record"] += 1
        elif (facts.key, facts.latency_key) != (record.key, latency_key):
            report.unchecked["rows of older sessions, whose keys are not the records'"] += 1
        elif not set(session.header.queries) <= set(next(iter(record.per_query.values()))):
            report.refuse(path, f"{cell}: it timed queries that the record does not have")
        else:
            report.checked["rows of sessions: keys and queries of the records"] += 1


def _unlike_pack(session: Session, pack: OpenPack) -> str | None:
    """Return why a session did not measure a pack; None if it did, or measured its cells."""
    header, ours = session.header, pack.plan.sources.pack
    if header.pack is not None and ours is not None and header.pack != ours.pack_id:
        return (
            f"it measured the pack {header.pack[:12]}, and this is {ours.pack_id[:12]} (were "
            "its encoders or indexes changed?)"
        )
    if header.started + AHEAD < pack.manifest.created:
        return f"it started before the pack was made ({pack.manifest.created.isoformat()})"
    for cell, facts in header.rows.items():
        packed = pack.manifest.cells.get(cell)
        if packed is None:
            return f"{cell}: the pack does not hold it"
        if (facts.key, facts.latency_key) != (packed.key, packed.latency_key):
            return f"{cell}: its key is not that of the pack"
    return None


def _check_baseline(path: Path, session: Session, report: Report) -> None:
    """Compare two halves of the baseline's times: the same work must take the same time."""
    cell = session.header.baseline
    if cell is None or cell in session.header.errors:
        report.unchecked["A/A: sessions without a baseline"] += 1
        return
    times = trust.steady_times(session, cell, END_TO_END)
    first, second = (_half(times, half) for half in (0, 1))
    if not first or not second:
        report.unchecked["A/A: sessions with too few times of the baseline"] += 1
        return
    ratio = median(second) / median(first)
    apart = max(ratio, 1 / ratio) - 1
    why = (
        f"A/A: the baseline {cell} took {ratio:.2f} times as long in half of its processes as "
        "in the other half (measure again on an idle machine)"
    )
    report.judge(
        "sessions: A/A, two halves of the baseline", path, why if apart > APART else None
    )


def _half(times: Times, half: int) -> list[int]:
    """Return the times of every second process, or of every second block of one process."""
    several = len(times) > 1
    halved: Callable[[int, int], bool] = (
        (lambda process, _: process % 2 == half)
        if several
        else (lambda _, block: block % 2 == half)
    )
    return [
        ns
        for place, samples in enumerate(times.values())
        for block, _, ns in samples.tolist()
        if block != NO_BLOCK and halved(place, block)
    ]
