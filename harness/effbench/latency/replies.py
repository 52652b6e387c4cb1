"""What a worker answers to each command: the worker writes these, the session reads them.

What is written into a worker's pipe is decoded into these types and nothing else, so that no
plugin's line, however it came there, goes further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from effbench.latency.spans import END_TO_END

Count = Annotated[int, Meta(ge=0, lt=2**62)]
Ns = Annotated[int, Meta(gt=0, lt=2**62)]
Amount = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Reply(Struct):
    """An answer."""

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it answers all that a command asked, and no more."""
        return True


class Opened(Reply):
    """What opening a row took; the thread pools that are loaded then."""

    load_ms: Amount
    libraries: list[dict[str, str | int | None]]


class First(Reply):
    """What the first query took."""

    first_ms: Amount


class Warm(Reply):
    """New queries, and the same once more; memory; tokens and bytes read of timed queries."""

    fresh_ns: list[Ns]
    again_ns: list[Ns]
    resident_bytes: Count | None
    tokens: list[Count] | None
    bytes_read: list[Count] | None

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it tells of all queries."""
        facts = (one for one in (self.tokens, self.bytes_read) if one is not None)
        return len(self.fresh_ns) == len(self.again_ns) and all(
            len(one) == len(asked["timed"]) for one in facts
        )


class Timed(Reply):
    """A block: span -> ns of each query, calibrations around it, and what was answered."""

    ns: Annotated[dict[Name, list[Ns]], Meta(max_length=60)]
    kernel_ns: tuple[Ns, Ns]
    preempted: Count
    answers: list[tuple[tuple[int | str, float], ...] | None]
    unlike: dict[Name, list[Count]]

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it tells of all queries."""
        count = len(asked["texts"])
        many: list[Sequence[object]] = [*self.ns.values(), self.answers]
        return (
            END_TO_END in self.ns
            and all(len(one) == count for one in many)
            and all(number < count for one in self.unlike.values() for number in one)
        )


class Rate(Reply):
    """Queries a second."""

    per_second: Amount


class Arrived(Reply):
    """An open loop: ns from each query's arrival to its answer, and the rate it reached."""

    ns: list[Ns]
    per_second: Amount

    def fits(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether it tells of all queries."""
        return len(self.ns) == len(asked["texts"])


class Energy(Reply):
    """Joules a query by counter; None where there is none."""

    joules: dict[str, float] | None
