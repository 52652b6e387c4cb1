"""The bytes of vectors and indexes, and how ``effbench diff`` compares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from effbench.board.chosen import data_differ
from effbench.board.moves import Change, Numbers, Uncompared

if TYPE_CHECKING:
    from effbench.run.recorded import Done

VECTORS = "vectors MB"

SIZES: Mapping[str, str] = {
    "index MB": "index_bytes",
    VECTORS: "vectors_bytes",
    "saved MB": "saved_bytes",
}
"""The figure -> the cost in records: of an index in memory, of vectors and an index on disk."""

TOLERANCE = 1.02
"""A size has not moved within this ratio: indexes that threads build differ a little."""


def compare_sizes(
    suite: str, pairs: Sequence[tuple[Done, Done]]
) -> Iterator[Change | Uncompared | None]:
    """Yield the result for each size, once for all settings of a search.

    ``pairs`` are the old and the new record of each cell. None: the size has not moved.
    """
    first: dict[tuple[str, str], tuple[Done, Done]] = {}
    for old, new in pairs:
        row = f"{old.dataset} {old.row.name}"
        through = f"{row} through {old.index_name}" if old.index_name else row
        for figure in SIZES:
            where = row if figure == VECTORS else through
            first.setdefault((where, figure), (old, new))
    for (where, figure), (old, new) in first.items():
        before, after = _megabytes(old, figure), _megabytes(new, figure)
        if before is not None or after is not None:
            numbers = Numbers(before, after, tolerance=TOLERANCE)
            why = "the data differ" if data_differ(old, new) else ""
            yield _compared(suite, where, figure, numbers, why)


def _megabytes(record: Done, figure: str) -> float | None:
    nbytes: float | None = getattr(record.costs, SIZES[figure])
    return nbytes and nbytes / 1e6


def _compared(
    suite: str, where: str, figure: str, numbers: Numbers, why: str
) -> Change | Uncompared | None:
    """Return the result for a size in MB; ``why`` says why it cannot be compared."""
    old, new = numbers.old, numbers.new
    if old is None or new is None:
        why = f"no size in the {'old' if old is None else 'new'} results"
    elif not why:
        if max(old, new) <= TOLERANCE * min(old, new):
            return None
        return Change(suite, where, figure, new > old, f"{old:.3g} -> {new:.3g}", numbers)
    return Uncompared(suite, where, figure, why, numbers=numbers)
