"""Measures through ir_measures, on an order of hits that is fixed before measuring."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api import Qrel
from effbench.errors import EffbenchError

if TYPE_CHECKING:
    from ir_measures.measures import Measure

Ranking = Sequence[str]
"""The doc ids of one query's hits, best first."""


def parse_measure(text: str) -> Measure:
    """Return the ir_measures measure that ``text`` spells; ``MRR`` means ``RR``.

    Raises:
        EffbenchError: no measure is spelled like that.

    """
    import ir_measures

    try:
        measure: Measure = ir_measures.parse_measure(text)
    except (NameError, ValueError, SyntaxError, TypeError) as error:
        name, _, cutoff = text.partition("@")
        known = {m.NAME.casefold(): m.NAME for m in ir_measures.measures.registry.values()}
        near = difflib.get_close_matches(name.casefold(), known, n=1)
        cut = f"@{cutoff}" if cutoff.isdigit() else ""
        hint = f"did you mean {known[near[0]]}{cut}?" if near else "nDCG@10, RR@10, R@100"
        raise EffbenchError(f"no measure {text!r} ({hint})") from error
    return measure


def measure(
    run: Mapping[str, Ranking], qrels: Iterable[Qrel], measures: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, for every query that has a judgment.

    Providers of ir_measures break ties of scores in opposite ways, so they get scores made
    from the ranks. A judged query without hits counts 0; hits of unjudged queries are left out.

    Raises:
        ValueError: a value is not a number, or exceeds 1 where 1 is the most.

    """
    import ir_measures

    judged = [ir_measures.Qrel(*qrel) for qrel in qrels]
    query_ids = sorted({qrel.query_id for qrel in judged})
    scored = [
        ir_measures.ScoredDoc(query_id, doc_id, float(-rank))
        for query_id in query_ids
        for rank, doc_id in enumerate(run.get(query_id, ()))
    ]
    parsed = [parse_measure(name) for name in measures]
    values = {name: dict.fromkeys(query_ids, 0.0) for name in measures}
    if scored:
        for one in ir_measures.iter_calc(parsed, judged, scored):
            values[str(one.measure)][one.query_id] = _sound(one)
    return values


def mean(values: Mapping[str, float]) -> float:
    """Return the mean over queries, summed exactly."""
    return math.fsum(values.values()) / len(values)


def _sound(metric: Any) -> float:
    value = float(metric.value)
    bounded = metric.measure.NAME in {"nDCG", "RR", "R", "P", "AP", "Success", "RBP"}
    if not math.isfinite(value) or (bounded and not -1e-9 <= value <= 1 + 1e-9):
        raise ValueError(f"{metric.measure} of query {metric.query_id!r} is {value}")
    return value
