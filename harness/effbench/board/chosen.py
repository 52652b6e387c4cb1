"""Which of several records counts: the newest of a cell, and those of one data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from effbench.run.recorded import Done, Record
from effbench.text.names import through


def of_other_data(one: Done, other: Done) -> bool:
    """Tell whether two records of a dataset are of other docs, queries or judgments.

    Records from before there were keys of data are known by the queries that count; no others
    count for one data.
    """
    if one.data_key and other.data_key and one.data_key != other.data_key:
        return True
    shared = one.per_query.keys() & other.per_query.keys()
    return any(one.per_query[m].keys() != other.per_query[m].keys() for m in shared)


def newest(records: Mapping[str, Record], remarks: list[str]) -> dict[str, Record]:
    """Return the records less older ones of the same: a cell may have had another name."""
    places = {
        cell: (one.dataset, one.row.name, through(one.index_name, one.search))
        for cell, one in records.items()
    }
    latest = {places[cell]: cell for cell in sorted(records, key=lambda c: version(records[c]))}
    older = dict.fromkeys(cell for cell, place in places.items() if latest[place] != cell)
    if older:
        now = ", ".join(dict.fromkeys(latest[places[cell]] for cell in older))
        remarks.append(f"left out, since {now} is newer and of the same: {', '.join(older)}")
    return {cell: record for cell, record in records.items() if cell not in older}


def of_one_data(records: Mapping[str, Record], remarks: list[str]) -> dict[str, Record]:
    """Return the records less those of data that a dataset has no more: rows are compared."""
    done = [record for record in records.values() if isinstance(record, Done)]
    latest = {record.dataset: record for record in sorted(done, key=version)}
    others: dict[str, list[str]] = {}
    for record in done:
        if of_other_data(record, latest[record.dataset]):
            others.setdefault(record.dataset, []).append(record.cell)
    for dataset, cells in others.items():
        remarks.append(
            f"left out, since {dataset} has other data now than they were measured on: "
            f"{', '.join(cells)} (run the suite again)"
        )
    left = {cell for cells in others.values() for cell in cells}
    return {cell: record for cell, record in records.items() if cell not in left}


def version(record: Record) -> tuple[datetime, str]:
    """Return what is larger of the record that counts."""
    return record.created, record.key


def chosen(cell: str, some: Sequence[Record]) -> str:
    """Say which of a cell's records counts, the newest first, and of which not."""
    told = [
        f"{one.created.isoformat()[:16]} by effbench {one.versions.get('effbench', '?')}, "
        f"key {one.key[:8]}"
        for one in some
    ]
    last = ", nor that of ".join(told[1:])
    return f"{cell}: {len(some)} records; the one of {told[0]} counts, not that of {last}"
