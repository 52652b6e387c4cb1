"""Tests of scores: intervals, paired randomisation tests and ranks, from queries' values.

All rows share the random draws. So each comparison is paired, and one product of matrices
gives the means of all rows for many draws. The draws are seeded: the same values always give
the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from effbench.statistics.figures import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 10_000
"""The number of bootstrap resamples, and of randomisations."""

RANK_RESAMPLES = 2_000
"""The number of randomisations for ranks, which compare all pairs of rows in each."""

SIGNIFICANT = 0.05
"""A p-value below this is significant."""

VALUES_AT_ONCE = 2_000_000
"""How many values are drawn at a time; more would take more memory."""

EQUAL = 1e-12
"""Two means are equal if they differ by less: the order of a sum's terms changes it so much."""


class PairedValues:
    """The values of several rows on the same queries, for one or more collections.

    The mean of a row is the weighted sum of its means on the collections.
    """

    def __init__(
        self,
        values: Sequence[NDArray[np.float64]],
        weights: Sequence[float] = (1.0,),
        *,
        resamples: int = RESAMPLES,
    ) -> None:
        """Take an array of values [queries, rows] and a weight for each collection."""
        self._values = values
        self._weights = weights
        self._resamples = resamples
        self.means = self._weighted([array.mean(0, keepdims=True) for array in values])[0]

    def intervals(self) -> list[Interval]:
        """Return each row's mean with its 95 % interval, by a bootstrap over queries.

        A collection of one query gives no interval: nothing tells how queries differ.
        """
        drawn = self._bootstrap
        return [self._interval(mean, drawn[:, i]) for i, mean in enumerate(self.means)]

    def differences(self, baseline: int) -> list[Interval]:
        """Return each row's mean minus the baseline's mean, with its 95 % interval."""
        drawn = self._bootstrap
        return [
            _interval(mean - self.means[baseline], drawn[:, i] - drawn[:, baseline])
            for i, mean in enumerate(self.means)
        ]

    def shares(self, baseline: int) -> list[Interval | None]:
        """Return each row's mean as a share of the baseline's mean, with its 95 % interval.

        All are None if the baseline's mean is not above 0: some measures can be negative.
        """
        base, drawn = self.means[baseline], self._bootstrap
        positive = drawn[drawn[:, baseline] > 0]
        if not base > 0 or not len(positive):
            return [None] * len(self.means)
        return [
            self._interval(mean / base, positive[:, i] / positive[:, baseline])
            for i, mean in enumerate(self.means)
        ]

    def effects(self, baseline: int) -> list[float | None]:
        """Return Cohen's d of each row: the mean difference over its standard deviation.

        The difference is from the baseline, query by query. For several collections it is the
        weighted mean of their d; it is None if the differences of a collection do not vary.
        """
        effects = []
        for i in range(len(self.means)):
            differences = [array[:, i] - array[:, baseline] for array in self._values]
            sizes = [
                float(values.mean() / values.std(ddof=1))
                if len(values) > 1 and values.std()
                else None
                for values in differences
            ]
            known = [size for size in sizes if size is not None]
            pairs = zip(known, self._weights, strict=False)
            complete = len(known) == len(sizes)
            effects.append(sum(size * weight for size, weight in pairs) if complete else None)
        return effects

    def p_values(self, baseline: int) -> list[float]:
        """Return the p-value of each row's difference from the baseline.

        The test is a two-sided paired randomisation test: it flips the signs of the queries'
        differences at random (Fisher; Smucker et al., CIKM 2007). The baseline itself has 1.
        """
        import numpy as np

        flipped = self._flipped
        observed = np.abs(self.means - self.means[baseline])
        by_chance = np.abs(flipped - flipped[:, [baseline]])
        reached = (by_chance >= observed - EQUAL).sum(0)
        return [float(count) for count in (1 + reached) / (1 + self._resamples)]

    def beaten_by(self, rows: Sequence[int]) -> list[list[int]]:
        """Return for each given row those of the given rows that are surely better than it.

        All pairs are tested at once: the difference of a pair, in standard errors, must exceed
        the largest difference of any pair in 95 % of the randomisations. This is the
        single-step max-T test of Westfall and Young, which keeps the chance of any false
        difference at 5 % (for retrieval: Carterette, TOIS 2012).
        """
        import numpy as np

        pairs = list(combinations(rows, 2))
        if not pairs:
            return [[] for _ in rows]
        first, second = np.array(pairs).T
        errors = self._errors(first, second)
        errors[errors == 0] = np.inf  # rows with equal values never differ
        flipped = self._flipped[:RANK_RESAMPLES]
        size = max(1, VALUES_AT_ONCE // len(pairs))
        parts = (flipped[start : start + size] for start in range(0, len(flipped), size))
        largest = [np.abs((part[:, first] - part[:, second]) / errors).max(1) for part in parts]
        bound = np.quantile(np.concatenate(largest), 1 - SIGNIFICANT, method="higher")
        observed = (self.means[first] - self.means[second]) / errors
        better: dict[int, list[int]] = {row: [] for row in rows}
        for (left, right), difference in zip(pairs, observed, strict=True):
            if abs(difference) > bound + EQUAL:
                best, worse = (left, right) if difference > 0 else (right, left)
                better[worse].append(best)
        return list(better.values())

    def _errors(
        self, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the standard errors of the pairs' differences if the rows did not differ."""
        import numpy as np

        squares = [
            ((array[:, first] - array[:, second]) ** 2).sum(0, keepdims=True) / len(array) ** 2
            for array in self._values
        ]
        weighted = zip(squares, self._weights, strict=True)
        errors: NDArray[np.float64] = np.sqrt(sum(row[0] * w**2 for row, w in weighted))
        return errors

    @cached_property
    def _bootstrap(self) -> NDArray[np.float64]:
        """Return rows' means [resamples, rows] over queries drawn with replacement."""
        import numpy as np

        def draw(random: np.random.Generator, count: int, queries: int) -> NDArray[np.float64]:
            chosen = random.integers(queries, size=(count, queries))
            chosen += np.arange(count)[:, None] * queries  # each resample has its own numbers
            times = np.bincount(chosen.ravel(), minlength=count * queries)
            return times.reshape(count, queries) / queries

        return self._resampled(draw)

    @cached_property
    def _flipped(self) -> NDArray[np.float64]:
        """Return rows' means [resamples, rows] over queries with random signs."""
        import numpy as np

        def draw(random: np.random.Generator, count: int, queries: int) -> NDArray[np.float64]:
            signs = random.integers(2, size=(count, queries), dtype=np.int8)
            return (2.0 * signs - 1.0) / queries

        return self._resampled(draw)

    def _resampled(self, draw: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return rows' means [resamples, rows]; ``draw`` gives weights [count, queries]."""
        import numpy as np

        means = []
        for number, array in enumerate(self._values):
            random = np.random.default_rng(number)
            queries = len(array)
            parts = [draw(random, count, queries) @ array for count in self._parts(queries)]
            means.append(np.concatenate(parts))
        return self._weighted(means)

    def _interval(self, value: float, drawn: NDArray[np.float64]) -> Interval:
        single = min(map(len, self._values)) < 2
        return Interval(float(value)) if single else _interval(value, drawn)

    def _parts(self, queries: int) -> Iterator[int]:
        """Yield how many resamples to draw at a time."""
        size = max(1, VALUES_AT_ONCE // queries)
        for done in range(0, self._resamples, size):
            yield min(size, self._resamples - done)

    def _weighted(self, means: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the weighted sum over collections of arrays [any, rows]."""
        import numpy as np

        weighted = [array * w for array, w in zip(means, self._weights, strict=True)]
        total: NDArray[np.float64] = np.sum(weighted, axis=0)
        return total


def values_of(rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Return the values [queries, rows] of the queries that all rows have."""
    import numpy as np

    shared = sorted(set.intersection(*(set(row) for row in rows)))
    return np.array([[row[query] for row in rows] for query in shared])


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected by Holm's method for the number of tests."""
    corrected = [0.0] * len(values)
    least = 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (len(values) - rank) * values[i]))
        corrected[i] = least
    return corrected


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    import numpy as np

    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))
