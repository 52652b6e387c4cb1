"""Files in a results folder that are no longer needed: of cells that left their suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from effbench.api.errors import DiskError, EffbenchError
from effbench.board.collected import collect
from effbench.latency.samples import FOLDER, read_session
from effbench.run.recorded import SuiteFacts
from effbench.run.records import QUERIES, RUNS, SUITE, queries_file, read
from effbench.store.disk import listed
from effbench.text.printing import one_line

RUN_SUFFIX = ".trec.gz"


@dataclass
class Surplus:
    """The files that can be removed, and the files that stay because nobody can read them."""

    files: list[Path] = field(default_factory=list)
    """The files that can be removed. A record comes after the files that belong to it.

    So a removal that is stopped half-way can be run again.
    """

    records: int = 0
    """How many of the files are records."""

    unreadable: list[str] = field(default_factory=list)
    """Which files cannot be read, and why."""

    @property
    def nbytes(self) -> int:
        """The size of the files in bytes."""
        return sum(path.stat().st_size for path in self.files)


def surplus(root: Path) -> Surplus:
    """Return the files under a folder of results that can be removed.

    Raises:
        EffbenchError: the folder has no results.
        UnreadableError: no file of a suite can be read.

    """
    result = Surplus()
    suites = collect([root])
    # a suite may have several folders: a cell that one of them lists stays in all of them
    for collected in suites:
        for folder in collected.folders:
            _add_folder(folder, collected.suite, result)
    unreadable = [reason for collected in suites for reason in collected.unreadable]
    result.unreadable = list(dict.fromkeys([*unreadable, *result.unreadable]))
    return result


def remove(files: Sequence[Path]) -> None:
    """Remove files; a file that does not exist is no error.

    Raises:
        DiskError: a file cannot be removed.

    """
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(path, error) from error


def _add_folder(folder: Path, suite: SuiteFacts, result: Surplus) -> None:
    """Add the files of one folder; ``suite`` says which cells are still in use."""
    cells = set(suite.cells)
    texts = {queries_file(dataset.name) for dataset in suite.datasets}
    gone, unread = list[Path](), set[str]()
    for path in listed(folder, "*.json"):
        if path.name == SUITE:
            continue
        try:
            record = read(path)
        except EffbenchError as error:
            result.unreadable.append(one_line(str(error)))
            unread.add(path.stem)
            continue
        if record.cell in cells:
            texts.update(record.files)
        else:
            gone.append(path)
    for path in listed(folder / RUNS, f"*{RUN_SUFFIX}"):
        if path.name.removesuffix(RUN_SUFFIX) not in cells | unread:
            result.files.append(path)
    for path in listed(folder / QUERIES, "*.json"):
        if not unread and f"{QUERIES}/{path.name}" not in texts:
            result.files.append(path)
    result.files += _sessions(folder, cells | unread, result.unreadable)
    result.files += gone
    result.records += len(gone)


def _sessions(folder: Path, cells: set[str], unreadable: list[str]) -> Iterator[Path]:
    """Yield the files of latency sessions that measured none of these cells."""
    for path in listed(folder / FOLDER, "*.npz"):
        try:
            rows = read_session(path).header.rows
        except EffbenchError as error:
            unreadable.append(one_line(str(error)))
            continue
        if cells.isdisjoint(rows):
            yield path
