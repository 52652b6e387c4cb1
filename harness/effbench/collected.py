"""The records of results folders, put together: of each suite on each machine its cells.

Folders may come from several runs and people. Of two records of one cell the newer one counts;
what cannot be read is named and left out.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effbench import shapes
from effbench.content import file_sha256
from effbench.errors import EffbenchError
from effbench.files import DiskError, listed
from effbench.records import SUITE, Record, queries_file, read

NEEDED = ("status", "key", "created", "dataset", "row", "index", "search")


@dataclass(frozen=True)
class Collected:
    """What is known of one suite on one machine."""

    machine: str
    suite: Record
    """Of the folder with the newest record; datasets and cells of the others joined to it."""

    folders: Sequence[Path]
    records: Mapping[str, Record]
    """Cell -> its newest record, which says its ``cell``; in the suite's order."""

    texts: Mapping[str, Path]
    """Dataset -> file with the texts of its queries, where there is one that is whole."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """What was left out, since it could not be read."""

    @property
    def done(self) -> list[Record]:
        """The records with scores."""
        return [record for record in self.records.values() if record["status"] == "done"]


def collect(roots: Iterable[Path]) -> list[Collected]:
    """Return what there is under some folders, a suite on a machine each, in order of names.

    Raises:
        EffbenchError: no suite has run in one of them.

    """
    folders: dict[tuple[str, str], list[tuple[Path, Record]]] = {}
    unreadable = list[str]()
    for root in roots:
        found = sorted(_suites(root, unreadable))
        if not found and not unreadable:
            option = shlex.join(["--results", str(root)])
            raise EffbenchError(f"{root}: no results there (run a suite with {option})")
        for path in found:
            try:
                suite = read(path)
                shapes.check(suite, shapes.SUITE, path)
            except EffbenchError as error:
                unreadable.append(str(error))
                continue
            known = folders.setdefault((suite["suite"], path.parent.parent.name), [])
            if path.parent.resolve() not in [folder.resolve() for folder, _ in known]:
                known.append((path.parent, suite))
    if not folders:
        raise EffbenchError("; ".join(unreadable))
    return [
        _collected(machine, some, unreadable) for (_, machine), some in sorted(folders.items())
    ]


def _suites(root: Path, unreadable: list[str]) -> Iterator[Path]:
    """Yield the suites' files under a folder; name the folders that cannot be looked into."""

    def note(error: OSError) -> None:
        unreadable.append(str(DiskError(root, error)))

    for folder, inside, files in os.walk(root, onerror=note):
        if SUITE in (*inside, *files):
            yield Path(folder, SUITE)


def _collected(
    machine: str, folders: Sequence[tuple[Path, Record]], unreadable: Iterable[str]
) -> Collected:
    by_cell: dict[str, list[Record]] = {}
    newest: dict[Path, str] = {}
    broken = list(unreadable)
    unread = set()
    files: dict[Path, set[str]] = {}
    for path in (path for folder, _ in folders for path in _records(folder)):
        try:
            record = {**_checked(path), "cell": path.stem}
        except EffbenchError as error:
            broken.append(str(error))
            unread.add(path.stem)
            continue
        for name, checksum in record.get("files", {}).items():
            files.setdefault(path.parent / name, set()).add(checksum)
        newest[path.parent] = max(newest.get(path.parent, ""), record["created"])
        known = by_cell.setdefault(path.stem, [])
        if _version(record) not in map(_version, known):
            known.append(record)
    order = sorted(folders, key=lambda one: (newest.get(one[0], ""), str(one[1])), reverse=True)
    suite = _joined([suite for _, suite in order])
    remarks = []
    for cell in suite["cells"]:
        some = by_cell.get(cell, [])
        some.sort(key=_version, reverse=True)
        if len(some) > 1:
            remarks.append(_chosen(cell, some))
        if not some and cell not in unread:
            remarks.append(f"{cell}: not run yet")
    others = sorted(by_cell.keys() - set(suite["cells"]))
    if others:
        remarks.append(f"left out, since the suite has them no more: {', '.join(others)}")
    records = {cell: by_cell[cell][0] for cell in suite["cells"] if cell in by_cell}
    records = _of_one_data(records, remarks)
    inside = [folder for folder, _ in order]
    names = [dataset["name"] for dataset in suite["datasets"]]
    texts = {
        name: path
        for name in names
        for path in reversed([folder / queries_file(name) for folder in inside])
        if path.is_file() and _whole(path, files.get(path), broken)
    }
    return Collected(machine, suite, inside, records, texts, remarks, broken)


