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
from effbench.run.records import MACHINE, SUITE, Plain, load, read_content, read_suite
from effbench.sharing import record_checks, session_checks
from effbench.sharing.manifest import RECORDS
from effbench.sharing.opening import OpenPack
from effbench.sharing.report import Report
from effbench.store.disk import listed, read_sealed

BY_READERS = "intervals: no file holds any; whoever reads the records computes them anew"
BY_PACKS = (
    "keys, values of queries, options, costs and training: only a pack tells whether they are "
    "true (--pack FILE)"
)
BY_NOBODY = "times and machines: no file proves that this machine measured these times"


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
    report.unchecked[BY_NOBODY] += 1
    if pack is None:
        report.unchecked[BY_PACKS] += 1
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
    if pack is not None:
        _check_suite(folder, pack, report)
    done = _verify_records(folder, suite, pack, report)
    paths = list(listed(folder / FOLDER, "*.npz"))
    for path in paths:
        session_checks.check_session(path, suite, done, pack, report)
    if not paths:
        report.unchecked[f"latency: {folder} has no session"] += 1


def _check_suite(folder: Path, pack: OpenPack, report: Report) -> None:
    """Check the facts of a suite, such as its baseline and measures, against its pack's."""
    theirs, ours = (read_content(place / SUITE) for place in (folder, pack.folder / RECORDS))
    differing = [name for name in (*ours, *theirs) if theirs.get(name) != ours.get(name)]
    why = f"its {differing[0]!r} is not that of the pack" if differing else None
    report.judge("suites: facts of the pack", folder / SUITE, why)


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
    lacking = pack.manifest.cells.keys() - done.keys() if pack else set()
    report.unchecked["cells of the pack without a record with scores"] += len(lacking)
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
