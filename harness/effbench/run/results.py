"""The results folder of a suite on this machine: its records, and the files beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from effbench.api.errors import EffbenchError
from effbench.machine import facts
from effbench.plan.cells import Cell, Plan
from effbench.run.records import MACHINE, RUNS, SUITE, Plain, load, queries_file, suite_facts
from effbench.steps.data import queries_of
from effbench.steps.search import RUN
from effbench.store import trec
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, sweep_stale, write_json
from effbench.work.step import key_of

if TYPE_CHECKING:
    from effbench.store.artifacts import Store
    from effbench.store.digests import Digests
    from effbench.work.workbench import Workbench

T = TypeVar("T")

Note: TypeAlias = Callable[[str], object]
"""A function that tells the user of a file that cannot be read."""


def _ignore(message: str) -> None:
    """Drop a message that the user gets later."""


@dataclass(frozen=True)
class Results:
    """The records of one suite on this machine."""

    folder: Path

    @classmethod
    def of(cls, root: Path, plan: Plan) -> Results:
        """Return the results of a plan's suite in the folder ``root``."""
        return cls(root / facts.name() / plan.suite.name)

    def begin(self, plan: Plan, note: Note) -> None:
        """Write the machine's facts and the facts of the whole suite, unless they are there."""
        inner = [path for path in self.folder.glob("*") if path.is_dir()]
        for folder in (self.folder.parent, self.folder, *inner):
            sweep_stale(folder)
        _write_if_new(self.folder.parent / MACHINE, facts.described(), note)
        _write_if_new(self.folder / SUITE, suite_facts(plan), note)

    def complete(self, plan: Plan) -> bool:
        """Tell whether every cell of a plan has its finished record."""
        return all(self.finished(cell) for cell in plan.cells)

    def lacking(self, plan: Plan, store: Store) -> list[Cell]:
        """Return the cells that a run must make steps for: those without a finished record."""
        return [
            cell
            for cell in plan.cells
            if not all(store.artifact(step.kind, key_of(step)).finished() for step in cell.read)
            and self.finished(cell) is None
        ]

    def read(self, cell: Cell, note: Note) -> Plain | None:
        """Return a cell's record; None if there is none that can be read."""
        contents = _read_if_whole(self.folder / f"{cell.name}.json", load, note)
        return contents and contents[1]

    def finished(self, cell: Cell, note: Note = _ignore) -> Plain | None:
        """Return a cell's record if it is done, and still is the record of this cell."""
        record = self.read(cell, note)
        done = record and (record.get("status"), record.get("key")) == ("done", cell.key)
        return record if done else None

    def write(self, cell: Cell, record: Plain) -> None:
        """Write a cell's record, atomically."""
        write_json(self.folder / f"{cell.name}.json", record)

    def run_file(self, cell: Cell) -> Path:
        """Return the path of a cell's exported run."""
        return self.folder / _run(cell)

    def export(self, cell: Cell, bench: Workbench) -> dict[str, str]:
        """Write a cell's run and the texts of its queries (for the page) beside its record.

        Returns:
            Name -> checksum of each file, which the record keeps.

        """
        run, texts = _run(cell), queries_file(cell.dataset.name)
        trec.export(bench.artifact(cell.search).folder / RUN, self.folder / run)
        queries = queries_of(cell.search.data, bench)
        write_json(self.folder / texts, {q.query_id: q.text for q in queries}, seal=False)
        return {name: file_sha256(self.folder / name) for name in (run, texts)}

    def lost(self, record: Plain, digests: Digests) -> list[str]:
        """Return which of a record's files are missing or damaged."""
        files: Mapping[str, str] = record.get("files", {})
        return [
            name
            for name, checksum in files.items()
            if not (path := self.folder / name).is_file() or digests.of(path) != checksum
        ]


def _run(cell: Cell) -> str:
    return f"{RUNS}/{cell.name}.trec.gz"


def _write_if_new(path: Path, data: Plain, note: Note) -> None:
    if _read_if_whole(path, read_sealed, note) != json.loads(json.dumps(data)):
        write_json(path, data)


def _read_if_whole(path: Path, read: Callable[[Path], T], note: Note) -> T | None:
    """Return the content of a file; None if there is no file, or none that can be read."""
    if not os.path.lexists(path):
        return None
    try:
        return read(path)
    except EffbenchError as error:
        note(f"writing it again: {error}")
        return None
