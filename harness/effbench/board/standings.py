"""How lines of a leaderboard do by one measure: intervals, tests and ranks over queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from effbench.board.lines import Line
from effbench.statistics.figures import Interval
from effbench.statistics.significance import PairedValues, holm, values_of


class Standing(NamedTuple):
    """How a line does by one measure on some datasets."""

    score: Interval
    """Mean over queries, then over datasets; 95 % by bootstrap over queries."""

    kept: Interval | None
    """Share of its baseline's score; none of a baseline itself."""

    p: float | None
    """Of a paired randomisation test against its baseline, by Holm's method for all lines."""

    effect: float | None
    """Cohen's d of the paired differences from its baseline."""

    rank: int | None
    """One more than the lines that are better beyond chance; none of a line not ranked."""


def standings(
    lines: Sequence[Line],
    baselines: Sequence[int | None],
    measure: str,
    weights: Mapping[str, float],
) -> dict[int, Standing]:
    """Return the standing of each line that has all datasets: its number -> standing.

    ``baselines`` names the line that each is compared with, ``weights`` the datasets.
    """
    scores = {i: line.score(measure, weights) for i, line in enumerate(lines)}
    known = {i: Interval(score) for i, score in scores.items() if score is not None}
    found = {i: Standing(score, None, None, None, None) for i, score in known.items()}
    there = [i for i in known if _has_values(lines[i], measure, weights)]
    values = [
        values_of([lines[i].records[name].per_query[measure] for i in there])
        for name in weights
        if there
    ]
    if there and all(map(len, values)):
        paired = PairedValues(values, list(weights.values()))
        found |= _standings(lines, baselines, there, paired)
    return found


def _has_values(line: Line, measure: str, weights: Mapping[str, float]) -> bool:
    """Tell whether the values of single queries are known: of published scores they are not."""
    return all(measure in line.records[name].per_query for name in weights)


def _standings(
    lines: Sequence[Line],
    baselines: Sequence[int | None],
    there: Sequence[int],
    paired: PairedValues,
) -> dict[int, Standing]:
    """Return the standings of those lines whose values are the columns of ``paired``."""
    places = {number: place for place, number in enumerate(there)}
    against = {place: places.get(baselines[i], place) for i, place in places.items()}  # type: ignore[arg-type]
    tested = [place for place, baseline in against.items() if place != baseline]
    ranked = [place for i, place in places.items() if not lines[i].tested_on]
    p_values = {b: paired.p_values(b) for b in {against[place] for place in tested}}
    shares = {b: paired.shares(b) for b in p_values}
    effects = {b: paired.effects(b) for b in p_values}
    corrected = dict(zip(tested, holm([p_values[against[p]][p] for p in tested]), strict=True))
    ranks = dict(zip(ranked, paired.ranks(ranked), strict=True))
    intervals = paired.intervals()
    return {
        number: Standing(
            intervals[place],
            shares[against[place]][place] if place in corrected else None,
            corrected.get(place),
            effects[against[place]][place] if place in corrected else None,
            ranks.get(place),
        )
        for number, place in places.items()
    }