def of_other_data(one: Record, other: Record) -> bool:
    """Tell whether two records of a dataset are of other docs, queries or judgments.

    Records from before there were keys of data are known by the queries that count.
    """
    keys = one.get("data_key"), other.get("data_key")
    if all(keys):
        return keys[0] != keys[1]
    shared = one["per_query"].keys() & other["per_query"].keys()
    return any(one["per_query"][m].keys() != other["per_query"][m].keys() for m in shared)


def _of_one_data(records: Mapping[str, Record], remarks: list[str]) -> dict[str, Record]:
    """Return the records less those of data that a dataset has no more: rows are compared."""
    done = [record for record in records.values() if record["status"] == "done"]
    newest = {record["dataset"]: record for record in sorted(done, key=_version)}
    others: dict[str, list[str]] = {}
    for record in done:
        if of_other_data(record, newest[record["dataset"]]):
            others.setdefault(record["dataset"], []).append(record["cell"])
    for dataset, cells in others.items():
        remarks.append(
            f"left out, since {dataset} has other data now than they were measured on: "
            f"{', '.join(cells)} (run the suite again)"
        )
    left = {cell for cells in others.values() for cell in cells}
    return {cell: record for cell, record in records.items() if cell not in left}


def _whole(path: Path, checksums: Collection[str] | None, broken: list[str]) -> bool:
    """Tell whether a file is what some record says; name it if it is not."""
    whole = not checksums or file_sha256(path) in checksums
    if not whole:
        broken.append(f"{path}: its checksum does not hold (run the suite again)")
    return whole


def _records(folder: Path) -> list[Path]:
    return [path for path in listed(folder, "*.json") if path.name != SUITE]


def _version(record: Record) -> tuple[str, str]:
    return record["created"], record["key"]


def _checked(path: Path) -> Record:
    """Read a record that has what is looked for in all of them."""
    record = read(path)
    needed = [*NEEDED, *([] if record.get("status") == "done" else ["error"])]
    missing = [name for name in needed if name not in record]
    if missing:
        raise EffbenchError(f"{path}: a record without {', '.join(missing)}")
    shapes.check(record, shapes.RECORD, path)
    if record.get("cell", path.stem) != path.stem:
        raise EffbenchError(f"{path}: the record of {record['cell']} (give it its name)")
    return record


def _joined(suites: Sequence[Record]) -> Record:
    """Return the first suite's facts, with datasets, cells and measures' part of all."""
    first, *others = suites
    joined: dict[str, Any] = dict(first)
    for other in others:
        known = {dataset["name"] for dataset in joined["datasets"]}
        new = (dataset for dataset in other["datasets"] if dataset["name"] not in known)
        joined["datasets"] = [*joined["datasets"], *new]
        joined["cells"] = list(dict.fromkeys([*joined["cells"], *other["cells"]]))
        shared = [measure for measure in joined["measures"] if measure in other["measures"]]
        joined["measures"] = shared or joined["measures"]
        latency = joined.get("latency", {})
        timed = {**other.get("latency", {}).get("timed", {}), **latency.get("timed", {})}
        joined["latency"] = {**latency, "timed": timed} if timed else latency
    return joined


def _chosen(cell: str, some: Sequence[Record]) -> str:
    told = [
        f"{one['created'][:16]} by effbench {one.get('versions', {}).get('effbench', '?')}, "
        f"key {one['key'][:8]}"
        for one in some
    ]
    last = "; nor of ".join(told[1:])
    return f"{cell}: {len(some)} records; the one of {told[0]} counts, not of {last}"
