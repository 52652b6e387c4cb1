"""The records of results folders, put together: of each suite on each machine its cells.

Folders may come from several runs and people. Of two records of one cell the newer one counts;
what cannot be read is named and left out.
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
from effbench.board.chosen import chosen, newest, of_one_data, version
from effbench.run.recorded import Done, Record, SuiteFacts
from effbench.run.records import SUITE, queries_file, read, read_suite
from effbench.store.disk import listed
from effbench.store.door import QueryId, check_ids, content, parsed, typed
from effbench.text.printing import one_line

QUERY_LENGTH = 1_000_000
"""Characters of a query's text."""

Texts: TypeAlias = dict[QueryId, Annotated[str, Meta(max_length=QUERY_LENGTH)]]
"""query_id -> the query's text."""


@dataclass(frozen=True)
class Collected:
    """What is known of one suite on one machine."""

    machine: str
    suite: SuiteFacts
    """Of the folder with the newest record; datasets and cells of the others joined to it."""

    folders: Sequence[Path]
    records: Mapping[str, Record]
    """Cell -> its newest record; in the suite's order."""

    texts: Mapping[str, Texts]
    """Dataset -> the texts of its queries, where there is a file of them that is whole."""

    remarks: Sequence[str]
    unreadable: Sequence[str]
    """What was left out, since it could not be read."""

    @property
    def done(self) -> list[Done]:
        """The records with scores."""
        return [record for record in self.records.values() if isinstance(record, Done)]


def collect(roots: Iterable[Path]) -> list[Collected]:
    """Return what there is under some folders, a suite on a machine each, in order of names.

    Raises:
        EffbenchError: no suite has run in one of them.
        UnreadableError: what has run there cannot be read.

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
        _collected(machine, some, unreadable) for (_, machine), some in sorted(folders.items())
    ]


def _suites(root: Path, unreadable: list[str]) -> Iterator[Path]:
    """Yield the suites' files under a folder; name the folders that cannot be looked into."""

    def note(error: OSError) -> None:
        unreadable.append(one_line(str(DiskError(root, error))))

    for folder, inside, files in os.walk(root, onerror=note):
        if SUITE in (*inside, *files):
            yield Path(folder, SUITE)


class _Files:
    """The records of a suite's folders, as far as they can be read."""

    def __init__(self, folders: Iterable[tuple[Path, SuiteFacts]]) -> None:
        self.by_cell: dict[str, list[Record]] = {}
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
                        said = f"{record.dataset} is no dataset of the {SUITE} beside it"
                        raise EffbenchError(f"{path}: {said} (run the suite again)")
                    self._take(folder, record)
                except EffbenchError as error:
                    self.broken.append(one_line(str(error)))
                    self.unread.add(path.stem)

    def _take(self, folder: Path, record: Record) -> None:
        for name, checksum in record.files.items():
            self._checksums.setdefault(folder / name, set()).add(checksum)
        self.newest[folder] = max(self.newest.get(folder, record.created), record.created)
        known = self.by_cell.setdefault(record.cell, [])
        if version(record) not in map(version, known):
            known.append(record)
            known.sort(key=version, reverse=True)

    def texts(
        self, names: Iterable[str], folders: Sequence[Path]
    ) -> Iterator[tuple[str, Texts]]:
        """Yield dataset and the texts of its queries, from each folder that has them."""
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
    found = _Files(folders)
    order = sorted(folders, key=lambda one: str(one[0]), reverse=True)
    order.sort(key=lambda one: (one[0] in found.newest, found.newest.get(one[0])), reverse=True)
    suite, inside = _joined([suite for _, suite in order]), [folder for folder, _ in order]
    remarks = []
    for cell in suite.cells:
        versions = found.by_cell.get(cell, [])
        if len(versions) > 1:
            remarks.append(chosen(cell, versions))
        if not versions and cell not in found.unread:
            remarks.append(f"{cell}: not run yet")
    others = sorted(found.by_cell.keys() - set(suite.cells))
    if others:
        remarks.append(
            f"left out, since the suite no longer has them: {', '.join(others)} "
            f"({_prune(inside, others)} removes them)"
        )
    records = {cell: found.by_cell[cell][0] for cell in suite.cells if cell in found.by_cell}
    records = of_one_data(newest(records, remarks), remarks)
    texts: dict[str, Texts] = {}
    for name, own in found.texts((dataset.name for dataset in suite.datasets), inside):
        texts.setdefault(name, own)
    unreadable = [*unreadable, *found.broken]
    return Collected(machine, suite, inside, records, texts, remarks, unreadable)


def _prune(folders: Sequence[Path], cells: Sequence[str]) -> str:
    """Return the command that removes the records of cells, where they lie."""
    roots = [
        str(folder.parents[1] if len(folder.parents) > 1 else folder)  # of ROOT/MACHINE/SUITE
        for folder in folders
        if any((folder / f"{cell}.json").exists() for cell in cells)
    ]
    commands = [
        shlex.join(["effbench", "results", "prune", root, "--yes"])
        for root in dict.fromkeys(roots)
    ]
    return " and ".join(commands)


def _texts(path: Path, checksums: Collection[str] | None) -> Texts:
    """Read the texts of a dataset's queries, which must be what some record says."""
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


def _joined(suites: Sequence[SuiteFacts]) -> SuiteFacts:
    """Return the first suite's facts, with datasets, cells and measures' part of all."""
    joined, *others = suites
    for other in others:
        known = {dataset.name for dataset in joined.datasets}
        shared = [measure for measure in joined.measures if measure in other.measures]
        timed = {**other.latency.timed, **joined.latency.timed}
        joined = replace(
            joined,
            datasets=[*joined.datasets, *(d for d in other.datasets if d.name not in known)],
            cells=list(dict.fromkeys([*joined.cells, *other.cells])),
            measures=shared or joined.measures,
            latency=replace(joined.latency, timed=timed),
        )
    return joined
