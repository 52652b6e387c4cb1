"""The values of single queries on a page: of all rows, or of the first if they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from effbench.board.leaderboard import Board

PARTS = 1000
"""Values are whole numbers of this part of 1, which takes less room."""


def query_values(board: Board, first: Sequence[int], most: int) -> dict[str, Any]:
    """Return the values by the first measure, of as many lines as have ``most`` in all.

    The lines in ``first`` come first, then the table's order. ``queries`` has the query ids
    of each dataset, and ``lines`` has for a line and a dataset a value for each of these
    queries, in thousandths, or None.
    """
    measure = board.measures[0]
    queries: dict[str, dict[str, int]] = {}
    lines: dict[int, dict[str, list[int | None]]] = {}
    for number in dict.fromkeys((*first, *range(len(board.lines)))):
        values = {
            dataset: record.per_query[measure]
            for dataset, record in board.lines[number].records.items()
            if measure in record.per_query
        }
        most -= sum(map(len, values.values()))
        if most < 0:
            break
        for dataset, known in values.items():
            places = queries.setdefault(dataset, {})
            for query in known:
                places.setdefault(query, len(places))
        lines[number] = {
            dataset: [
                round(known[query] * PARTS) if query in known else None
                for query in queries[dataset]
            ]
            for dataset, known in values.items()
        }
    return {
        "measure": measure,
        "queries": {d: [*q] for d, q in queries.items()},
        "lines": lines,
    }
