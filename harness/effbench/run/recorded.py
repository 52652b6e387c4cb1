"""The types of a record and of ``suite.json`` on disk. docs/records.md explains each part.

Nothing reads the parts that are not named here, so they may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct, field

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
"""Measures whose values lie between 0 and 1."""

ROUNDING = 1e-9
"""The largest difference between a score and the mean of its queries' values."""


class Sweep(Struct, frozen=True):
    """The swept row that a row belongs to, and the label of each of its swept options."""

    family: Name
    settings: dict[Name, Name]


class Offer(Struct, frozen=True, omit_defaults=True):
    """A row or an index as the suite gives it, and the plugin that offers it."""

    name: Name
    use: Name = ""
    plugin: Name = ""
    distribution: Name = ""
    options: dict[Name, Any] = {}
    sweep: Sweep | None = None

    @property
    def family(self) -> str:
        """The name of the swept row that this one belongs to, else its own name."""
        return self.sweep.family if self.sweep else self.name


class Costs(Struct, frozen=True, omit_defaults=True):
    """The costs of a cell: sizes and seconds; null where they are not known."""

    docs: Cost = None
    width: Cost = None
    query_parameters: Cost = None
    encode_seconds: Cost = None
    vectors_bytes: Cost = None
    """The stored vectors of the docs, on disk."""

    index_key: Name | None = None
    index_seconds: Cost = None
    index_bytes: Cost = None
    """The memory that searching takes, as the index or retriever says."""

    saved_bytes: Cost = None
    """What the index or retriever has saved, on disk."""

    search_seconds: Cost = None


class Recall(Struct, frozen=True):
    """The share of an exact index's hits that an approximate index has among its hits."""

    exact: CellName
    """The cell with the exact hits."""

    key: Name
    """The key of that cell."""

    scores: dict[Name, Number]
    """R@k, whose relevant docs are the first k exact hits -> its mean over queries."""

    per_query: dict[Name, dict[QueryId, Number]]

    def __post_init__(self) -> None:
        _check_scores(self.scores, self.per_query)


class Overlap(Struct, frozen=True):
    """How far the judgments that measure a row are those of another split that trained it."""

    queries: Count
    """The measured queries with a relevant doc."""

    same: Count
    """Those whose relevant docs are exactly the relevant docs of a query of that split."""

    judgments: Count
    """The judgments that say of a doc that it is relevant to a measured query."""

    seen: Count
    """Those whose doc is relevant to any query of that split."""

    def __post_init__(self) -> None:
        if self.same > self.queries or self.seen > self.judgments:
            raise ValueError("`overlap` counts more than there is")


class Ran(Struct, frozen=True, kw_only=True, tag_field="status"):
    """The part that all records have."""

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
    vectors: Literal["dense", "sparse", "tokens"] | None = None
    """The kind of vectors; None for a retriever, and in older records."""

    trained_on: list[Name] = []
    k: Count = 0
    code: dict[Name, list[Name]] = {}
    versions: dict[Name, Name] = {}
    files: dict[Beside, Sha256] = {}
    latency: Any = None
    """The latency of an older protocol."""

    def __post_init__(self) -> None:
        check_settings(self.search)
        check_past(self.created)

    @property
    def index_name(self) -> str | None:
        """The name of the searched index; None for a retriever."""
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
    recall: Recall | None = None
    """None for an exact index, for a retriever, and in older records."""

    overlap: Overlap | None = None
    """None unless the row was trained on other judgments, and in older records."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_scores(self.scores, self.per_query)
        for ids in self.such_as.values():
            check_ids(ids)


class Quoted(Done, frozen=True, kw_only=True, tag="quoted"):
    """Published scores of other people as a record. It has no values of single queries."""

    published: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Leave out the checks of a record, since there are no values of single queries."""


class Failed(Ran, frozen=True, kw_only=True, tag="failed"):
    """The record of a cell that could not be finished."""

    error: Text


class Skipped(Failed, frozen=True, kw_only=True, tag="skipped"):
    """The record of a cell that lacks data which only the user can bring."""


Record: TypeAlias = Done | Failed | Skipped


class DatasetFacts(Struct, frozen=True):
    """A dataset of a suite, and the group whose mean includes it."""

    name: Name
    group: Name | None
    note: Text | None = None
    cut: bool = False


class Expected(Struct, frozen=True):
    """Published scores, measure -> row -> dataset or group -> score."""

    scores: dict[Name, dict[Name, dict[Name, Number]]]
    tolerance: Positive
    index: Name | None = None


class Timing(Struct, frozen=True):
    """The facts that tell a suite's latency sessions from other sessions in its folder."""

    baseline: Name | None = None
    processes: Annotated[int, Meta(ge=1, le=10**6)] = 1
    conditions: dict[Name, Any] = {}
    latency_keys: dict[CellName, Name] = field(default_factory=dict, name="timed")


class SuiteFacts(Struct, frozen=True, kw_only=True):
    """The content of ``suite.json``."""

    schema: Literal[1, 2]
    suite: Name
    measures: Annotated[list[Name], Meta(min_length=1)]
    datasets: Annotated[list[DatasetFacts], Meta(min_length=1)]
    cells: list[CellName]
    expected: Expected
    latency: Timing = Timing()

    def __post_init__(self) -> None:
        check_unique(self.measures, "`measures`")
        check_unique((dataset.name for dataset in self.datasets), "`datasets`")
        check_unique(self.cells, "`cells`")


def _check_scores(
    scores: Mapping[str, float], per_query: Mapping[str, dict[str, float]]
) -> None:
    """Raise `ValueError` unless the scores are the means of possible values of queries."""
    if not scores or scores.keys() != per_query.keys():
        raise ValueError("`scores` and `per_query` are not of the same measures")
    for measure, values in per_query.items():
        _check_values(measure, scores[measure], values)


def _check_values(measure: str, score: float, values: dict[str, float]) -> None:
    """Raise `ValueError` if a measure cannot have these values, or if their mean is another."""
    check_ids(values)
    if not values:
        raise ValueError(f"`per_query`: {measure} has no values")
    within = min(values.values()) >= -ROUNDING and max(values.values()) <= 1 + ROUNDING
    if not within and measure.partition("@")[0].partition("(")[0] in UNIT:
        raise ValueError(f"`per_query`: {measure} is not from 0 to 1")
    mean = fsum(values.values()) / len(values)
    if abs(mean - score) > ROUNDING:
        raise ValueError(
            f"its {measure} is {score}, and the mean of its queries' values is {mean}"
        )
