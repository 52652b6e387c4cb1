"""Expand a suite into cells and the steps they need; find every mistake before any work."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from effbench.cells import Cell, Plan
from effbench.content import Digests
from effbench.errors import EffbenchError
from effbench.located import Mistakes
from effbench.options import Resolver, search_options_of
from effbench.plugins import Offer, Plugins, suggest
from effbench.reader import read
from effbench.rows import DatasetRow, Row
from effbench.steps.data import Data
from effbench.steps.encode import EncodeCorpus, EncodeQueries
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.suite import Entry, Suite


def make(path: Path, plugins: Plugins, memory: Path) -> Plan:
    """Plan the suite file ``path``; ``memory`` is where digests of files are remembered.

    Raises:
        EffbenchError: all mistakes of the suite, a line each.

    """
    suite, mistakes = read(path)
    planner = _Planner(suite, mistakes, plugins, Resolver(path.parent, Digests(memory)))
    plan = planner.plan()
    mistakes.raise_all()
    return plan


class _Planner:
    def __init__(
        self, suite: Suite, mistakes: Mistakes, plugins: Plugins, resolver: Resolver
    ) -> None:
        self.suite, self.mistakes = suite, mistakes
        self.plugins, self.resolver = plugins, resolver
        self.remarks = [
            f"plugin {p.name!r} ({p.distribution}) is broken and left out: {p.error}"
            for p in plugins.broken()
        ]

    def plan(self) -> Plan:
        datasets = self._datasets()
        indexes = {entry.name: row for entry, row in self._rows(self.suite.indexes)}
        retrievers = [row for _, row in self._rows(self.suite.retrievers)]
        encoders = self._encoders()
        retrievers += self._ready("retrievers")
        self._refuse_twins(encoders, retrievers)
        self._check_expected(datasets, {row.name for row in [*encoders, *retrievers]})
        cells = [
            *self._retriever_cells(datasets, retrievers),
            *self._encoder_cells(datasets, encoders, list(indexes.values())),
        ]
        for name, count in Counter(cell.name for cell in cells).items():
            if count > 1:
                self.mistakes.add(
                    (), f"{count} cells share the file name {name!r} (rename a row)"
                )
        return Plan(self.suite, tuple(cells), tuple(self.remarks))

    def _datasets(self) -> list[Data]:
        found: dict[str, Data] = {}
        for entry in self.suite.datasets:
            row = self._resolve(entry)
            if row is None:
                continue
            try:
                dataset = row.offer.factory(**row.resolved.arguments)
            except EffbenchError as error:
                self.mistakes.add(entry.place, str(error))
                continue
            name = str(dataset.dataset_id)
            if name in found:
                self.mistakes.add(entry.place, f"dataset {name!r} stands twice (give a name)")
            found[name] = Data(DatasetRow(dataset, entry.group))
        return list(found.values())

    def _rows(self, entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, Row]]:
        for entry in entries:
            row = self._resolve(entry)
            if row is not None:
                self._check_sweep(entry, row.offer)
                search = {name: tuple(values) for name, values in entry.search.items()}
                yield entry, replace(row, search=search)

    def _encoders(self) -> list[Row]:
        rows = {entry.name: (entry, row) for entry, row in self._rows(self.suite.encoders)}
        named = {entry.name: entry for entry in self.suite.encoders}
        encoders = []
        for entry, row in rows.values():
            place = (*entry.place, "passages")
            other = entry.passages
            if other is not None and other not in named:
                self.mistakes.add(
                    place, f"no encoder row of that name ({suggest(other, named)})"
                )
            elif other is not None and named[other].passages is not None:
                self.mistakes.add(
                    place, f"{other!r} has no passages of its own (name one that has)"
                )
            elif other is None or other in rows:  # else the other row's mistake is enough
                encoders.append(replace(row, passages=rows[other][1] if other else None))
        return [*encoders, *self._ready("encoders")]

    def _ready(self, section: str) -> list[Row]:
        """Return the ready rows if the suite asks for every one; leave out what cannot run."""
        rows = []
        if section in self.suite.every:
            for name, given in self.plugins.ready[section].items():
                options = {key: value for key, value in given.items() if key != "use"}
                row, problems = self._row(section, name, str(given.get("use")), options)
                if row is None:
                    why = "; ".join(message for _, message in problems)
                    self.remarks.append(f"ready row {name!r} is left out: {why}")
                else:
                    rows.append(row)
        return rows

    def _resolve(self, entry: Entry) -> Row | None:
        row, problems = self._row(entry.section, entry.name, entry.use, entry.options)
        for part, message in problems:
            self.mistakes.add((*entry.place, part) if part else entry.place, message)
        return row

    def _row(
        self, section: str, name: str, use: str, options: Mapping[str, Any]
    ) -> tuple[Row | None, list[tuple[str, str]]]:
        """Return the row, or None and what is wrong, each as (option, message)."""
        offers = self.plugins.named(section)
        offer = offers.get(use)
        if offer is None:
            return None, [("use", f"nothing installed offers {use!r} ({suggest(use, offers)})")]
        missing = " ".join(f"'{what}'" for what in offer.missing())
        if missing:
            return None, [("use", f"{use!r} needs: pip install {missing}")]
        resolver = (
            self.resolver._replace(digests=None) if section == "datasets" else self.resolver
        )
        resolved, problems = resolver.resolve(offer.factory, options)
        row = Row(name, offer, self.plugins.distribution(offer), options, resolved)
        return (None if problems else row), problems

    def _check_sweep(self, entry: Entry, offer: Offer) -> None:
        if not entry.search:
            return
        known = search_options_of(offer.factory)
        for name, values in entry.search.items():
            place = (*entry.place, "search", name)
            if name not in known:
                self.mistakes.add(place, f"unknown search option ({suggest(name, known)})")
                continue
            for value in values:
                if not known[name].accepts(value):
                    self.mistakes.add(place, f"{value!r} is not {known[name].type_name()}")

    def _refuse_twins(self, encoders: list[Row], retrievers: list[Row]) -> None:
        for name in {row.name for row in encoders} & {row.name for row in retrievers}:
            self.mistakes.add(("retrievers", name), "an encoder row has that name too")

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

    def _retriever_cells(self, datasets: list[Data], rows: list[Row]) -> Iterator[Cell]:
        for row, data in itertools.product(rows, datasets):
            built = BuildRetriever(row, data.row)
            yield Cell(SearchRetriever(built, data, self.suite.k), self.suite.measures)

    def _encoder_cells(
        self, datasets: list[Data], rows: list[Row], indexes: list[Row]
    ) -> Iterator[Cell]:
        """Yield cells so that neighbours share a model, then vectors, then an index."""
        for row, data, index in itertools.product(rows, datasets, indexes):
            corpus = EncodeCorpus(row.passages or row, data.row)
            queries, built = EncodeQueries(row, data), BuildIndex(index, corpus)
            grid = index.search or {}
            for values in itertools.product(*grid.values()):
                options = dict(zip(grid, values, strict=True))
                search = SearchIndex(queries, built, self.suite.k, options)
                yield Cell(search, self.suite.measures)
