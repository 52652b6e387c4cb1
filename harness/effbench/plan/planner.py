"""The planner: makes the cells of a suite, and finds all its mistakes before any work."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.offers.plugins import Plugins
from effbench.plan.cells import Cell, Plan
from effbench.plan.checks import check_baseline, check_expected, check_names, inexact
from effbench.plan.fitting import UnfitOptions
from effbench.plan.learned import Learning, Recalled, Unpacked
from effbench.plan.located import Mistakes
from effbench.plan.lookup import Lookup
from effbench.plan.reader import read
from effbench.plan.ready import Entries, ReadyEntries, ready_entries
from effbench.plan.references import refer
from effbench.plan.scope import NO_TARGET, Scope
from effbench.plan.suite import Entry, Suite
from effbench.plan.variants import Problem
from effbench.plan.vectors import fits, remarks_of, unsearched
from effbench.steps.data import Data
from effbench.steps.index import BuildRetriever
from effbench.steps.search import SearchRetriever, index_search
from effbench.store.digests import Digests
from effbench.text.names import same_file, slug, unfit
from effbench.text.raised import message_of
from effbench.text.words import shortened
from effbench.work.datasets import DatasetRow
from effbench.work.rows import FLOAT16, Row

MOST_CELLS = 20_000
"""Most cells of a suite; planning so many takes some seconds, and each gets a file."""

HALVES = "half the disk; nDCG@10 lost less than 0.0001 where we tried (docs/benchmarks.md)"
"""What the vectors of a row with ``store: float16`` cost."""


def make(
    path: Path,
    plugins: Plugins,
    memory: Path,
    data: Path,
    text: str | None = None,
    only: int | None = None,
    pack: Unpacked | None = None,
) -> Plan:
    """Plan the suite file ``path``, whose relative paths start in the folder ``data``.

    ``memory`` is the file in which digests of files are remembered. With ``text``, which was
    read from the suite file before, the file is not read again. ``only`` is the number of the
    dataset whose cells are planned, without the checks of the whole suite; the files of the
    remaining datasets are not read, unless a row names them. With ``pack``, files and datasets
    are not read: the notes in the pack tell what they decide.

    Raises:
        EffbenchError: the suite has mistakes; the message has a line for each.
        Unmeasurable: only measures are wrong, so that the cells are known.

    """
    suite, mistakes = read(path, text)
    digests = Digests(memory)
    sources = Recalled(pack, plugins) if pack else Learning(data, digests)
    try:
        ready = ready_entries(plugins.ready) if suite.every else ReadyEntries((), ())
        entries = Entries(suite, ready.entries)
        lookup = Lookup(entries)
        scope = Scope(suite, entries, lookup, mistakes, plugins, data, sources, refer)
        plan = _plan(scope, only, ready.remarks)
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
    """A suite has measures that nothing can calculate; ``plan`` has all that is right."""

    def __init__(self, message: str, plan: Plan) -> None:
        super().__init__(message)
        self.plan = plan


class _Rows(NamedTuple):
    """The rows of a suite whose combinations are the cells of a dataset."""

    encoders: list[Row]
    retrievers: list[Row]
    indexes: list[Row]

    @property
    def cells(self) -> int:
        """The number of cells of these rows on a dataset."""
        grids = (index.search or {} for index in self.indexes)
        settings = sum(math.prod(map(len, grid.values())) for grid in grids)
        return len(self.retrievers) + len(self.encoders) * settings


def _plan(scope: Scope, only: int | None, remarks: Sequence[str]) -> Plan:
    """Return the plan of a scope that has no target; note the mistakes of the suite."""
    suite, mistakes = scope.suite, scope.mistakes
    scope.datasets = cache(partial(_datasets, scope, suite.datasets))
    targets = scope.datasets() if only is None else _datasets(scope, [suite.datasets[only]])
    cells = _all_cells(scope, targets)
    broken = [
        f"plugin {plugin.name!r} ({plugin.distribution}) is broken and left out: {plugin.error}"
        for plugin in scope.plugins.broken()
    ]
    names = tuple(dataset.name for dataset in targets)
    left_out = [
        why if len(absent) in (0, len(names)) else f"{why} (on {shortened(absent)})"
        for why, absent in scope.left_out.items()
    ]
    of_rows = (*inexact(cells), *_kept(cells))
    all_remarks = tuple(dict.fromkeys([*broken, *remarks, *left_out, *of_rows]))
    if only is None:
        _check(suite, targets, cells, all_remarks, mistakes)
    return Plan(suite, tuple(cells), all_remarks, scope.beside, names, scope.sources)


def _kept(cells: Iterable[Cell]) -> Iterator[str]:
    """Yield a remark for each row whose vectors are not kept as they are."""
    used = {id(row): row for cell in cells for row in (cell.row, *cell.row.live)}
    rows = [row.passages or row for row in used.values()]
    names = dict.fromkeys(row.names[1] for row in rows if row.store == FLOAT16)
    yield from (f"encoder {name!r} keeps vectors as float16: {HALVES}" for name in names)


def _check(
    suite: Suite,
    datasets: Sequence[DatasetRow],
    cells: Sequence[Cell],
    remarks: Sequence[str],
    mistakes: Mistakes,
) -> None:
    """Note the mistakes of the suite as a whole; the remarks say why it has no cell."""
    check_expected(suite, datasets, cells, mistakes)
    check_baseline(suite, cells, mistakes)
    if not cells and not mistakes:
        for message in (*remarks, "the suite has no cell (give a row that can run here)"):
            mistakes.add((), message)
    check_names(cells, mistakes)


def _datasets(scope: Scope, entries: Sequence[Entry]) -> list[DatasetRow]:
    """Return the datasets of entries, without those that have mistakes, which are noted."""
    datasets: dict[str, DatasetRow] = {}
    for entry in entries:
        try:
            dataset = scope.dataset(entry.use, entry.options, entry.group)
        except EffbenchError as error:
            _note_unread(scope, entry, error)
            continue
        file = same_file(slug(dataset.name))
        for message in _name_problems(dataset.name, datasets.get(file)):
            scope.mistakes.add(entry.place, message)
        datasets[file] = dataset
    return list(datasets.values())


def _note_unread(scope: Scope, entry: Entry, error: EffbenchError) -> None:
    """Note why a dataset cannot be opened; rows that name it shall not repeat that."""
    problem: list[Problem] = [((), message_of(error))]
    for place, message in error.problems if isinstance(error, UnfitOptions) else problem:
        scope.mistakes.add((*entry.place, *place), message)
        scope.mistakes.repeats(": ".join((*map(str, place), message)), entry.place)
    scope.mistakes.repeats(message_of(error), entry.place)


def _name_problems(name: str, like: DatasetRow | None) -> Iterator[str]:
    """Yield the problems of a dataset's name; ``like`` has the same file name, or is None."""
    if wrong := unfit(name):
        yield f"the name {name!r} {wrong} (give another)"
    if like and like.name == name:
        yield f"dataset {name!r} stands twice (give a name)"
    elif like:
        yield f"{like.name!r} and {name!r} are one file on macOS and Windows (rename one)"


