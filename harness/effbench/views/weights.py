"""The words of a sparse vector that ``effbench show`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from effbench.api.encoders import Spelling
from effbench.api.errors import EffbenchError
from effbench.api.searching import SPARSE
from effbench.guard.blame import blamed_for_all
from effbench.plan.cells import Cell, Plan
from effbench.steps.ids import rows_by_id
from effbench.steps.search import SearchIndex
from effbench.steps.shards import DiskVectors
from effbench.store.artifacts import Store
from effbench.text.suggestions import suggest
from effbench.work.progress import Silent
from effbench.work.rows import Row
from effbench.work.step import Step, key_of
from effbench.work.workbench import Workbench

Weights: TypeAlias = list[tuple[str, float]]

MOST = 20
"""The lines for people; JSON has all words."""


def weights_of(plan: Plan, store: Store, cell: str, part: str, item: str) -> Weights:
    """Return the words of a kept vector with their weights, the largest weight first.

    ``part`` is "query" or "doc", and ``item`` the id of one.

    Raises:
        EffbenchError: there is no such cell or id, the cell has no sparse vectors, or they are
            not in the cache.

    """
    import numpy as np

    search = _cell(plan, cell).search
    if not isinstance(search, SearchIndex):
        raise EffbenchError(f"{cell}: a retriever has no vectors (name a cell with an index)")
    step: Any = search.queries if part == "query" else search.index.corpus
    row: Row = step.row
    if row.offer.makes != SPARSE:
        raise EffbenchError(
            f"{cell}: {row.name!r} makes no sparse vectors (name a cell of a row that does)"
        )
    folder = _folder(store, step, (step, *row.steps))
    try:
        positions = rows_by_id(folder)([item])
    except KeyError as error:
        raise EffbenchError(
            f"{cell}: no {part} {item!r:.60} has a vector (ids are those of the dataset)"
        ) from error
    vector = DiskVectors(folder).at(positions)
    order = np.argsort(-vector.data, kind="stable")
    words = _spelled(Workbench(store, Silent(), trusting=True), row, vector.indices[order])
    return list(zip(words, vector.data[order].tolist(), strict=True))


def lines(weights: Weights) -> Iterator[str]:
    """Yield a line for each of the first words, and one for the number of the others."""
    for word, weight in weights[:MOST]:
        yield f"{weight:9.4f}  {word}"
    if len(weights) > MOST:
        yield f"and {len(weights) - MOST} more words (--json has all)"
    elif not weights:
        yield "no word has a weight"


def _cell(plan: Plan, name: str) -> Cell:
    cells = {cell.name: cell for cell in plan.cells}
    if name not in cells:
        raise EffbenchError(f"{name}: no such cell in this suite ({suggest(name, cells)})")
    return cells[name]


def _folder(store: Store, step: Step, needed: Sequence[Step]) -> Path:
    """Return the folder of a step's artifact, if all needed ones are in the cache."""
    if not all(store.artifact(each.kind, key_of(each)).finished() for each in needed):
        raise EffbenchError(
            f"{step.label}: it is not in the cache {store.root} (effbench run makes it)"
        )
    return store.artifact(step.kind, key_of(step)).folder


def _spelled(bench: Workbench, row: Row, numbers: Any) -> list[str]:
    encoder = bench.instance(row)
    with blamed_for_all(row.who):
        if not isinstance(encoder, Spelling):
            return [f"#{number}" for number in numbers.tolist()]
        words = [str(word) for word in encoder.words(numbers.tolist())]
    if len(words) != len(numbers):
        raise EffbenchError(
            f"{row.who}: words returned {len(words)} for {len(numbers)} numbers (one each)"
        )
    return words
