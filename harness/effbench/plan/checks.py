"""Checks of a whole suite: names that it does not have, and cells with equal file names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from effbench.plan.cells import Cell
from effbench.plan.located import Mistakes
from effbench.plan.suite import Suite
from effbench.text.names import LONGEST_NAME, index_label, same_file
from effbench.text.suggestions import naming, suggest
from effbench.text.words import shortened
from effbench.work.datasets import DatasetRow


def check_expected(
    suite: Suite, datasets: Sequence[DatasetRow], cells: Sequence[Cell], mistakes: Mistakes
) -> None:
    """Note the measures, rows and datasets of expected scores that the suite does not have."""
    groups = {dataset.group for dataset in datasets if dataset.group}
    entries = (*suite.encoders, *suite.retrievers)
    kinds = ("measure", "row", "dataset")
    names = (
        set(suite.measures),
        {cell.row.name for cell in cells} | {entry.name for entry in entries},
        {dataset.name for dataset in datasets} | groups,
    )

    families = {entry.name: entry.family for entry in entries} | _families(cells)

    def check(*path: str) -> None:
        kind, known, name = kinds[len(path) - 1], names[len(path) - 1], path[-1]
        if name not in known:
            hint = naming(name, families) if kind == "row" else suggest(name, known)
            message = f"no {kind} of that name in this suite ({hint})"
            mistakes.add(("expected", *path), message)

    for measure, by_row in suite.expected.scores.items():
        check(measure)
        for row, by_dataset in by_row.items():
            check(measure, row)
            for dataset in by_dataset:
                check(measure, row, dataset)


def check_baseline(suite: Suite, cells: Sequence[Cell], mistakes: Mistakes) -> None:
    """Note a baseline that is not an encoder of the suite."""
    encoders = _families(cell for cell in cells if cell.index)
    name = suite.latency and suite.latency.baseline
    if name and encoders and name not in encoders:
        message = f"no encoder {name!r} in this suite ({naming(name, encoders)})"
        mistakes.add(("latency", "baseline"), message)


def inexact(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a remark if a suite has indexes, and none of them is exact."""
    indexes = {cell.index.name: cell.index.exact for cell in cells if cell.index}
    if indexes and not any(indexes.values()):
        yield (
            f"no index is exact, so the recall of {shortened(list(indexes))} will not be known "
            "(add `exact: {use: exact}` to indexes)"
        )


def _families(cells: Iterable[Cell]) -> dict[str, str]:
    """Return the family of each row of cells; a row that no sweep made is its own family."""
    return {cell.row.name: cell.row.family or cell.row.name for cell in cells}


def check_names(cells: Collection[Cell], mistakes: Mistakes) -> None:
    """Note cells whose file names are equal or too long."""
    files: dict[str, list[Cell]] = {}
    for cell in cells:
        files.setdefault(same_file(cell.name), []).append(cell)
    for alike in files.values():
        if len(alike) == 1:
            continue
        first, second = alike[:2]
        if _names(first) != _names(second) and _file_names(first) == _file_names(second):
            continue  # the reader has noted these rows
        names = f"{_in_words(first)} and {_in_words(second)}"
        message = f"share the file name {first.name!r}: {names} (rename a row)"
        mistakes.add((), f"{len(alike)} cells {message}")
    longest = max((cell.name for cell in cells), key=_bytes, default="")
    if _bytes(longest) > LONGEST_NAME:
        mistakes.add(
            (),
            f"cell {longest[:40]!r}...: names of its files would take {_bytes(longest)} "
            f"bytes, {LONGEST_NAME} at most (give the dataset, the row or the "
            "index a shorter name)",
        )


def _bytes(name: str) -> int:
    return len(name.encode())


def _names(cell: Cell) -> list[str]:
    """Return the names of a cell's dataset, row and index."""
    return [part.name for part in (cell.dataset, cell.row, cell.index) if part]


def _file_names(cell: Cell) -> list[str]:
    return [same_file(name) for name in _names(cell)]


def _in_words(cell: Cell) -> str:
    return index_label(", ".join(_names(cell)), cell.options)
