"""A suite's results folder on this machine: records, and the files that belong to them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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


@dataclass(frozen=True)
class Results:
    """The records of one suite on this machine."""

    folder: Path

    @classmethod
    def of(cls, root: Path, plan: Plan) -> Results:
        """Return where the records of a plan's suite belong under ``root``."""
        return cls(root / facts.name() / plan.suite.name)

    def begin(self, plan: Plan, said: Callable[[str], object]) -> None:
        """Write the machine's facts and what the whole suite consists of.

        ``said`` is told of what was there and could not be read.
        """
        for folder in (self.folder.parent, self.folder, *self.folder.glob("*/")):
            sweep_stale(folder)
        _write_if_new(self.folder.parent / MACHINE, facts.described(), said)
        _write_if_new(self.folder / SUITE, suite_facts(plan), said)

    def complete(self, plan: Plan) -> bool:
        """Tell whether every cell of a plan has its finished record."""
        return all(self.finished(cell, _nobody) for cell in plan.cells)

    def lacking(self, plan: Plan, store: Store) -> list[Cell]:
        """Return the cells of a plan for which a run must make steps: they have no record."""
        return [
            cell
            for cell in plan.cells
            if not all(store.artifact(one.kind, key_of(one)).finished() for one in cell.read)
            and self.finished(cell, _nobody) is None
        ]

    def read(self, cell: Cell, said: Callable[[str], object]) -> Plain | None:
        """Return a cell's record, or None if there is none that can be read; ``said`` why."""
        found = _kept(self.folder / f"{cell.name}.json", load, said)
        return found and found[1]

    def finished(self, cell: Cell, said: Callable[[str], object]) -> Plain | None:
        """Return a cell's record if it is done, of the cell as it is now."""
        record = self.read(cell, said)
        done = record and (record.get("status"), record.get("key")) == ("done", cell.key)
        return record if done else None

    def write(self, cell: Cell, record: Plain) -> None:
        """Write a cell's record, atomically."""
        write_json(self.folder / f"{cell.name}.json", record)

    def export(self, cell: Cell, bench: Workbench) -> dict[str, str]:
        """Keep a cell's run, and its queries' texts (the page shows some), beside its record.

        Returns:
            Name -> checksum of each file: the record says what belongs to it.

        """
        run, texts = f"{RUNS}/{cell.name}.trec.gz", queries_file(cell.dataset.name)
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


def _nobody(said: str) -> None:
    """Hear what is said, where it will be said again."""


def _write_if_new(path: Path, data: Plain, said: Callable[[str], object]) -> None:
    if _kept(path, read_sealed, said) != json.loads(json.dumps(data)):
        write_json(path, data)


def _kept(path: Path, read: Callable[[Path], T], said: Callable[[str], object]) -> T | None:
    """Return what a file of ours holds, if there is one that can be read."""
    if not os.path.lexists(path):
        return None
    try:
        return read(path)
    except EffbenchError as error:
        said(f"writing it again: {error}")
        return None
