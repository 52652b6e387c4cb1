"""The types of a session's header on disk. docs/records.md explains each part.

Nothing reads the parts that are not named here, so they may hold anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct, field

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
"""The block number of the times of an open loop."""

COLUMNS = {
    "row": "u2",
    "span": "u2",
    "process": "u2",
    "block": "u2",
    "query": "u4",
    "ns": "i8",
}
"""Column -> numpy type. ``ns`` is the time; the others number what was timed."""

Nanoseconds = Annotated[int, Meta(ge=1, le=10**15)]
Number = Annotated[int, Meta(ge=0, le=2**16 - 1)]
"""The number of a row, process or block, as the columns can hold it."""


class Block(NamedTuple):
    """A few queries of one row, timed one after the other between two calibrations.

    The file holds it as an array, so the order of the fields is part of the format.
    """

    row: Number
    process: Number
    block: Number
    attempt: Count
    """How many earlier attempts were given up, since the machine was not steady."""

    kernel_ns: tuple[Nanoseconds, Nanoseconds]
    """The times of the calibrations before and after the block."""

    stolen: Positive
    """Share of the processors' time that other virtual machines took."""

    throttled: Count
    """Times that a processor slowed itself down."""

    preempted: Count
    """Times that the system took the processor away from the worker."""

    busy_cores: Positive = 0.0
    """Cores that other processes kept busy since the load was last looked at."""


class RowFacts(Struct, frozen=True):
    """A cell that was measured, or that was to be measured and failed."""

    row: Name
    key: Name
    latency_key: Name = field(name="timed")
    """`Cell.latency_key` when it was measured."""

    index: Name | None = None
    search: dict[Name, Any] = {}
    differs: dict[Name, list[QueryId]] = {}
    tokens: list[Count] | None = None
    bytes_read: list[Count] | None = None
    code: Any = None
    """Digests of the cell's plugins. Older sessions lack them."""

    def __post_init__(self) -> None:
        check_settings(self.search)


class ProcessFacts(Struct, frozen=True):
    """The start of a fresh process of a cell, and what was measured once in the process."""

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
    """The header of a session: everything but its times."""

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
    pack: Name | None = None
    """The digest of the pack that was measured; None if a cache was."""

    warnings: list[Text] = []
    errors: dict[CellName, Text]
    processes: list[ProcessFacts]
    blocks: list[Block]
    memory_rates: dict[Name, Positive] = {}
    """Bytes of an array -> the bytes a second at which the machine reads it again and again."""

    sha256: Name | None = None
    """The checksum of the header's other keys and of the columns. Older sessions lack it."""

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
