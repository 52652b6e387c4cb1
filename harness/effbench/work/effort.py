"""The size of a step's work, known before it is done: how many units, how many bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

FLOAT = 4
"""Bytes of a float32, one number of a vector."""

HALF = 2
"""Bytes of a float16."""

HEAD = 128
"""Fewest bytes of the header that numpy puts before an array."""

SHORTEST_ID = 2
"""Fewest bytes of an id with the end of its line."""


class Work(NamedTuple):
    """The work of a step; None stands for a number that nobody knows before data are read."""

    unit: str
    """What is counted, in the plural: docs, queries, texts, examples, pairs, vectors."""

    amount: int | None
    """How many units; the time grows with it."""

    like: Any = None
    """What decides the pace: steps with equal values take equal time for equal amounts.

    None for steps that only read data: their time is never estimated.
    """

    least: int = 0
    """Fewest bytes that the step writes; nothing in this number is guessed."""

    volume: int | None = None
    """The number that the bytes grow with, if it is not the amount."""

    more: bool = False
    """Whether it writes much more than ``least``, such as an index of texts and the ids."""

    shard: int = 0
    """Units in a part that a killed run leaves to the next run; 0 if it leaves none."""


def vectors_bytes(count: int | None, width: int | None, shard: int, number: int = FLOAT) -> int:
    """Return the fewest bytes of ``count`` vectors with their ids; 0 if it is unknown.

    ``number`` is the bytes of one number of a vector.
    """
    if count is None or width is None:
        return 0
    return count * (width * number + SHORTEST_ID) + -(-count // shard) * HEAD
