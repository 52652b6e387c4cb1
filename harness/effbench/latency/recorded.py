"""What the header of a latency session holds: docs/records.md says what each part means.

Parts that are not named here are read by nobody, and may be anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from effbench.store.door import (
    CellName,
    Count,
    Moment,
    Name,
    Positive,
    QueryId,
    Text,
    check_ids,
    check_past,
    check_settings,
    check_unique,
)

FORMAT = 1

NO_BLOCK = 2**16 - 1
"""The number that times of an open loop have for their block."""

COLUMNS = {
    "row": "u2",
    "span": "u2",
    "process": "u2",
    "block": "u2",
    "query": "u4",
    "ns": "i8",
}
"""Column -> numpy type: which row, span, process of the row, block and query, and how long."""

Nanoseconds = Annotated[int, Meta(ge=1, le=10**15)]
Number = Annotated[int, Meta(ge=0, le=2**16 - 1)]
"""Of a row, process or block, as the columns can hold it."""


class Block(NamedTuple):
    """A few queries of one row, one after the other, between two calibrations."""

    row: Number
    process: Number
    block: Number
    attempt: Count
    """How often it was measured anew, since the machine was not steady."""

    kernel_ns: tuple[Nanoseconds, Nanoseconds]
    """What the calibrations before and after it took."""

    stolen: Positive
    """Share of the processors that other virtual machines took."""

    throttled: Count
    """Times that the processor slowed itself down."""

    preempted: Count
    """Times that the system took the processor away from the worker."""

    others: Positive = 0.0
    """Cores that other processes kept busy during the round that it was in."""


class RowFacts(Struct, frozen=True):
    """A cell that was measured."""

    row: Name
    key: Name
    timed: Name
    index: Name | None = None
    search: dict[Name, Any] = {}
    differs: dict[Name, list[QueryId]] = {}
    tokens: list[Count] | None = None
    bytes_read: list[Count] | None = None
    code: Any = None
    """Digests of its plugins, where the session says them."""

    def __post_init__(self) -> None:
        check_settings(self.search)


class ProcessFacts(Struct, frozen=True):
    """A fresh process of a cell."""

    cell: CellName
    process: Number
    fresh_ns: list[Nanoseconds]
    again_ns: list[Nanoseconds]
    load_ms: Positive | None = None
    first_ms: Positive | None = None
    resident_bytes: Count | None = None
    throughput: dict[Name, Positive] | None = None
    joules: dict[Name, Positive] | None = None
    arrivals: list[dict[Name, Positive]] | None = None


class Header(Struct, frozen=True, kw_only=True):
    """What a session was made of."""

    format: Literal[1]
    dataset: Name
    started: Moment
    baseline: CellName | None
    rows: Annotated[dict[CellName, RowFacts], Meta(min_length=1)]
    spans: list[Name]
    queries: list[QueryId]
    words: list[Count]
    conditions: dict[Name, Any]
    fingerprint: dict[Name, Any]
    fingerprint_id: Name = ""
    warnings: list[Text] = []
    errors: dict[CellName, Text]
    processes: list[ProcessFacts]
    blocks: list[Block]

    def __post_init__(self) -> None:
        check_past(self.started)
        check_unique(self.spans, "`spans`")
        check_ids(self.queries)
        count = len(self.queries)
        for row in self.rows.values():
            if not set[str]().union(*row.differs.values()) <= set(self.queries):
                raise ValueError("`differs`: a query is not of `queries`")
            for lengths in (self.words, row.tokens, row.bytes_read):
                if lengths is not None and len(lengths) != count:
                    raise ValueError("`words`, `tokens` or `bytes_read` are not one a query")
        if any(block.row >= len(self.rows) for block in self.blocks):
            raise ValueError("`blocks`: a block is of no row")
        for process in self.processes:
            if len(process.fresh_ns) != len(process.again_ns):
                raise ValueError("`processes`: `fresh_ns` and `again_ns` are not of one length")
