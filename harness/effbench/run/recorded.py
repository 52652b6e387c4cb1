"""What records and suites hold on disk: docs/records.md says what each part means.

Parts that are not named here are read by nobody, and may be anything.
"""

from __future__ import annotations

from math import fsum
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from effbench.store.door import (
    CONTROL,
    END,
    CellName,
    Count,
    Moment,
    Name,
    Number,
    Positive,
    QueryId,
    Text,
    check_ids,
    check_past,
    check_settings,
    check_unique,
)

Sha256 = Annotated[str, Meta(pattern=f"^[0-9a-f]{{64}}{END}")]
Beside = Annotated[str, Meta(max_length=300, pattern=rf"^\w+/[^/\\{CONTROL}]+{END}")]
"""A file in a folder beside a record."""

Cost: TypeAlias = Count | Positive | None

UNIT = ("nDCG", "RR", "R", "P", "AP", "Success", "ERR", "Judged", "Rprec", "infAP", "RBP")
"""Measures whose values lie from 0 to 1."""

ROUNDING = 1e-9
"""How far a score may be from the mean of its queries' values."""


class Offer(Struct, frozen=True, omit_defaults=True):
    """A row or an index, as the suite gives it, and the plugin that offers it."""

    name: Name
    use: Name = ""
    plugin: Name = ""
    distribution: Name = ""
    options: dict[Name, Any] = {}


class Costs(Struct, frozen=True, omit_defaults=True):
    """What a cell took; null where it is not known."""

    docs: Cost = None
    width: Cost = None
    query_parameters: Cost = None
    encode_seconds: Cost = None
    index_key: Name | None = None
    index_seconds: Cost = None
    index_bytes: Cost = None
    search_seconds: Cost = None


class Ran(Struct, frozen=True, kw_only=True, tag_field="status"):
    """What every record says of its cell."""

    schema: Literal[1, 2]
    key: Name
    dataset: Name
    row: Offer
    index: Offer | None
    search: dict[Name, Any]
    created: Moment
    cell: CellName = ""
    data_key: Name = ""
    passages: Name | None = None
    trained_on: list[Name] = []
    k: Count = 0
    code: dict[Name, list[Name]] = {}
    versions: dict[Name, Name] = {}
    files: dict[Beside, Sha256] = {}
    latency: Any = None
    """Of an older protocol."""

    def __post_init__(self) -> None:
        check_settings(self.search)
        check_past(self.created)

    @property
    def index_name(self) -> str | None:
        """The index that was searched; none of a retriever."""
        return self.index.name if self.index else None


class Done(Ran, frozen=True, kw_only=True, tag="done"):
    """The record of a cell with scores."""

    published: ClassVar[bool] = False

    scores: dict[Name, Number]
    per_query: dict[Name, dict[QueryId, Number]]
    queries: dict[Name, Count | None]
    costs: Costs
    such_as: dict[Name, list[QueryId]] = {}
    models: dict[Name, Any] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scores or self.scores.keys() != self.per_query.keys():
            raise ValueError("`scores` and `per_query` are not of the same measures")
        for measure, values in self.per_query.items():
            _check_values(measure, self.scores[measure], values)
        for ids in self.such_as.values():
            check_ids(ids)


class Quoted(Done, frozen=True, kw_only=True, tag="quoted"):
    """Scores of others, as if they were a record: there are no values of single queries."""

    published: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Let it have none."""


class Failed(Ran, frozen=True, kw_only=True, tag="failed"):
    """The record of a cell that could not be finished."""

    error: Text


class Skipped(Failed, frozen=True, kw_only=True, tag="skipped"):
    """The record of a cell for want of data that only the user can bring."""


Record: TypeAlias = Done | Failed | Skipped


class DatasetFacts(Struct, frozen=True):
    """A dataset of a suite, and the group in whose mean it is."""

    name: Name
    group: Name | None
    note: Text | None = None


class Expected(Struct, frozen=True):
    """Published scores, measure -> row -> dataset or group -> score."""

    scores: dict[Name, dict[Name, dict[Name, Number]]]
    tolerance: Positive
    index: Name | None = None


class Timing(Struct, frozen=True):
    """What tells a suite's latency sessions from others in its folder."""

    baseline: Name | None = None
    processes: Annotated[int, Meta(ge=1, le=10**6)] = 1
    conditions: dict[Name, Any] = {}
    timed: dict[CellName, Name] = {}


class SuiteFacts(Struct, frozen=True, kw_only=True):
    """What ``suite.json`` holds."""

    schema: Literal[1, 2]
    suite: Name
    measures: Annotated[list[Name], Meta(min_length=1)]
    datasets: Annotated[list[DatasetFacts], Meta(min_length=1)]
    cells: list[CellName]
    expected: Expected
    latency: Timing = Timing()

    def __post_init__(self) -> None:
        check_unique(self.measures, "`measures`")
        check_unique((one.name for one in self.datasets), "`datasets`")
        check_unique(self.cells, "`cells`")


def _check_values(measure: str, score: float, values: dict[str, float]) -> None:
    """Refuse values of queries that cannot be a measure's, or not those of its score."""
    check_ids(values)
    own = values.values()
    if not own:
        raise ValueError(f"`per_query`: {measure} has no values")
    within = min(own) >= -ROUNDING and max(own) <= 1 + ROUNDING
    if not within and measure.partition("@")[0].partition("(")[0] in UNIT:
        raise ValueError(f"`per_query`: {measure} is not from 0 to 1")
    mean = fsum(own) / len(own)
    if abs(mean - score) > ROUNDING:
        raise ValueError(
            f"its {measure} is {score}, and the mean of its queries' values is {mean}"
        )
