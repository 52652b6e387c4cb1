"""Recall of approximate indexes: their share of the exact hits, from the exported runs.

A record gets its recall after all cells of a run have records, since the exact hits may come
later than those of the approximate index. So the recall is also put into a finished record
of an earlier run, when the suite has got an exact index.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.guard.blame import doing
from effbench.plan.cells import Cell, Plan
from effbench.run.records import Plain
from effbench.run.results import Results
from effbench.steps.measures import mean
from effbench.store.reading import opened
from effbench.work.progress import Progress

DEPTHS = (10, 100)
"""The numbers of exact hits of which a recall is the share, if a run is so deep."""


def put_recalls(
    plan: Plan, results: Results, records: MutableMapping[str, Plain], progress: Progress
) -> None:
    """Put the recall into each record that lacks it; ``records`` maps finished cells to them.

    A cell whose recall cannot be computed or written keeps its record; the user is told why.
    """
    lacking = [
        (cell, exact)
        for cell in plan.cells
        if (exact := plan.exact_cell(cell)) and {cell.name, exact.name} <= records.keys()
        if not _of_this(records[cell.name].get("recall"), exact)
    ]
    if not lacking:
        return
    with progress.work("recall of the indexes", len(lacking), "cells") as advance:
        for cell, exact in lacking:
            try:
                with doing("measuring its recall"):
                    known = recall(cell, exact, results)
                record = {**records[cell.name], "recall": known}
                results.write(cell, record)
                records[cell.name] = record
            except EffbenchError as error:
                progress.note(f"{cell.name}: no recall: {error}")
            advance(1)


def measures_of(plan: Plan) -> list[str]:
    """Return the measures of the recall that records of a plan have; none without a recall."""
    known = any(map(plan.exact_cell, plan.cells))
    return [f"R@{depth}" for depth in _depths(plan.suite.k)] if known else []


def _depths(k: int) -> list[int]:
    """Return the numbers of exact hits of which a recall is the share, for runs of k hits."""
    return [depth for depth in DEPTHS if depth <= k] or [k]


def _of_this(recall: Plain | None, exact: Cell) -> bool:
    """Tell whether a record has its recall of the hits of this cell."""
    return recall is not None and (recall["exact"], recall["key"]) == (exact.name, exact.key)


def recall(cell: Cell, exact: Cell, results: Results) -> Plain:
    """Return the recall of a cell for its record, from its run and the run of exact hits.

    Raises:
        EffbenchError: a run cannot be read, or their queries are not in one order.

    """
    depths = _depths(cell.search.k)
    per_query: dict[str, dict[str, float]] = {f"R@{depth}": {} for depth in depths}
    runs = results.run_file(exact), results.run_file(cell)
    for query_id, wanted, hits in _paired(*runs, depths[-1]):
        for depth, values in zip(depths, per_query.values(), strict=True):
            nearest = wanted[:depth]
            values[query_id] = len({*nearest}.intersection(hits[:depth])) / len(nearest)
    if not all(per_query.values()):
        raise EffbenchError(f"{exact.name} has no hits (look at its index)")
    scores = {measure: mean(values) for measure, values in per_query.items()}
    return {"exact": exact.name, "key": exact.key, "scores": scores, "per_query": per_query}


def _paired(
    exact: Path, run: Path, depth: int
) -> Iterator[tuple[str, Sequence[bytes], Sequence[bytes]]]:
    """Yield each query of the exact run, its first exact hits, and those of the other run.

    Both runs have the queries in the order of the dataset; the other run may lack some.
    """
    rest = _first_hits(run, depth)
    ahead = next(rest, None)
    for query_id, wanted in _first_hits(exact, depth):
        hits: Sequence[bytes] = ()
        if ahead is not None and ahead[0] == query_id:
            hits, ahead = ahead[1], next(rest, None)
        yield query_id, wanted, hits
    if ahead is not None:
        raise EffbenchError(
            f"{exact}: query {ahead[0]!r} has no hits, or stands elsewhere than in {run} (look "
            "at the index that says it is exact)"
        )


def _first_hits(run: Path, depth: int) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield each query of an exported run with its first ``depth`` hits as encoded doc ids.

    The checksum of the file has been verified, so its form needs no check.
    """
    with opened(run) as stream:
        lines = (line.split(b" ", 3) for line in stream)
        for query_id, of_query in groupby(lines, key=itemgetter(0)):
            yield query_id.decode(), [doc_id for _, _, doc_id, _ in islice(of_query, depth)]
