"""The records of a suite on several machines as those of one: scores need not be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from effbench.board.chosen import recency, without_old_data, without_renamed
from effbench.board.collected import Collected, joined
from effbench.run.recorded import ROUNDING, Done, Record

Places = Mapping[str, Sequence[tuple[str, Record]]]
"""Cell -> its machines, each with its record; the record that counts is the first."""


def together(parts: Sequence[Collected]) -> Collected:
    """Return the records of a suite on several machines as the records of one machine.

    If a cell has records of two machines, a record with scores counts before a failed one, and
    then the newer one. The result has no folders: latencies belong to one machine.
    """
    order = sorted(parts, key=_newest, reverse=True)
    suite = joined([part.suite for part in order])
    places = _places(parts)
    chosen = {cell: places[cell][0][1] for cell in suite.cells if cell in places}
    remarks = [f"on {part.machine}: {remark}" for part in parts for remark in part.remarks]
    remarks += (*_failures(places), *_differences(places, suite.measures[0]))
    records = without_old_data(without_renamed(chosen, remarks), remarks)
    missing = [
        cell
        for cell in suite.cells
        if all(cell in part.not_run or cell not in part.suite.cells for part in parts)
    ]
    texts = {name: by_query for part in parts for name, by_query in part.texts.items()}
    machines = " and ".join(part.machine for part in parts)
    return Collected(machines, suite, [], records, texts, remarks, [], missing)


def _newest(part: Collected) -> tuple[str, str]:
    """Return a value that is largest for the machine with the newest record."""
    moments = [record.created.isoformat() for record in part.records.values()]
    return max(moments, default=""), part.machine


def _places(parts: Sequence[Collected]) -> Places:
    places: dict[str, list[tuple[str, Record]]] = {}
    for part in parts:
        for cell, record in part.records.items():
            places.setdefault(cell, []).append((part.machine, record))
    for known in places.values():
        known.sort(key=lambda place: (isinstance(place[1], Done), recency(place[1])))
        known.reverse()
    return places


def _failures(places: Places) -> Iterator[str]:
    """Yield the failures of cells that another machine has done."""
    for cell, ((first, record), *others) in places.items():
        for machine, other in others:
            if isinstance(record, Done) and not isinstance(other, Done):
                yield f"{cell}: failed on {machine}: {other.error}; that of {first} counts"


def _differences(places: Places, measure: str) -> Iterator[str]:
    """Say on how many cells the machines have other scores, and how large the largest is."""
    spans = {}
    for cell, known in places.items():
        scores = [
            record.scores[measure]
            for _, record in known
            if isinstance(record, Done) and measure in record.scores
        ]
        if len(scores) > 1 and max(scores) - min(scores) > ROUNDING:
            spans[cell] = max(scores) - min(scores)
    if spans:
        cell = max(spans, key=lambda name: spans[name])
        yield (
            f"the machines have other scores for {len(spans)} of {len(places)} cells; by "
            f"{measure} they differ by {spans[cell]:.4f} at most ({cell}); the newer counts"
        )
