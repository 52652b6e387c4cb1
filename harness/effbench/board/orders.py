"""Orders of encoders: which pairs change places through an approximate index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from effbench.board.lines import Line
from effbench.statistics.significance import SIGNIFICANT, PairedValues, holm, values_of
from effbench.text.words import counted, shortened

MOST = 3
"""The number of pairs whose figures a remark has."""


class Swap(NamedTuple):
    """Two encoders that change places through an approximate index."""

    near: tuple[Line, Line]
    """The lines through the approximate index, the better encoder first."""

    exact: tuple[Line, Line]
    """The lines of the same encoders through the exact index, where the second is better."""


class Tested(NamedTuple):
    """A swap with the p-values of the difference through each of the two indexes."""

    swap: Swap
    near_p: float
    exact_p: float

    @property
    def sure(self) -> bool:
        """Whether one of the differences is beyond chance."""
        return min(self.near_p, self.exact_p) < SIGNIFICANT


def order_remarks(
    lines: Sequence[Line], measure: str, weights: Mapping[str, float]
) -> Iterator[str]:
    """Yield a remark for each approximate index that changes the order of encoders.

    The order is that of the means; ``weights`` maps each dataset to its weight in them. It is
    compared with the order through the exact index of whose hits the recall is the share.
    """
    pairs = _through_both(lines, measure, weights)
    swaps = [swap for known in pairs.values() for swap in _swaps(known, measure, weights)]
    by_index: dict[tuple[str, str], list[Tested]] = {}
    for swap, ps in zip(swaps, _p_values(swaps, measure, weights), strict=False):
        place = swap.near[0].index, swap.exact[0].index
        by_index.setdefault(place, []).append(Tested(swap, *ps))
    for (index, _), tested in by_index.items():
        yield f"{index} changes the order of encoders: {_spelled(tested, measure, weights)}"


def _through_both(
    lines: Sequence[Line], measure: str, weights: Mapping[str, float]
) -> dict[tuple[str, str], list[tuple[Line, Line]]]:
    """Return (index, exact index) -> the lines of each encoder through both.

    Encoders that have no mean or no rank are left out.
    """
    by_cell = {record.cell: line for line in lines for record in line.records.values()}
    pairs: dict[tuple[str, str], list[tuple[Line, Line]]] = {}
    for near in lines:
        recalls = [record.recall for record in near.records.values()]
        exact = next((by_cell.get(recall.exact) for recall in recalls if recall), None)
        if exact is None or exact.row != near.row or near.tested_on:
            continue
        if None not in (near.score(measure, weights), exact.score(measure, weights)):
            pairs.setdefault((near.index, exact.index), []).append((near, exact))
    return pairs


def _swaps(
    pairs: Sequence[tuple[Line, Line]], measure: str, weights: Mapping[str, float]
) -> Iterator[Swap]:
    """Yield each two encoders of which another is better through the approximate index."""
    scored = [
        (near.score(measure, weights) or 0.0, exact.score(measure, weights) or 0.0, near, exact)
        for near, exact in pairs
    ]
    for first, second in combinations(scored, 2):
        better, worse = (first, second) if first[0] > second[0] else (second, first)
        if better[0] > worse[0] and better[1] < worse[1]:
            yield Swap((better[2], worse[2]), (better[3], worse[3]))


def _p_values(
    swaps: Sequence[Swap], measure: str, weights: Mapping[str, float]
) -> list[tuple[float, float]]:
    """Return for each swap the p-values of its two differences; nothing without queries.

    They are corrected by Holm's method for all of them.
    """
    columns = {line.name: line for swap in swaps for pair in swap for line in pair}
    numbers = {name: number for number, name in enumerate(columns)}
    values = [
        values_of([line.records[name].per_query[measure] for line in columns.values()])
        for name in weights
        if columns
    ]
    if not values or not all(map(len, values)):
        return []
    paired = PairedValues(values, list(weights.values()))
    known: dict[int, list[float]] = {}

    def p_value(better: Line, worse: Line) -> float:
        number = numbers[worse.name]
        if number not in known:
            known[number] = paired.p_values(number)
        return known[number][numbers[better.name]]

    corrected = iter(holm([p_value(*pair) for swap in swaps for pair in swap]))
    return list(zip(corrected, corrected, strict=True))


def _spelled(tested: Sequence[Tested], measure: str, weights: Mapping[str, float]) -> str:
    """Say which pairs change places: with their figures if a difference is beyond chance."""
    sure = sorted((each for each in tested if each.sure), key=lambda each: min(each[1:]))
    parts = [_figures(each, measure, weights) for each in sure[:MOST]]
    if len(sure) > MOST:
        parts.append(f"{counted(len(sure) - MOST, 'pairs')} more beyond chance")
    chance = [f"{a.row} and {b.row}" for (a, b), _ in (e.swap for e in tested if not e.sure)]
    if chance:
        parts.append(f"by differences that may be chance, {shortened(chance)}")
    return "; ".join(parts)


def _figures(tested: Tested, measure: str, weights: Mapping[str, float]) -> str:
    (better, worse), (exact_better, exact_worse) = tested.swap
    scores = (
        line.score(measure, weights) for line in (better, worse, exact_better, exact_worse)
    )
    a, b, exact_a, exact_b = (f"{score:.4f}" for score in scores)
    return (
        f"{better.row} is above {worse.row} by {measure} ({a} and {b}, p {tested.near_p:.2g}), "
        f"through {exact_better.index} below it ({exact_a} and {exact_b}, "
        f"p {tested.exact_p:.2g})"
    )
