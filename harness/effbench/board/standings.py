"""The standing of each line by a measure: its score, share, p-value, effect and rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from effbench.board.lines import Line
from effbench.statistics.figures import Interval
from effbench.statistics.significance import PairedValues, holm, values_of


class Standing(NamedTuple):
    """The result of a line by one measure on some datasets."""

    score: Interval
    """The mean over queries, then over datasets; its interval is a bootstrap over queries."""

    kept: Interval | None
    """The line's share of its baseline's score; None for a baseline itself."""

    p: float | None
    """The p-value of a paired randomisation test against the line's baseline.

    It is corrected by Holm's method for the number of lines.
    """

    effect: float | None
    """Cohen's d of the paired differences from the line's baseline."""

    beaten_by: frozenset[int] | None
    """The numbers of the lines that are surely better; None for a line that is not ranked."""

    @property
    def rank(self) -> int | None:
        """1 + the number of lines that are surely better; None for a line that is not ranked.

        Lines that cannot be told apart may share a rank.
        """
        return None if self.beaten_by is None else 1 + len(self.beaten_by)


def standings(
    lines: Sequence[Line],
    baselines: Sequence[int | None],
    measure: str,
    weights: Mapping[str, float],
) -> dict[int, Standing]:
    """Return line number -> standing, for the lines that have a score on all datasets.

    ``baselines`` gives for each line the number of the line that it is compared with;
    ``weights`` maps each dataset to its weight in the mean.
    """
    scores = {i: line.score(measure, weights) for i, line in enumerate(lines)}
    known = {i: Interval(score) for i, score in scores.items() if score is not None}
    results = {i: Standing(score, None, None, None, None) for i, score in known.items()}
    numbers = [i for i in known if _has_values(lines[i], measure, weights)]
    values = [
        values_of([lines[i].records[name].per_query[measure] for i in numbers])
        for name in weights
        if numbers
    ]
    if numbers and all(map(len, values)):
        paired = PairedValues(values, list(weights.values()))
        results |= _standings(lines, baselines, numbers, paired)
    return results


def _has_values(line: Line, measure: str, weights: Mapping[str, float]) -> bool:
    """Tell whether the values of single queries are known; published scores have none."""
    return all(measure in line.records[name].per_query for name in weights)


def _standings(
    lines: Sequence[Line],
    baselines: Sequence[int | None],
    numbers: Sequence[int],
    paired: PairedValues,
) -> dict[int, Standing]:
    """Return the standings of the lines with these numbers: the columns of ``paired``."""
    columns = {number: column for column, number in enumerate(numbers)}
    against = {column: columns.get(baselines[i], column) for i, column in columns.items()}  # type: ignore[arg-type]
    tested = [column for column, baseline in against.items() if column != baseline]
    ranked = [column for i, column in columns.items() if not lines[i].apart]
    p_values = {b: paired.p_values(b) for b in {against[column] for column in tested}}
    shares = {b: paired.shares(b) for b in p_values}
    effects = {b: paired.effects(b) for b in p_values}
    corrected = dict(zip(tested, holm([p_values[against[c]][c] for c in tested]), strict=True))
    beaten_by = {
        column: frozenset(numbers[better] for better in columns_better)
        for column, columns_better in zip(ranked, paired.beaten_by(ranked), strict=True)
    }
    intervals = paired.intervals()
    return {
        number: Standing(
            intervals[column],
            shares[against[column]][column] if column in corrected else None,
            corrected.get(column),
            effects[against[column]][column] if column in corrected else None,
            beaten_by.get(column),
        )
        for number, column in columns.items()
    }