def _all_cells(scope: Scope, datasets: Sequence[DatasetRow]) -> list[Cell]:
    """Return the cells of datasets in the order of the run; note the mistakes of rows."""
    if not datasets:  # all have mistakes; the rows are still read, to note theirs
        scope.mistakes.repeats(NO_TARGET)
    count = 0
    by_row: dict[str, list[Cell]] = {}
    for view in [scope.of(dataset) for dataset in datasets] or [scope]:
        rows = _rows(view)
        count += rows.cells
        if count > MOST_CELLS:
            wanted = "take fewer datasets, rows or search settings"
            scope.mistakes.add((), f"more than {MOST_CELLS:,} cells ({wanted})")
            break
        for cell in _cells(view, rows):
            by_row.setdefault(cell.row.name, []).append(cell)
    # cells that share a model, vectors or an index follow each other
    return [cell for cells in by_row.values() for cell in cells]


def _rows(scope: Scope) -> _Rows:
    """Return the rows of a scope; note their mistakes."""
    scope.rows("models")
    encoding = scope.rows("encoders")
    asked = [row for row in encoding if not row.passages_only]
    rows = _Rows(asked, scope.rows("retrievers"), scope.rows("indexes"))
    encoders = {name for row in encoding for name in row.names}
    for row in rows.retrievers:
        if not encoders.isdisjoint(row.names):
            message = "an encoder has that name too (rename one)"
            scope.mistakes.add(("retrievers", row.family), message)
    _note_unfit(scope, rows)
    return rows


def _note_unfit(scope: Scope, rows: _Rows) -> None:
    """Note encoders that no index takes, and indexes that do not take all encoders."""
    of_suite = {entry.family for entry in scope.suite.entries("encoders")}
    for row, why in unsearched(rows.encoders, rows.indexes):
        if row.family in of_suite:
            scope.mistakes.add(("encoders", row.family), why)
    for why in remarks_of(rows.encoders, rows.indexes):
        names = scope.left_out.setdefault(why, [])
        if scope.target and scope.target.name not in names:
            names.append(scope.target.name)


def _cells(scope: Scope, rows: _Rows) -> Iterator[Cell]:
    """Yield the cells of a scope's target; none if the scope has no target."""
    if scope.target is None:
        return
    data, suite = Data(scope.target), scope.suite
    for row in rows.retrievers:
        search = SearchRetriever(BuildRetriever(row, data.row), data, suite.k)
        yield Cell(search, suite.measures)
    for row, index in itertools.product(rows.encoders, rows.indexes):
        if not fits(row, index):
            continue
        through_index = index_search(data, row, index, suite.k)
        for options in _settings(index):
            yield Cell(replace(through_index, options=options), suite.measures)


def _settings(index: Row) -> Iterator[dict[str, Any]]:
    """Yield the search options of each cell of an index: one value for each swept option."""
    grid = index.search or {}
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))
