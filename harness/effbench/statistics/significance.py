"""Paired statistics of per-query values: intervals, randomisation tests, ranks with ties.

All rows share each draw, so that every comparison is paired, and hundreds of them are one
product of matrices. Draws are seeded: the same values give the same figures.
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
RANKING = 2_000
"""Of those, the ones for ranks: all pairs of rows are looked at in each."""

SIGNIFICANT = 0.05
AT_ONCE = 2_000_000
"""Values that are drawn at a time: more take more memory."""

EQUAL = 1e-12
"""Means that lie closer are equal: sums differ by the order of their terms."""


class Paired:
    """Values of several rows on the same queries, collection by collection.

    A row's mean is the weighted sum of its means on the collections.
    """

    def __init__(
        self,
        values: Sequence[NDArray[np.float64]],
        weights: Sequence[float] = (1.0,),
        *,
        resamples: int = RESAMPLES,
    ) -> None:
        """Take a collection's values [queries, rows] each, and its weight."""
        self._values = values
        self._weights = weights
        self._resamples = resamples
        self.means = self._summed([own.mean(0, keepdims=True) for own in values])[0]

    def intervals(self) -> list[Interval]:
        """Return each row's mean, with its 95 % interval by bootstrap over queries.

        A collection of one query gives none: nothing tells how far another one would lie.
        """
        drawn = self._bootstrap
        return [self._interval(mean, drawn[:, i]) for i, mean in enumerate(self.means)]

    def differences(self, baseline: int) -> list[Interval]:
        """Return how far each row's mean lies above the baseline's, with its 95 % interval."""
        drawn = self._bootstrap
        return [
            _interval(mean - self.means[baseline], drawn[:, i] - drawn[:, baseline])
            for i, mean in enumerate(self.means)
        ]

    def shares(self, baseline: int) -> list[Interval | None]:
        """Return each row's share of the baseline's mean, with its 95 % interval.

        There is none of a mean of 0, or of less, which some measures have.
        """
        whole, drawn = self.means[baseline], self._bootstrap
        some = drawn[drawn[:, baseline] > 0]
        if not whole > 0 or not len(some):
            return [None] * len(self.means)
        return [
            self._interval(mean / whole, some[:, i] / some[:, baseline])
            for i, mean in enumerate(self.means)
        ]

    def effects(self, baseline: int) -> list[float | None]:
        """Return Cohen's d of paired values: differences from the baseline in their deviations.

        Of several collections the weighted mean; none where some differences do not vary.
        """
        found = []
        for i in range(len(self.means)):
            apart = [own[:, i] - own[:, baseline] for own in self._values]
            sizes = [
                float(one.mean() / one.std(ddof=1)) if len(one) > 1 and one.std() else None
                for one in apart
            ]
            known = [size for size in sizes if size is not None]
            pairs = zip(known, self._weights, strict=False)
            whole = len(known) == len(sizes)
            found.append(sum(size * weight for size, weight in pairs) if whole else None)
        return found

    def p_values(self, baseline: int) -> list[float]:
        """Return the p-value of each row against the baseline.

        Paired randomisation, two-sided: signs of the queries' differences are flipped at random
        (Fisher; Smucker et al., CIKM 2007). The baseline's own is 1.
        """
        import numpy as np

        flipped = self._flipped
        observed = np.abs(self.means - self.means[baseline])
        apart = np.abs(flipped - flipped[:, [baseline]])
        reached = (apart >= observed - EQUAL).sum(0)
        return [float(count) for count in (1 + reached) / (1 + self._resamples)]

    def ranks(self, rows: Sequence[int]) -> list[int]:
        """Return ranks of some rows: one more than those that are better beyond chance.

        Rows that cannot be told apart may share a rank. All pairs are tested at once: the
        largest standardised difference of each randomisation is what a pair's own must exceed
        (single-step max-T of Westfall and Young, which keeps the chance of any false difference
        at 5 %; Carterette, TOIS 2012, has it for retrieval).
        """
        import numpy as np

        pairs = list(combinations(rows, 2))
        if not pairs:
            return [1] * len(rows)
        first, second = np.array(pairs).T
        errors = self._errors(first, second)
        errors[errors == 0] = np.inf  # rows of equal values differ nowhere
        flipped = self._flipped[:RANKING]
        size = max(1, AT_ONCE // len(pairs))
        largest = np.concatenate(
            [
                np.abs((part[:, first] - part[:, second]) / errors).max(1)
                for part in (flipped[at : at + size] for at in range(0, len(flipped), size))
            ]
        )
        bound = np.quantile(largest, 1 - SIGNIFICANT, method="higher")
        apart = (self.means[first] - self.means[second]) / errors
        better = dict.fromkeys(rows, 0)
        for (one, other), found in zip(pairs, apart, strict=True):
            if abs(found) > bound + EQUAL:
                better[other if found > 0 else one] += 1
        return [1 + count for count in better.values()]

    def _errors(
        self, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the standard errors of pairs' differences, under the hypothesis of none."""
        import numpy as np

        squares = [
            ((own[:, first] - own[:, second]) ** 2).sum(0, keepdims=True) / len(own) ** 2
            for own in self._values
        ]
        weighted = zip(squares, self._weights, strict=True)
        errors: NDArray[np.float64] = np.sqrt(sum(one[0] * w**2 for one, w in weighted))
        return errors

    @cached_property
    def _bootstrap(self) -> NDArray[np.float64]:
        """Return rows' means [resamples, rows] over queries drawn again with replacement."""
        import numpy as np

        def drawn(chance: np.random.Generator, count: int, queries: int) -> NDArray[np.float64]:
            chosen = chance.integers(queries, size=(count, queries))
            chosen += np.arange(count)[:, None] * queries  # a range of numbers a resample
            times = np.bincount(chosen.ravel(), minlength=count * queries)
            return times.reshape(count, queries) / queries

        return self._resampled(drawn)

    @cached_property
    def _flipped(self) -> NDArray[np.float64]:
        """Return rows' means [resamples, rows] over queries of random sign."""
        import numpy as np

        def drawn(chance: np.random.Generator, count: int, queries: int) -> NDArray[np.float64]:
            signs = chance.integers(2, size=(count, queries), dtype=np.int8)
            return (2.0 * signs - 1.0) / queries

        return self._resampled(drawn)

    def _resampled(self, drawn: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
        import numpy as np

        found = []
        for number, own in enumerate(self._values):
            chance = np.random.default_rng(number)
            parts = [drawn(chance, count, len(own)) @ own for count in self._parts(len(own))]
            found.append(np.concatenate(parts))
        return self._summed(found)

    def _interval(self, value: float, drawn: NDArray[np.float64]) -> Interval:
        alone = min(map(len, self._values)) < 2
        return Interval(float(value)) if alone else _interval(value, drawn)

    def _parts(self, queries: int) -> Iterator[int]:
        """Yield how many resamples to draw at a time."""
        size = max(1, AT_ONCE // queries)
        for done in range(0, self._resamples, size):
            yield min(size, self._resamples - done)

    def _summed(self, means: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        import numpy as np

        weighted = [one * w for one, w in zip(means, self._weights, strict=True)]
        total: NDArray[np.float64] = np.sum(weighted, axis=0)
        return total


def values_of(rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Return the values [queries, rows] of the queries that all rows have."""
    import numpy as np

    both = sorted(set.intersection(*(set(row) for row in rows)))
    return np.array([[row[query] for row in rows] for query in both])


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number."""
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
