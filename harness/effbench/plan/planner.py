"""Expand a suite into cells and the steps they need; find every mistake before any work."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.offers.plugins import Plugins
from effbench.plan.cells import Cell, Plan
from effbench.plan.finder import Finder, Problem, UnfitOptions
from effbench.plan.located import Mistakes
from effbench.plan.reader import read
from effbench.plan.references import NO_TARGET
from effbench.plan.suite import Suite
from effbench.steps.data import Data
from effbench.steps.encode import EncodeCorpus, EncodeQueries
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.store.digests import Digests
from effbench.text.names import LONGEST_NAME, same_file, slug, through, unfit
from effbench.text.raised import said
from effbench.text.suggestions import suggest
from effbench.work.options import Resolver
from effbench.work.rows import DatasetRow, Row

MOST_CELLS = 20_000
"""Of a suite: planning takes some seconds then, and each cell is a file."""


def make(
    path: Path, plugins: Plugins, memory: Path, data: Path, text: str | None = None
) -> Plan:
    """Plan the suite file ``path``, whose relative paths start in the folder ``data``.

    ``memory`` is where digests of files are remembered; ``text`` is what the file said when it
    was read before: it is not read again then.

    Raises:
        EffbenchError: all mistakes of the suite, a line each.
        Unmeasurable: these are mistakes of some measures only, so that the cells are known.

    """
    suite, mistakes = read(path, text)
    digests = Digests(memory)
    try:
        plan = _Planner(suite, mistakes, plugins, Resolver(data, digests)).plan()
    except RecursionError as error:
        raise EffbenchError(
            f"{path}: rows or datasets name each other too deep (take fewer levels)"
        ) from error
    digests.save()
    if mistakes.sections() == {"measures"} and plan.cells and suite.measures:
        raise Unmeasurable(mistakes.text(), plan)
    mistakes.raise_all()
    return plan


class Unmeasurable(EffbenchError):
    """Measures of a suite that nobody can calculate, and the plan of all the rest."""

    def __init__(self, message: str, plan: Plan) -> None:
        super().__init__(message)
        self.plan = plan


def _bytes(name: str) -> int:
    return len(name.encode())


def _names(cell: Cell) -> list[str]:
    """Return the names of what a cell puts together."""
    return [one.name for one in (cell.dataset, cell.row, cell.index) if one]


def _like(cell: Cell) -> list[str]:
    return [same_file(name) for name in _names(cell)]


def _spelled(cell: Cell) -> str:
    return through(", ".join(_names(cell)), cell.options)


class _Planner:
    def __init__(
        self, suite: Suite, mistakes: Mistakes, plugins: Plugins, resolver: Resolver
    ) -> None:
        self.suite, self.mistakes = suite, mistakes
        self._make = partial(Finder, suite, mistakes, plugins, resolver, self)
        self._beside = resolver.beside
        self._datasets: list[Data] = []
        self._cells_count = 0
        self._finders: dict[tuple[str, str, str], Finder] = {}
        self.remarks = {
            f"plugin {p.name!r} ({p.distribution}) is broken and left out: {p.error}": None
            for p in plugins.broken()
        }

    def others(self, target: DatasetRow) -> list[DatasetRow]:
        """Return the suite's datasets of other collections than the target's."""
        rows = [data.row for data in self._datasets]
        return [row for row in rows if not row.corpora & target.corpora]

    def finder(self, target: DatasetRow) -> Finder:
        """Return the rows as a dataset sees them."""
        key = (target.name, target.corpus_key, target.key)
        if key not in self._finders:
            self._finders[key] = self._make(target)
        return self._finders[key]

    def plan(self) -> Plan:
        datasets = self._datasets = self._read_datasets()
        found: dict[str, list[Cell]] = {}
        if not datasets:  # their mistakes are noted; note those of the rows too
            self.mistakes.repeats(NO_TARGET)
            self._cells(None)
        for data in datasets:
            if self._cells_count > MOST_CELLS:
                break
            for cell in self._cells(data):
                found.setdefault(cell.row.name, []).append(cell)
        # neighbours share a model, then vectors, then an index
        cells = [cell for by_row in found.values() for cell in by_row]
        self._check_expected(datasets, set(found))
        self._check_baseline({cell.row.name for cell in cells if cell.index})
        self._check_names(cells)
        return Plan(self.suite, tuple(cells), tuple(self.remarks), self._beside)

    def _read_datasets(self) -> list[Data]:
        found: dict[str, Data] = {}
        for entry in self.suite.datasets:
            try:
                row = self._make().dataset(entry.use, entry.options, entry.group)
            except EffbenchError as error:
                whole: list[Problem] = [((), said(error))]
                problems = error.problems if isinstance(error, UnfitOptions) else whole
                for place, message in problems:
                    self.mistakes.add((*entry.place, *place), message)
                    self.mistakes.repeats(": ".join((*place, message)), entry.place)
                self.mistakes.repeats(said(error), entry.place)
                continue
            if wrong := unfit(row.name):
                self.mistakes.add(entry.place, f"the name {row.name!r} {wrong} (give another)")
            like = found.get(same_file(slug(row.name)))
            if like and like.row.name == row.name:
                message = f"dataset {row.name!r} stands twice (give a name)"
                self.mistakes.add(entry.place, message)
            elif like:
                message = (
                    f"{like.row.name!r} and {row.name!r} are one file on macOS and Windows"
                )
                self.mistakes.add(entry.place, f"{message} (rename one)")
            found[same_file(slug(row.name))] = Data(row)
        return list(found.values())

    def _cells(self, data: Data | None) -> list[Cell]:
        """Return the cells of one dataset; without one, only note the rows' mistakes."""
        finder = self.finder(data.row) if data else self._make()
        finder.rows("models")
        encoders, retrievers = finder.rows("encoders"), finder.rows("retrievers")
        indexes = finder.rows("indexes")
        for section, rows in (("encoders", encoders), ("retrievers", retrievers)):
            if section in self.suite.every:
                ready, remarks = finder.ready(section)
                rows += ready
                self.remarks.update(dict.fromkeys(remarks))
        self._refuse_twins(encoders, retrievers)
        settings = sum(math.prod(map(len, (one.search or {}).values())) for one in indexes)
        self._cells_count += len(retrievers) + len(encoders) * settings
        if self._cells_count > MOST_CELLS:
            message = (
                f"more than {MOST_CELLS:,} cells (take fewer datasets, rows or search settings)"
            )
            self.mistakes.add((), message)
        if data is None or self._cells_count > MOST_CELLS:
            return []
        return [
            *self._retriever_cells(data, retrievers),
            *self._encoder_cells(data, encoders, indexes),
        ]

    def _refuse_twins(self, encoders: list[Row], retrievers: list[Row]) -> None:
        for name in {row.name for row in encoders} & {row.name for row in retrievers}:
            self.mistakes.add(("retrievers", name), "an encoder has that name too (rename one)")

    def _check_baseline(self, encoders: set[str]) -> None:
        name = self.suite.latency and self.suite.latency.baseline
        if name and encoders and name not in encoders:
            message = f"no encoder {name!r} in this suite ({suggest(name, encoders)})"
            self.mistakes.add(("latency", "baseline"), message)

    def _check_names(self, cells: list[Cell]) -> None:
        if not cells and not self.mistakes:
            self.mistakes.add((), "the suite has no cell (give a row that can run here)")
        files: dict[str, list[Cell]] = {}
        for cell in cells:
            files.setdefault(same_file(cell.name), []).append(cell)
        for alike in (alike for alike in files.values() if len(alike) > 1):
            if _names(alike[0]) != _names(alike[1]) and _like(alike[0]) == _like(alike[1]):
                continue  # said of the rows
            names = " and ".join(map(_spelled, alike[:2]))
            message = f"share the file name {alike[0].name!r}: {names} (rename a row)"
            self.mistakes.add((), f"{len(alike)} cells {message}")
        longest = max((cell.name for cell in cells), key=_bytes, default="")
        if _bytes(longest) > LONGEST_NAME:
            self.mistakes.add(
                (),
                f"cell {longest[:40]!r}...: names of its files would take {_bytes(longest)} "
                f"bytes, {LONGEST_NAME} at most (give the dataset, the row or the "
                "index a shorter name)",
            )

    def _check_expected(self, datasets: list[Data], rows: set[str]) -> None:
        groups = {data.row.group for data in datasets if data.row.group}
        names = {
            "measure": set(self.suite.measures),
            "row": rows | {e.name for e in (*self.suite.encoders, *self.suite.retrievers)},
            "dataset": {data.row.name for data in datasets} | groups,
        }
        for measure, by_row in self.suite.expected.scores.items():
            self._known("measure", measure, names, (measure,))
            for row, by_dataset in by_row.items():
                self._known("row", row, names, (measure, row))
                for dataset in by_dataset:
                    self._known("dataset", dataset, names, (measure, row, dataset))

    def _known(
        self, what: str, name: str, names: Mapping[str, set[str]], place: tuple[str, ...]
    ) -> None:
        if name not in names[what]:
            message = f"no {what} of that name in this suite ({suggest(name, names[what])})"
            self.mistakes.add(("expected", *place), message)

    def _retriever_cells(self, data: Data, rows: list[Row]) -> Iterator[Cell]:
        for row in rows:
            search = SearchRetriever(BuildRetriever(row, data.row), data, self.suite.k)
            yield Cell(search, self.suite.measures)

    def _encoder_cells(self, data: Data, rows: list[Row], indexes: list[Row]) -> Iterator[Cell]:
        for row, index in itertools.product(rows, indexes):
            corpus = EncodeCorpus(row.passages or row, data.row)
            queries, built = EncodeQueries(row, data), BuildIndex(index, corpus)
            grid = index.search or {}
            for values in itertools.product(*grid.values()):
                options = dict(zip(grid, values, strict=True))
                search = SearchIndex(queries, built, self.suite.k, options)
                yield Cell(search, self.suite.measures)
