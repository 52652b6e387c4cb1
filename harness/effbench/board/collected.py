"""Collects the records in folders of results: for each suite on each machine, cell -> record.

The folders may come from several runs and people. If a cell has two records, the newer one
counts. A file that cannot be read is left out and named.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeAlias

from msgspec import Meta
from msgspec.structs import replace

from effbench.api.errors import DiskError, EffbenchError, UnreadableError
from effbench.board.chosen import duplicates, recency, without_old_data, without_renamed
from effbench.run.recorded import Done, Record, SuiteFacts
from effbench.run.records import SUITE, queries_file, read, read_suite
from effbench.store.disk import listed
from effbench.store.door import QueryId, check_ids, content, parsed, typed
from effbench.text.printing import one_line

QUERY_LENGTH = 1_000_000
"""The number of characters that the text of a query may have."""

Texts: TypeAlias = dict[QueryId, Annotated[str, Meta(max_length=QUERY_LENGTH)]]
"""query_id -> the query's text."""


@dataclass(frozen=True)
class Collected:
    """The records of one suite on one machine, and the facts that go with them."""

    machine: str
    suite: SuiteFacts
    """The facts in the folder with the newest record, joined with those in older folders."""

    folders: Sequence[Path]
    records: Mapping[str, Record]
    """Cell -> its newest record, in the order of the suite."""

    texts: Mapping[str, Texts]
    """Dataset -> the texts of its queries, if a file holds them and its checksum is right."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """Which files were left out, because they could not be read, and why."""

    not_run: Sequence[str] = ()
    """The cells of the suite without a record."""

    @property
    def done(self) -> list[Done]:
        """The records with scores."""
        return [record for record in self.records.values() if isinstance(record, Done)]


def collect(roots: Iterable[Path]) -> list[Collected]:
    """Return the records under folders: for each suite on each machine, in order of names.

    Raises:
        EffbenchError: a folder has no results.
        UnreadableError: no file of a suite can be read.

    """
    folders: dict[tuple[str, str], list[tuple[Path, SuiteFacts]]] = {}
    unreadable = list[str]()
    for root in roots:
        paths = sorted(_suites(root, unreadable))
        if not paths and not unreadable:
            option = shlex.join(["--results", str(root)])
            raise EffbenchError(f"{root}: no results there (run a suite with {option})")
        for path in paths:
            try:
                suite = read_suite(path)
            except EffbenchError as error:
                unreadable.append(one_line(str(error)))
                continue
            known = folders.setdefault((suite.suite, one_line(path.parent.parent.name)), [])
            if path.parent.resolve() not in [folder.resolve() for folder, _ in known]:
                known.append((path.parent, suite))
    if not folders:
        raise UnreadableError("; ".join(unreadable))
    return [
        _collected(machine, parts, unreadable)
        for (_, machine), parts in sorted(folders.items())
    ]


def _suites(root: Path, unreadable: list[str]) -> Iterator[Path]:
    """Yield the files of suites under a folder; note the folders that cannot be read."""

    def note(error: OSError) -> None:
        unreadable.append(one_line(str(DiskError(root, error))))

    for folder, inside, files in os.walk(root, onerror=note):
        if SUITE in (*inside, *files):
            yield Path(folder, SUITE)


class _Files:
    """The records in the folders of a suite that can be read."""

    def __init__(self, folders: Iterable[tuple[Path, SuiteFacts]]) -> None:
        self.by_cell: dict[str, list[Record]] = {}  # the newest record of a cell first
        self.newest: dict[Path, datetime] = {}
        self.broken: list[str] = []
        self.unread: set[str] = set()
        self._checksums: dict[Path, set[str]] = {}
        for folder, suite in folders:
            cells, names = set(suite.cells), {dataset.name for dataset in suite.datasets}
            for path in _records(folder):
                try:
                    record = read(path)
                    if record.cell in cells and record.dataset not in names:
                        raise EffbenchError(
                            f"{path}: {record.dataset} is no dataset of the {SUITE} beside it "
                            "(run the suite again)"
                        )
                    self._take(folder, record)
                except EffbenchError as error:
                    self.broken.append(one_line(str(error)))
                    self.unread.add(path.stem)

    def _take(self, folder: Path, record: Record) -> None:
        for name, checksum in record.files.items():
            self._checksums.setdefault(folder / name, set()).add(checksum)
        self.newest[folder] = max(self.newest.get(folder, record.created), record.created)
        known = self.by_cell.setdefault(record.cell, [])
        if recency(record) not in map(recency, known):
            known.append(record)
            known.sort(key=recency, reverse=True)

    def texts(
        self, names: Iterable[str], folders: Sequence[Path]
    ) -> Iterator[tuple[str, Texts]]:
        """Yield pairs of a dataset and its queries' texts, from each folder that has them."""
        for name in names:
            for path in (folder / queries_file(name) for folder in folders):
                if os.path.lexists(path):
                    try:
                        yield name, _texts(path, self._checksums.get(path))
                    except EffbenchError as error:
                        self.broken.append(one_line(str(error)))


