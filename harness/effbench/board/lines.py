"""The lines of a leaderboard: a line is a row through an index at a search setting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from effbench.run.recorded import Done, Overlap, Quoted, Record, Skipped, Sweep
from effbench.text.names import index_label

TOLD = 0.5
"""The share of a dataset's queries from which on their answers were told in training."""


@dataclass(frozen=True)
class Line:
    """The records of a row through an index at a search setting, one record per dataset."""

    row: str
    index: str
    """The index with its search setting; empty for a retriever."""

    records: Mapping[str, Done]
    """Dataset -> record."""

    sweep: Sweep | None = None
    """The family of the row, if it is a member of a sweep."""

    index_sweep: Sweep | None = None
    """The family of the index, likewise."""

    @property
    def name(self) -> str:
        """The line's name in a sentence."""
        return f"{self.row} through {self.index}" if self.index else self.row

    @property
    def vectors(self) -> str:
        """The kind of its vectors; empty for a retriever, and if no record says it."""
        kinds = {record.vectors for record in self.records.values() if record.vectors}
        return ", ".join(sorted(kinds))

    @property
    def trained_on(self) -> str:
        """What the training used of the measured datasets (`effbench.plan.lineage.seen`)."""
        return self.saw(self.records)

    def saw(self, datasets: Iterable[str]) -> str:
        """Return what the training used of some of the measured datasets."""
        records = (self.records[name] for name in datasets if name in self.records)
        kinds = {kind for record in records for kind in record.trained_on}
        return ", ".join(sorted(kinds))

    @property
    def tested_on(self) -> list[str]:
        """The datasets on whose test judgments the row was trained."""
        return sorted(
            name for name, record in self.records.items() if "judgments" in record.trained_on
        )

    @property
    def told(self) -> Mapping[str, Overlap]:
        """Dataset -> overlap, where most queries have the relevant docs of a training query."""
        overlaps = {name: record.overlap for name, record in self.records.items()}
        return {
            name: overlap
            for name, overlap in sorted(overlaps.items())
            if overlap and overlap.same >= TOLD * max(1, overlap.queries)
        }

    @property
    def apart(self) -> bool:
        """Whether the line stands last, without a rank, for what its row was trained on."""
        return bool(self.tested_on or self.told)

    def score(self, measure: str, weights: Mapping[str, float]) -> float | None:
        """Return the weighted mean over datasets, or None if a dataset has no score.

        ``weights`` maps each dataset to its weight.
        """
        scores = {name: record.scores.get(measure) for name, record in self.records.items()}
        return _weighted(scores, weights)

    @property
    def recall_measures(self) -> list[str]:
        """The measures of its recall of the exact hits; none if a record has no recall."""
        recalls = [record.recall for record in self.records.values() if record.recall]
        measures = dict.fromkeys(measure for recall in recalls for measure in recall.scores)
        return list(measures)

    def recall(self, measure: str, weights: Mapping[str, float]) -> float | None:
        """Return the weighted mean of a measure of its recall; None as for `score`."""
        scores = {
            name: record.recall.scores.get(measure)
            for name, record in self.records.items()
            if record.recall
        }
        return _weighted(scores, weights)

    def total(self, name: str) -> float | None:
        """Return the sum of a cost of the index over datasets, or None if a cost is unknown.

        Datasets with the same corpus share an index, which counts once.
        """
        costs = {
            record.costs.index_key or dataset: getattr(record.costs, name)
            for dataset, record in self.records.items()
        }
        known = [cost for cost in costs.values() if cost is not None]
        return math.fsum(known) if known and len(known) == len(costs) else None

    def cost(self, name: str) -> float | None:
        """Return the largest value of a cost on any dataset, or None if none is known."""
        costs = [getattr(record.costs, name) for record in self.records.values()]
        return max((cost for cost in costs if cost is not None), default=None)


def _weighted(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """Return the weighted sum of the datasets' scores, or None if one is missing."""
    known = [
        (score, w) for name, w in weights.items() if (score := scores.get(name)) is not None
    ]
    return math.fsum(score * w for score, w in known) if len(known) == len(weights) else None


def lines_of(records: Iterable[Record], remarks: list[str]) -> list[Line]:
    """Return the lines of records; add a remark to ``remarks`` for each cell without scores."""
    grouped: dict[tuple[str, str, bool], list[Record]] = {}
    for record in records:
        setting = index_label(record.index_name, record.search)
        place = record.row.name, setting, isinstance(record, Quoted)
        grouped.setdefault(place, []).append(record)
        if not isinstance(record, Done):
            status = "skipped" if isinstance(record, Skipped) else "FAILED"
            remarks.append(f"{record.cell}: {status}: {record.error}")
    return [_line(row, index, group) for (row, index, _), group in grouped.items()]


def _line(row: str, index: str, records: Sequence[Record]) -> Line:
    by_dataset = {record.dataset: record for record in records if isinstance(record, Done)}
    first = records[0]
    index_sweep = first.index.sweep if first.index else None
    return Line(row, index, by_dataset, first.row.sweep, index_sweep)
