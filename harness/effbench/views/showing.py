"""The record that ``effbench show`` prints: how it is found, and its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from effbench.api.errors import EffbenchError
from effbench.run.records import MACHINE, QUERIES, SUITE, Plain
from effbench.store.disk import listed
from effbench.text.suggestions import suggest

LONG = ("per_query", "samples_ms", "traceback")
"""The parts of a record that are too long to print; the file has them."""


def find(cell: str, results: Path) -> Path:
    """Return the path of a record, given as its path or as the name of its cell.

    If several records have the name, return the newest.

    Raises:
        EffbenchError: no record has this name.

    """
    if Path(cell).is_file():
        return Path(cell)
    known = [
        path
        for path in listed(results, "**/*.json")
        if path.name not in (SUITE, MACHINE) and path.parent.name != QUERIES
    ]
    matching = [path for path in known if path.stem == cell]
    if not matching:
        hint = suggest(cell, {path.stem for path in known})
        raise EffbenchError(f"{cell}: no such record under {results} ({hint})")
    return max(matching, key=lambda path: path.stat().st_mtime)


def lines(record: Plain) -> Iterator[str]:
    """Yield a line for each fact, with the path to it; groups of only floats, largest first."""
    yield from _lines("", record)


def _lines(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place}{' ' * (40 - cell_len(place))} {_text(value)}"
        return
    items = [(name, part) for name, part in value.items() if name not in LONG]
    if items and all(isinstance(part, float) for _, part in items):
        items.sort(key=lambda item: -item[1])
    for name, part in items:
        yield from _lines(f"{place}.{name}" if place else name, part)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "-"
    return "-" if value is None else str(value)
