"""What a suite comes to: cells, one line each of the leaderboard, and the plan of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from effbench.content import digest_of
from effbench.errors import EffbenchError
from effbench.plugins import suggest
from effbench.rows import DatasetRow, Row
from effbench.steps import Step, all_steps, key_of
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.suite import Suite


@dataclass(frozen=True)
class Cell:
    """One dataset searched by one row through one index at one search setting."""

    search: SearchIndex | SearchRetriever
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
        """The index; none for a retriever."""
        return self.search.index.row if isinstance(self.search, SearchIndex) else None

    @property
    def options(self) -> Mapping[str, Any]:
        """The search options."""
        return self.search.options if isinstance(self.search, SearchIndex) else {}

    @property
    def name(self) -> str:
        """File name of the record: dataset, row, index and search options."""
        swept = [f"{name}={value}" for name, value in self.options.items()]
        parts = [
            self.dataset.name,
            self.row.name,
            self.index.name if self.index else "",
            *swept,
        ]
        return "--".join(_slug(part) for part in parts if part)

    @cached_property
    def key(self) -> str:
        """Changes when anything that moves a quality number does."""
        return digest_of({"run": key_of(self.search), "measures": self.measures})


@dataclass(frozen=True)
class Plan:
    """What a suite comes to: its cells in the order they run, and remarks for the user."""

    suite: Suite
    cells: tuple[Cell, ...]
    remarks: tuple[str, ...]

    def steps(self) -> dict[str, Step]:
        """Return key -> step for all that the cells need, inputs first."""
        return all_steps(tuple(cell.search for cell in self.cells))

    def only(self, names: tuple[str, ...]) -> Plan:
        """Return the plan of the named rows alone."""
        known = list(dict.fromkeys(cell.row.name for cell in self.cells))
        for name in names:
            if name not in known:
                raise EffbenchError(f"--only {name}: no such row ({suggest(name, known)})")
        kept = tuple(cell for cell in self.cells if not names or cell.row.name in names)
        return replace(self, cells=kept)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_.=+@" else "-" for c in text)
