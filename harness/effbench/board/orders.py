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


class Places(NamedTuple):
    """An encoder's lines through an approximate and an exact index, and their scores."""

    near: Line
    exact: Line
    near_score: float
    exact_score: float


class Swap(NamedTuple):
    """Two encoders that change places, with the p-values of their difference."""

    better: Places
    """The better encoder through the approximate index, and the worse through the exact one."""

    worse: Places
    near_p: float
    exact_p: float

    @property
    def sure(self) -> bool:
        """Whether the difference through one of the indexes is beyond chance."""
        return min(self.near_p, self.exact_p) < SIGNIFICANT


def order_remarks(
    lines: Sequence[Line], measure: str, weights: Mapping[str, float]
) -> Iterator[str]:
    """Yield a remark for each approximate index that changes the order of encoders.

    The order is that of the means; ``weights`` maps each dataset to its weight in them. It is
    compared with the order through the exact index of whose hits the recall is the share.
    """
    pairs = [
        pair
        for encoders in _by_index(lines, measure, weights).values()
        for pair in _swapped(encoders)
    ]
    by_index: dict[str, list[Swap]] = {}
    for swap in _tested(pairs, measure, weights) if pairs else ():
        by_index.setdefault(swap.better.near.index, []).append(swap)
    for index, swaps in by_index.items():
        yield f"{index} changes the order of encoders by {measure}: {_spelled(swaps)}"


def _by_index(
    lines: Sequence[Line], measure: str, weights: Mapping[str, float]
) -> dict[tuple[str, str], list[Places]]:
    """Return (index, exact index) -> the encoders that have a mean through both, and a rank."""
    by_cell = {record.cell: line for line in lines for record in line.records.values()}
    encoders: dict[tuple[str, str], list[Places]] = {}
    for near in lines:
        recalls = (record.recall for record in near.records.values())
        exact = next((by_cell.get(recall.exact) for recall in recalls if recall), None)
        if exact is None or exact.row != near.row or near.apart:
            continue
        near_score, exact_score = (line.score(measure, weights) for line in (near, exact))
        if near_score is not None and exact_score is not None:
            places = Places(near, exact, near_score, exact_score)
            encoders.setdefault((near.index, exact.index), []).append(places)
    return encoders


def _swapped(encoders: Sequence[Places]) -> Iterator[tuple[Places, Places]]:
    """Yield each two encoders that change places, the better through the approximate first."""
    for pair in combinations(encoders, 2):
        better, worse = sorted(pair, key=lambda places: -places.near_score)
        if better.near_score > worse.near_score and better.exact_score < worse.exact_score:
            yield better, worse


def _tested(
    pairs: Sequence[tuple[Places, Places]], measure: str, weights: Mapping[str, float]
) -> Iterator[Swap]:
    """Yield pairs with their p-values, which are corrected for all; none without queries."""
    lines = {line.name: line for pair in pairs for places in pair for line in places[:2]}
    column = {name: number for number, name in enumerate(lines)}
    values = [
        values_of([line.records[name].per_query[measure] for line in lines.values()])
        for name in weights
    ]
    if not all(map(len, values)):
        return
    paired = PairedValues(values, list(weights.values()))
    against = [column[line.name] for _, worse in pairs for line in worse[:2]]
    p_values = {number: paired.p_values(number) for number in dict.fromkeys(against)}
    tested = [column[line.name] for better, _ in pairs for line in better[:2]]
    numbers = zip(against, tested, strict=True)
    corrected = iter(holm([p_values[baseline][number] for baseline, number in numbers]))
    for better, worse in pairs:
        yield Swap(better, worse, next(corrected), next(corrected))


def _spelled(swaps: Sequence[Swap]) -> str:
    """Say which encoders change places, with figures if a difference is beyond chance."""
    sure = sorted((swap for swap in swaps if swap.sure), key=lambda swap: min(swap[2:]))
    parts = [_figures(swap) for swap in sure[:MOST]]
    if len(sure) > MOST:
        parts.append(f"{counted(len(sure) - MOST, 'pairs')} more beyond chance")
    chance = [
        f"{swap.better.near.row} and {swap.worse.near.row}" for swap in swaps if not swap.sure
    ]
    if chance:
        parts.append(f"by differences that may be chance, {shortened(chance)}")
    return "; ".join(parts)


def _figures(swap: Swap) -> str:
    better, worse, near_p, exact_p = swap
    return (
        f"{better.near.row} is above {worse.near.row} "
        f"({better.near_score:.4f} and {worse.near_score:.4f}, p {near_p:.2g}), through "
        f"{better.exact.index} below it "
        f"({better.exact_score:.4f} and {worse.exact_score:.4f}, p {exact_p:.2g})"
    )
