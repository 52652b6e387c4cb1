"""What lies in results folders of cells and datasets that their suite has no more."""

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
    """What may go, and what nobody can read, which stays."""

    files: list[Path] = field(default_factory=list)
    """What belongs to a record, before the record: who is killed meanwhile goes on later."""

    records: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """The bytes of the files."""
        return sum(path.stat().st_size for path in self.files)


def surplus(root: Path) -> Surplus:
    """Return what may go under a folder of results.

    Raises:
        EffbenchError: no suite has run there.
        UnreadableError: what has run there cannot be read.

    """
    found = Surplus()
    suites = collect([root])
    # of several folders of one suite each lists cells: what one of them lists stays in all
    for one in suites:
        for folder in one.folders:
            _of_folder(folder, one.suite, found)
    said = [*(line for one in suites for line in one.unreadable), *found.unreadable]
    found.unreadable = list(dict.fromkeys(said))
    return found


def remove(files: Sequence[Path]) -> None:
    """Remove files; those that are gone already are no mistake.

    Raises:
        DiskError: the system refuses.

    """
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(path, error) from error


def _of_folder(folder: Path, suite: SuiteFacts, found: Surplus) -> None:
    cells, texts = set(suite.cells), {queries_file(one.name) for one in suite.datasets}
    gone, unread = list[Path](), set[str]()
    for path in listed(folder, "*.json"):
        if path.name == SUITE:
            continue
        try:
            record = read(path)
        except EffbenchError as error:
            found.unreadable.append(one_line(str(error)))
            unread.add(path.stem)
            continue
        if record.cell in cells:
            texts.update(record.files)
        else:
            gone.append(path)
    for path in listed(folder / RUNS, f"*{RUN_SUFFIX}"):
        if path.name.removesuffix(RUN_SUFFIX) not in cells | unread:
            found.files.append(path)
    for path in listed(folder / QUERIES, "*.json"):
        if not unread and f"{QUERIES}/{path.name}" not in texts:
            found.files.append(path)
    found.files += _sessions(folder, cells | unread, found.unreadable)
    found.files += gone
    found.records += len(gone)


def _sessions(folder: Path, cells: set[str], unreadable: list[str]) -> Iterator[Path]:
    """Yield the latency sessions that measured none of some cells."""
    for path in listed(folder / FOLDER, "*.npz"):
        try:
            rows = read_session(path).header.rows
        except EffbenchError as error:
            unreadable.append(one_line(str(error)))
            continue
        if cells.isdisjoint(rows):
            yield path
