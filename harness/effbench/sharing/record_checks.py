"""The checks of a record: its files, its keys, and its values against those of a pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from effbench.run.recorded import Done, Offer, SuiteFacts
from effbench.run.records import SEALED, Plain, load
from effbench.sharing.manifest import RECORDS
from effbench.sharing.opening import OpenPack
from effbench.sharing.report import SEALED_SINCE, Report
from effbench.store.digests import digest_of, file_sha256

DECIDED = (
    "status", "key", "data_key", "dataset", "row", "passages", "index", "search", "k",
    "trained_on", "vectors", "per_query", "scores", "recall", "overlap", "queries", "such_as",
)  # fmt: skip
"""The parts that a pack decides of any record of its cells."""

SIZES = ("docs", "width", "query_parameters", "vectors_bytes", "index_key")
"""The costs that a pack decides."""


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
    if record.schema < SEALED and record.created >= SEALED_SINCE:
        report.refuse(
            path, "it has no checksum, and records of its age have one (send it whole)"
        )
    elif record.schema < SEALED:
        report.unchecked["checksums of records that were made before they had any"] += 1
    why = _other_queries(record, done, suite)
    report.judge("records: measures and queries of the suite and of the other rows", path, why)
    for name, checksum in record.files.items():
        _check_file(folder / name, checksum, report)
    recall = record.recall
    if recall is not None and recall.exact in done:
        same = done[recall.exact].key == recall.key
        why = f"its recall is of another key of {recall.exact} (run the suite again)"
        report.judge("records: recall of the exact cell's key", path, None if same else why)
    _check_latency_key(record, suite, report)


def _other_queries(record: Done, done: Mapping[str, Done], suite: SuiteFacts) -> str | None:
    """Return how a record's measures or queries are not those that it must have."""
    lacking = [measure for measure in suite.measures if measure not in record.scores]
    if lacking:
        return f"it lacks the suite's {lacking[0]} (run the suite again)"
    queries = {frozenset(values) for values in record.per_query.values()}
    if len(queries) > 1:
        return "its measures are of different queries (send the record as it is)"
    count = len(next(iter(queries)))
    if record.queries.get("queries") not in (None, count):
        return f"it counts {record.queries['queries']} queries, and has the values of {count}"
    for other in done.values():
        alike = (other.dataset, other.data_key) == (record.dataset, record.data_key)
        more = len(next(iter(other.per_query.values()))) > count
        if alike and more and record.data_key:
            return f"it lacks queries that {other.cell} has on the same data"
    return None


def check_against_pack(folder: Path, record: Plain, pack: OpenPack, report: Report) -> None:
    """Check a record, as its file holds it, against the record of its pack."""
    cell = str(record["cell"])
    if cell not in pack.manifest.cells:
        report.unchecked["records that the pack does not hold"] += 1
        return
    _, ours = load(pack.folder / RECORDS / f"{cell}.json")
    copied = record.get("created") == ours.get("created")
    if not copied:
        report.unchecked["costs, versions and runs of records that the pack did not bring"] += 1
    why = next(_differences(record, ours, tuple(ours) if copied else DECIDED), None)
    report.judge("records: keys, scores and options of the pack", folder / f"{cell}.json", why)


def _differences(record: Plain, ours: Plain, decided: Sequence[str]) -> Iterator[str]:
    """Yield a reason for each part of a record that is not that of the pack."""
    theirs, packed = (each.get("costs") or {} for each in (record, ours))
    for name in SIZES:
        if theirs.get(name) != packed.get(name):
            yield f"its {name} is {theirs.get(name)}, and {packed.get(name)} in the pack"
    for name in sorted(decided, key=lambda name: name != "per_query"):
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
