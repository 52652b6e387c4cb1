"""Which of several records counts: the newest one of a cell, on a dataset's newest data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from effbench.run.recorded import Done, Record
from effbench.text.names import index_label


def data_differ(first: Done, second: Done) -> bool:
    """Tell whether two records of a dataset had different docs, queries or judgments.

    Old records have no key of their data. For them we compare the queries that have a value:
    the same data always give the same queries.
    """
    if first.data_key and second.data_key and first.data_key != second.data_key:
        return True
    shared = first.per_query.keys() & second.per_query.keys()
    return any(first.per_query[m].keys() != second.per_query[m].keys() for m in shared)


def without_renamed(records: Mapping[str, Record], remarks: list[str]) -> dict[str, Record]:
    """Return the records without those of a cell that has a newer record under another name.

    Each left-out record gets into a remark.
    """
    places = {
        cell: (record.dataset, record.row.name, index_label(record.index_name, record.search))
        for cell, record in records.items()
    }
    by_age = sorted(records, key=lambda cell: recency(records[cell]))
    latest = {places[cell]: cell for cell in by_age}
    older = dict.fromkeys(cell for cell, place in places.items() if latest[place] != cell)
    if older:
        now = ", ".join(dict.fromkeys(latest[places[cell]] for cell in older))
        remarks.append(f"left out, since {now} is newer and of the same: {', '.join(older)}")
    return {cell: record for cell, record in records.items() if cell not in older}


def without_old_data(records: Mapping[str, Record], remarks: list[str]) -> dict[str, Record]:
    """Return the records without those whose dataset has other data now.

    Rows are compared on the same data only. Each left-out record gets into a remark.
    """
    done = [record for record in records.values() if isinstance(record, Done)]
    latest = {record.dataset: record for record in sorted(done, key=recency)}
    outdated: dict[str, list[str]] = {}
    for record in done:
        if data_differ(record, latest[record.dataset]):
            outdated.setdefault(record.dataset, []).append(record.cell)
    for dataset, cells in outdated.items():
        remarks.append(
            f"left out, since {dataset} has other data now than they were measured on: "
            f"{', '.join(cells)} (run the suite again)"
        )
    left_out = {cell for cells in outdated.values() for cell in cells}
    return {cell: record for cell, record in records.items() if cell not in left_out}


def recency(record: Record) -> tuple[datetime, str]:
    """Return a value that is largest for the record that counts: the newest one."""
    return record.created, record.key


def duplicates(cell: str, records: Sequence[Record]) -> str:
    """Return the remark on a cell with several records, which come newest first."""
    descriptions = [
        f"{record.created.isoformat()[:16]} "
        f"by effbench {record.versions.get('effbench', '?')}, key {record.key[:8]}"
        for record in records
    ]
    ignored = ", nor that of ".join(descriptions[1:])
    return (
        f"{cell}: {len(records)} records; the one of {descriptions[0]} counts, "
        f"not that of {ignored}"
    )
