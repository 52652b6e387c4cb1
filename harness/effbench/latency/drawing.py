"""What a session leaves to chance, seeded: queries, turns, arrivals."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

FRESH = 10
"""Queries beside the timed ones that make a warm-up of their own worth while."""


def turns(rows: Sequence[T], process: int, block: int) -> list[T]:
    """Return the order of the rows in a round: shuffled, and the other way round in the next.

    Every session has the same, and over two rounds no row comes earlier than another.
    """
    order = list(rows)
    random.Random(process * 1009 + block // 2).shuffle(order)  # noqa: S311 - no secret
    return order[::-1] if block % 2 else order


def arrivals(count: int, apart_ns: float, seed: int) -> list[int]:
    """Return when queries arrive, in ns: a Poisson process, so far apart on average."""
    chance, due, found = random.Random(seed), 0.0, []  # noqa: S311 - no secret
    for _ in range(count):
        due += chance.expovariate(1 / apart_ns)
        found.append(int(due))
    return found


def draw(
    queries: Mapping[str, str], count: int, warmup: int
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return ``count`` queries (id, text) to time, and texts to warm up with.

    Real ones in a seeded shuffle, no text twice before all were taken. The warm-up is of others
    where the dataset has enough, else of those that are timed first.
    """
    unique = {text: query for query, text in reversed(list(queries.items()))}
    chance = random.Random(0)  # noqa: S311 - no secret
    texts: list[str] = []
    while len(texts) < count + warmup:
        texts += chance.sample(sorted(unique), len(unique))
    spare = texts[count : min(count + warmup, len(unique))]
    warm = spare if len(spare) >= min(FRESH, warmup) else texts[:warmup]
    return [(unique[text], text) for text in texts[:count]], list(dict.fromkeys(warm))