def _collected(
    machine: str, folders: Sequence[tuple[Path, SuiteFacts]], unreadable: Iterable[str]
) -> Collected:
    files = _Files(folders)
    order = sorted(folders, key=lambda pair: str(pair[0]), reverse=True)
    order.sort(
        key=lambda pair: (pair[0] in files.newest, files.newest.get(pair[0])), reverse=True
    )
    suite, paths = joined([suite for _, suite in order]), [folder for folder, _ in order]
    remarks = _cell_remarks(suite, files, paths)
    records = {cell: files.by_cell[cell][0] for cell in suite.cells if cell in files.by_cell}
    records = without_old_data(without_renamed(records, remarks), remarks)
    texts: dict[str, Texts] = {}
    for name, by_query in files.texts((dataset.name for dataset in suite.datasets), paths):
        texts.setdefault(name, by_query)
    unreadable = [*unreadable, *files.broken]
    missing = [c for c in suite.cells if c not in files.by_cell and c not in files.unread]
    return Collected(machine, suite, paths, records, texts, remarks, unreadable, missing)


def _cell_remarks(suite: SuiteFacts, files: _Files, folders: Sequence[Path]) -> list[str]:
    """Return the remarks on cells with several records, or out of use."""
    remarks = []
    for cell in suite.cells:
        records = files.by_cell.get(cell, [])
        if len(records) > 1:
            remarks.append(duplicates(cell, records))
    unused = sorted(files.by_cell.keys() - set(suite.cells))
    if unused:
        remarks.append(
            f"left out, since the suite no longer has them: {', '.join(unused)} "
            f"({_prune(folders, unused)} removes them)"
        )
    return remarks


def _prune(folders: Sequence[Path], cells: Sequence[str]) -> str:
    """Return the commands that remove the records of cells from their folders."""
    roots = [
        str(
            folder.parents[1] if len(folder.parents) > 1 else folder
        )  # a folder is ROOT/MACHINE/SUITE
        for folder in folders
        if any((folder / f"{cell}.json").exists() for cell in cells)
    ]
    commands = [
        shlex.join(["effbench", "results", "prune", root, "--yes"])
        for root in dict.fromkeys(roots)
    ]
    return " and ".join(commands)


def _texts(path: Path, checksums: Collection[str] | None) -> Texts:
    """Read the texts of a dataset's queries; a record must know the checksum of the file."""
    data = content(path)
    if checksums and hashlib.sha256(data).hexdigest() not in checksums:
        raise EffbenchError(f"{path}: its checksum does not hold (run the suite again)")
    texts: Texts = typed(parsed(data, path), Texts, path, "query_id: text; run the suite again")
    try:
        check_ids(texts)
    except ValueError as error:
        raise EffbenchError(f"{path}: {error} (run the suite again)") from error
    return texts


def _records(folder: Path) -> list[Path]:
    return [path for path in listed(folder, "*.json") if path.name != SUITE]


def joined(suites: Sequence[SuiteFacts]) -> SuiteFacts:
    """Return the first suite's facts, joined with those of the rest.

    It has the datasets and cells of all suites, but only the measures that all have.
    """
    first, *older = suites
    for suite in older:
        known = {dataset.name for dataset in first.datasets}
        shared = [measure for measure in first.measures if measure in suite.measures]
        latency_keys = {**suite.latency.latency_keys, **first.latency.latency_keys}
        first = replace(
            first,
            datasets=[*first.datasets, *(d for d in suite.datasets if d.name not in known)],
            cells=list(dict.fromkeys([*first.cells, *suite.cells])),
            measures=shared or first.measures,
            latency=replace(first.latency, latency_keys=latency_keys),
        )
    return first
