"""The verification of results that someone sends: each file alone, and all against each other.

No check proves that a machine measured what the files say. The checks find files that are
damaged, changed by hand, of another protocol or of another pack, and times that no machine has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.latency.samples import FOLDER
from effbench.run.recorded import Done, Record, SuiteFacts
from effbench.run.records import MACHINE, SUITE, Plain, load, read_suite
from effbench.sharing import record_checks, session_checks
from effbench.sharing.opening import OpenPack
from effbench.sharing.report import Report
from effbench.store.disk import listed, read_sealed

BY_READERS = "intervals: no file holds any; whoever reads the records computes them anew"


def verify(root: Path, pack: OpenPack | None) -> Report:
    """Return the report on all results under a folder, with ``pack`` against what it holds.

    Raises:
        EffbenchError: the folder has no results.

    """
    report = Report()
    suites = sorted(Path(folder) for folder, _, files in os.walk(root) if SUITE in files)
    if not suites:
        raise EffbenchError(f"{root}: no results there (name a folder with a {SUITE} in it)")
    for folder in suites:
        _verify_suite(folder, pack, report)
    for machine in sorted({folder.parent for folder in suites}):
        _read_machine(machine, report)
    report.unchecked[BY_READERS] += 1
    if pack is None:
        report.unchecked["keys against artifacts: only a pack shows that (--pack FILE)"] += 1
    return report


def _verify_suite(folder: Path, pack: OpenPack | None, report: Report) -> None:
    try:
        suite = read_suite(folder / SUITE)
    except EffbenchError as error:
        report.refused.append(str(error))
        return
    if pack is not None and suite.suite != pack.manifest.suite:
        report.refuse(folder / SUITE, f"the pack is of the suite {pack.manifest.suite!r}")
        return
    done = _verify_records(folder, suite, pack, report)
    paths = list(listed(folder / FOLDER, "*.npz"))
    for path in paths:
        session_checks.check_session(path, suite, done, pack, report)
    if not paths:
        report.unchecked[f"latency: {folder} has no session"] += 1


def _verify_records(
    folder: Path, suite: SuiteFacts, pack: OpenPack | None, report: Report
) -> Mapping[str, Done]:
    """Check the records of a suite; return those with scores that can be read."""
    records: dict[str, tuple[Record, Plain]] = {}
    for path in listed(folder, "*.json"):
        if path.name != SUITE:
            try:
                records[path.stem] = load(path)
            except EffbenchError as error:
                report.refused.append(str(error))
    done = {cell: record for cell, (record, _) in records.items() if isinstance(record, Done)}
    for cell, record in done.items():
        record_checks.check_record(folder, record, done, suite, report)
        if pack is not None:
            record_checks.check_against_pack(folder, records[cell][1], pack, report)
    report.unchecked["records without scores"] += len(records) - len(done)
    return done


def _read_machine(folder: Path, report: Report) -> None:
    path = folder / MACHINE
    if not path.exists():
        report.unchecked[f"the machine: {path} is not there"] += 1
        return
    try:
        read_sealed(path)
    except EffbenchError as error:
        report.refused.append(str(error))
    else:
        report.checked["machines: checksum"] += 1
