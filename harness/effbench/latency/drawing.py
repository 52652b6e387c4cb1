"""Seeded random choices of a session: queries, the order of rows, the times of arrivals."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

FRESH = 10
"""Queries that a warm-up must have if it takes none of the timed queries."""


def turns(rows: Sequence[T], process: int, block: int) -> list[T]:
    """Return the order in which the rows of a process are timed on a block of queries.

    The order is shuffled for each even block, and reversed for the next block, so that over two
    blocks no row comes earlier than another row. All sessions use the same orders.
    """
    order = list(rows)
    random.Random(process * 1009 + block // 2).shuffle(order)  # noqa: S311 - no secret
    return order[::-1] if block % 2 else order


def arrival_times(count: int, mean_gap_ns: float, seed: int) -> list[int]:
    """Return when ``count`` queries arrive, in ns from the start, as a Poisson process."""
    chance, due, times = random.Random(seed), 0.0, []  # noqa: S311 - no secret
    for _ in range(count):
        due += chance.expovariate(1 / mean_gap_ns)
        times.append(int(due))
    return times


def draw(
    queries: Mapping[str, str], count: int, warmup: int
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return ``count`` queries (id, text) to time, and the texts of a warm-up.

    The queries are the dataset's, in a seeded shuffle. No text comes twice before all texts
    have come once. The warm-up takes texts that are not timed if the dataset has enough of
    them; else it takes the texts that are timed first.
    """
    unique = {text: query for query, text in reversed(list(queries.items()))}
    chance = random.Random(0)  # noqa: S311 - no secret
    texts: list[str] = []
    while len(texts) < count + warmup:
        texts += chance.sample(sorted(unique), len(unique))
    spare = texts[count : min(count + warmup, len(unique))]
    warm = spare if len(spare) >= min(FRESH, warmup) else texts[:warmup]
    return [(unique[text], text) for text in texts[:count]], list(dict.fromkeys(warm))
