"""Paired statistics of per-query values: intervals by bootstrap, randomisation tests, Holm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from effbench.latency.figures import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 10_000
AT_ONCE = 2_000_000
"""Values that are drawn at a time: more take more memory."""


def paired(one: Mapping[str, float], other: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the values [n, 2] of the queries that both have."""
    import numpy as np

    return np.array([(one[query], other[query]) for query in sorted(one.keys() & other.keys())])


def difference_and_share(pairs: NDArray[np.float64]) -> tuple[Interval, Interval | None]:
    """Return the difference of the two means, and the share of the second that the first has.

    With 95 % intervals by bootstrap over queries (Efron's percentiles); no share of nothing.
    """
    import numpy as np

    chance = np.random.default_rng(0)
    size = max(1, AT_ONCE // len(pairs))
    drawn = np.concatenate(
        [
            pairs[chance.integers(len(pairs), size=(count, len(pairs)))].mean(1)
            for count in (min(size, RESAMPLES - done) for done in range(0, RESAMPLES, size))
        ]
    )
    first, second = pairs.mean(0)
    difference = _interval(first - second, drawn[:, 0] - drawn[:, 1])
    if not second:
        return difference, None
    some = drawn[drawn[:, 1] > 0]
    return difference, _interval(first / second, some[:, 0] / some[:, 1])


def randomisation_p(pairs: NDArray[np.float64], resamples: int = RESAMPLES) -> float:
    """Return the p-value of a paired randomisation test: signs of differences at random."""
    import numpy as np
    from scipy.stats import permutation_test

    differences = pairs[:, 0] - pairs[:, 1]
    if not differences.any():
        return 1.0
    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, AT_ONCE // len(pairs)),
        rng=0,
    )
    return float(test.pvalue)


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
