"""The sections of a suite without rows: measures, k, latency and expected scores."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from effbench.offers.schema import options_of
from effbench.plan.located import Mistakes, Notes, Place
from effbench.plan.suite import Expected, LatencyOptions
from effbench.steps.measures import DEEPEST
from effbench.steps.trial import checked_measures
from effbench.work.options import plain_argument, resolve


def measures_of(
    data: Mapping[str, Any], mistakes: Mistakes, *, trying: bool
) -> tuple[str, ...]:
    """Return the names of the measures, each once; note those that have mistakes."""
    given = data.get("measures", ["nDCG@10", "RR@10", "R@100"])
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        mistakes.add(("measures",), "give a list of measures (- nDCG@10)")
        return ()
    names, wrong = checked_measures(texts, trying=trying)
    for i, message in wrong.items():
        mistakes.add(("measures", i), message)
    return tuple(names)


def hits_of(data: Mapping[str, Any], measures: Sequence[str], mistakes: Mistakes) -> int:
    """Return how many hits are kept for a query."""
    deepest = max(map(_cutoff, measures), default=0)
    k = data.get("k", max(100, deepest))
    if type(k) is not int or not 1 <= k <= DEEPEST:
        mistakes.add(("k",), f"{k!r} is not a whole number of hits from 1 to {DEEPEST:,}")
    elif k < deepest:
        mistakes.add(("k",), f"{k} hits cannot decide a measure at {deepest} (k: {deepest})")
    else:
        return k
    return max(100, deepest)


def latency_of(data: Mapping[str, Any], mistakes: Mistakes) -> LatencyOptions | None:
    """Return the options of latency sessions; None if latency is not measured."""
    given = data.get("latency", {})
    if given is False:
        return None
    schema = options_of(LatencyOptions, "latency")
    options_given = mapping_of(given, ("latency",), mistakes)
    plain = partial(plain_argument, beside=Path(), digests=None)
    resolved, wrong = resolve(schema, options_given, plain)
    for key, message in wrong:
        mistakes.add(("latency", key), message)
    options: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in resolved.arguments.items()
    }
    return LatencyOptions(**options)


def expected_of(data: Mapping[str, Any], mistakes: Mistakes) -> Expected:
    """Return the expected scores, and how far a score may be from them."""
    given = dict(mapping_of(data.get("expected"), ("expected",), mistakes))
    tolerance = given.pop("tolerance", 0.001)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for measure, by_row in given.items():
        place: Place = ("expected", measure)
        for row, by_dataset in mapping_of(by_row, place, mistakes).items():
            for dataset, value in mapping_of(by_dataset, (*place, row), mistakes).items():
                if not _number(value):
                    wanted = "a score (MEASURE: {ROW: {DATASET: 0.5}})"
                    mistakes.add((*place, row, dataset), f"{value!r} is not {wanted}")
                scores.setdefault(measure, {}).setdefault(row, {})[dataset] = value
    if not _number(tolerance) or tolerance < 0:
        mistakes.add(
            ("expected", "tolerance"),
            f"{tolerance!r} is not a number of 0 or more (write 0.001)",
        )
    return Expected(scores, tolerance)


def mapping_of(value: Any, place: Place, mistakes: Notes) -> dict[str, Any]:
    """Return a mapping; an empty one for None, and for another value, which is noted."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        mistakes.add(place, f"{value!r} is not a mapping (write NAME: VALUE)")
        return {}
    return value


def _cutoff(measure: str) -> int:
    _, _, cutoff = measure.rpartition("@")
    return int(cutoff) if cutoff.isdigit() else 0


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
