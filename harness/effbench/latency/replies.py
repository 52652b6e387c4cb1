"""The answers of a worker, a type for each command: the worker writes them for the session.

The session decodes a line from a worker's pipe into these types and nothing else. A line that a
plugin wrote into the pipe is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from effbench.latency.spans import END_TO_END

Count = Annotated[int, Meta(ge=0, lt=2**62)]
Ns = Annotated[int, Meta(gt=0, lt=2**62)]
Amount = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=1000)]


class Reply(Struct):
    """An answer to a command."""

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it has an answer for each query of a command, and no more."""
        return True


class Opened(Reply):
    """How long opening a row took, and the thread pools that are loaded afterwards."""

    load_ms: Amount
    libraries: list[dict[str, str | int | None]]


class First(Reply):
    """How long the first query took."""

    first_ms: Amount


class Warm(Reply):
    """The times of new queries, and of the same queries again; the memory after that.

    ``tokens`` and ``bytes_read`` have a value for each query that will be timed.
    """

    fresh_ns: list[Ns]
    again_ns: list[Ns]
    resident_bytes: Count | None
    tokens: list[Count] | None
    bytes_read: list[Count] | None

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it has a value for each query."""
        counts = (counts for counts in (self.tokens, self.bytes_read) if counts is not None)
        return len(self.fresh_ns) == len(self.again_ns) and all(
            len(by_query) == len(asked["timed"]) for by_query in counts
        )


class Timed(Reply):
    """A block: span -> ns of each query, the calibrations around it, and the answers.

    ``unlike`` holds for each span the numbers of the queries whose vectors differ from those of
    ``encode_queries``.
    """

    ns: Annotated[dict[Name, list[Ns]], Meta(max_length=250)]
    kernel_ns: tuple[Ns, Ns]
    preempted: Count
    answers: list[tuple[tuple[int | str, float], ...] | None]
    unlike: dict[Name, list[Count]]

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it has times and an answer for each query."""
        count = len(asked["texts"])
        by_query: list[Sequence[object]] = [*self.ns.values(), self.answers]
        return (
            END_TO_END in self.ns
            and all(len(values) == count for values in by_query)
            and all(number < count for numbers in self.unlike.values() for number in numbers)
        )


class Rate(Reply):
    """Queries a second."""

    per_second: Amount


class Arrived(Reply):
    """An open loop: ns from each query's arrival to its answer, and the rate of answers."""

    ns: list[Ns]
    per_second: Amount

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it has a time for each query."""
        return len(self.ns) == len(asked["texts"])


class Energy(Reply):
    """Counter -> joules for each query; None on a machine without counters."""

    joules: dict[str, float] | None
