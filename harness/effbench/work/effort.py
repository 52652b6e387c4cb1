"""What a step takes, as far as it is known without work: how many of what, and how large."""

from __future__ import annotations

from typing import Any, NamedTuple

FLOAT = 4
"""Bytes of a number of a vector."""

HEAD = 128
"""Bytes that numpy puts before an array, at least."""

SHORTEST_ID = 2
"""Bytes of an id and the end of its line, at least."""


class Work(NamedTuple):
    """What a step takes; None stands for what is unknown until something has been read."""

    unit: str
    """What it counts, in the plural: docs, queries, texts, examples."""

    amount: int | None
    """How many: what its time grows with."""

    like: Any = None
    """What decides its pace: steps of equal ones take as long for as many units.

    None for steps that only read data, whose time nobody foretells.
    """

    least: int = 0
    """Bytes that it writes at least: nothing that is guessed is in it."""

    volume: int | None = None
    """What its bytes grow with, if that is not the amount."""

    more: bool = False
    """Whether it writes much beside ``least``, such as an index of texts beside the ids."""

    shard: int = 0
    """How many units a killed run keeps at a time for the next one; 0 where it keeps none."""


def vectors_bytes(count: int | None, width: int | None, shard: int) -> int:
    """Return the bytes of vectors with their ids in shards, at least; 0 where it is unknown."""
    if count is None or width is None:
        return 0
    return count * (width * FLOAT + SHORTEST_ID) + -(-count // shard) * HEAD
