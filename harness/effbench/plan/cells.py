"""Cells, each a line of the leaderboard, and the plan, which holds all cells of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.offers.plugins import Offer
from effbench.plan.learned import Sources
from effbench.plan.suite import Suite
from effbench.steps.search import Search, SearchIndex
from effbench.store.digests import digest_of
from effbench.text.names import slug
from effbench.text.suggestions import suggest
from effbench.text.words import plain_line
from effbench.work.datasets import DatasetRow
from effbench.work.rows import Row
from effbench.work.step import Step, all_steps, key_of


@dataclass(frozen=True)
class Cell:
    """A dataset that an encoder searches through an index, or that a retriever searches."""

    search: Search
    measures: tuple[str, ...]

    @property
    def dataset(self) -> DatasetRow:
        """The dataset."""
        return self.search.data.row

    @property
    def row(self) -> Row:
        """The encoder or retriever."""
        return self.search.row

    @property
    def index(self) -> Row | None:
        """The index; None for a retriever."""
        return self.search.index.row if isinstance(self.search, SearchIndex) else None

    @property
    def opened(self) -> tuple[Step, ...]:
        """The steps whose artifacts must be open to answer a query, inputs first."""
        search = self.search
        if isinstance(search, SearchIndex):
            index = search.index
            return (*self.row.steps, *index.row.steps, index.corpus, index)
        return (*self.row.steps, search.retriever)

    @property
    def read(self) -> tuple[Step, ...]:
        """The steps whose artifacts are read to write its record."""
        return (self.search, *self.search.inputs, self.search.data, *self.opened)

    @property
    def offers(self) -> list[Offer]:
        """The offers of plugins that its steps use, trainings included."""
        steps = all_steps((self.search,)).values()
        return [offer for step in steps for offer in step.offers]

    @property
    def has_latency(self) -> bool:
        """Whether this machine computes its answers, so that their latency can be measured."""
        return all(row.offer.latency for row in (self.row, *self._live))

    @property
    def _live(self) -> list[Row]:
        """The rows that work inside the encoder or retriever, or inside the index."""
        return [*self.row.live, *(self.index.live if self.index else ())]

    @property
    def options(self) -> Mapping[str, Any]:
        """The search options."""
        return self.search.options if isinstance(self.search, SearchIndex) else {}

    @property
    def name(self) -> str:
        """The name of its record's file: dataset, row, index and search options."""
        swept = [f"{name}={value}" for name, value in self.options.items()]
        parts = [
            self.dataset.name,
            self.row.name,
            self.index.name if self.index else "",
            *swept,
        ]
        return "--".join(slug(part) for part in parts if part)

    @cached_property
    def key(self) -> str:
        """A digest of everything that can change its quality."""
        return digest_of({"run": key_of(self.search), "measures": self.measures})

    @cached_property
    def latency_key(self) -> str:
        """A digest of everything that can change its latency, with speed-only options."""
        rows = [row for row in (self.row, self.index) if row]
        given = [sorted(row.given.items()) for row in (*rows, *self._live)]
        return digest_of({"cell": self.key, "given": str(given)})


@dataclass(frozen=True)
class Plan:
    """The plan of a suite: its cells in the order of the run, and remarks for the user."""

    suite: Suite
    cells: tuple[Cell, ...]
    remarks: tuple[str, ...]
    data: Path
    """The folder in which relative paths of the suite start."""

    datasets: tuple[str, ...]
    """The names of the suite's datasets, in its order."""

    sources: Sources = field(compare=False, repr=False)
    """What it was learned from: this machine's files and datasets, or the notes of a pack."""

    def steps(self) -> dict[str, Step]:
        """Return key -> step for all steps that the cells need, inputs first."""
        return all_steps(tuple(cell.search for cell in self.cells))

    @property
    def baseline(self) -> str | None:
        """The row with which speed is compared: the suite's, or else its first encoder."""
        given = self.suite.latency and self.suite.latency.baseline
        return given or next((cell.row.name for cell in self.cells if cell.index), None)

    @cached_property
    def _exact_cells(self) -> Mapping[tuple[str, str], Cell]:
        """(Row, dataset) -> its first cell through an exact index."""
        cells: dict[tuple[str, str], Cell] = {}
        for cell in self.cells:
            if cell.index and cell.index.exact:
                cells.setdefault((cell.row.name, cell.dataset.name), cell)
        return cells

    def exact_cell(self, cell: Cell) -> Cell | None:
        """Return the cell with the exact hits for the vectors of an approximate index's cell.

        It is None for a retriever, for an exact index, and if the suite has no exact index.
        """
        if cell.index is None or cell.index.exact:
            return None
        return self._exact_cells.get((cell.row.name, cell.dataset.name))

    def only(self, rows: tuple[str, ...], datasets: tuple[str, ...] = ()) -> Plan:
        """Return the plan with only the named rows and datasets; no name means all.

        The name of a swept row means all its members.

        Raises:
            EffbenchError: a name is not in the plan.

        """
        for kind, names, known in (
            ("row", rows, {name: None for cell in self.cells for name in cell.row.names}),
            ("dataset", datasets, {cell.dataset.name: None for cell in self.cells}),
        ):
            for name in names:
                if name not in known:
                    message = f"no {kind} {plain_line(name, 60)!r} in this suite"
                    raise EffbenchError(f"{message} ({suggest(name, known)})")
        kept = (
            cell
            for cell in self.cells
            if (not rows or not set(rows).isdisjoint(cell.row.names))
            and (not datasets or cell.dataset.name in datasets)
        )
        return replace(self, cells=tuple(kept))
