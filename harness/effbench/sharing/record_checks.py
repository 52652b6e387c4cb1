"""The checks of a record: its files, its keys, and its values against those of a pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from effbench.run.recorded import Done, Offer, SuiteFacts
from effbench.run.records import Plain, load
from effbench.sharing.manifest import RECORDS
from effbench.sharing.opening import OpenPack
from effbench.sharing.report import Report
from effbench.store.digests import digest_of, file_sha256

DECIDED = (
    "key", "data_key", "dataset", "row", "passages", "index", "search", "k", "trained_on",
    "vectors", "per_query", "scores", "recall", "overlap",
)  # fmt: skip
"""The parts of a record that its pack decides; costs, versions and dates may differ."""


def check_record(
    folder: Path,
    record: Done,
    done: Mapping[str, Done],
    suite: SuiteFacts,
    report: Report,
) -> None:
    """Check a record that could be read, so that its schema, checksum and means hold."""
    path = folder / f"{record.cell}.json"
    report.checked["records: schema, and scores from the values of queries"] += 1
    for name, checksum in record.files.items():
        _check_file(folder / name, checksum, report)
    recall = record.recall
    if recall is not None and recall.exact in done:
        same = done[recall.exact].key == recall.key
        why = f"its recall is of another key of {recall.exact} (run the suite again)"
        report.judge("records: recall of the exact cell's key", path, None if same else why)
    _check_latency_key(record, suite, report)


def check_against_pack(folder: Path, record: Plain, pack: OpenPack, report: Report) -> None:
    """Check a record, as its file holds it, against the record of its pack."""
    cell = str(record["cell"])
    if cell not in pack.manifest.cells:
        report.unchecked["records that the pack does not hold"] += 1
        return
    _, ours = load(pack.folder / RECORDS / f"{cell}.json")
    why = next(_differences(record, ours), None)
    report.judge("records: keys, scores and options of the pack", folder / f"{cell}.json", why)


def _differences(record: Plain, ours: Plain) -> Iterator[str]:
    """Yield a reason for each part of a record that is not that of the pack."""
    for name in DECIDED:
        theirs, packed = record.get(name), ours.get(name)
        if theirs == packed:
            continue
        if name == "per_query":
            yield from _differing_values(theirs or {}, packed or {})
        yield f"it has another {name!r} than the pack's record"


def _differing_values(
    theirs: Mapping[str, Mapping[str, float]], packed: Mapping[str, Mapping[str, float]]
) -> Iterator[str]:
    for measure, values in packed.items():
        for query, value in values.items():
            sent = theirs.get(measure, {}).get(query)
            if sent != value:
                yield f"its {measure} of query {query} is {sent}, and {value} in the pack"


def _check_file(path: Path, checksum: str, report: Report) -> None:
    if not path.is_file():
        report.unchecked[f"files beside records: {path.parent.name}/ lacks files"] += 1
        return
    why = "its checksum is not the one in its record (send the file of this record)"
    same = file_sha256(path) == checksum
    report.judge("files beside records: checksum", path, None if same else why)


def _check_latency_key(record: Done, suite: SuiteFacts, report: Report) -> None:
    """Recompute a cell's latency key from the options in its record.

    That is possible if no option names a row, since the options of such a row count, too.
    """
    known = suite.latency.latency_keys.get(record.cell)
    rows = [row for row in (record.row, record.index) if row]
    given = [sorted(_given(row).items()) for row in rows]
    if known == digest_of({"cell": record.key, "given": str(given)}):
        report.checked["records: latency key from key and options"] += 1
    else:
        report.unchecked["latency keys of rows that name other rows, or of another run"] += 1


def _given(row: Offer) -> Mapping[str, object]:
    return {name: value for name, value in row.options.items() if name != "store"}
