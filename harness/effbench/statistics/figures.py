"""Figures of a session, computed from its single times when they are read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from effbench.latency.samples import Session, Times
from effbench.statistics.trust import steady_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.99
"""Of tail percentiles (MLPerf Inference's early stopping)."""

RESAMPLES = 2000
TRIMMED = 0.1


class Interval(NamedTuple):
    """A figure with its 95 % interval; none where there are too few processes for one."""

    value: float
    low: float | None = None
    high: float | None = None

    def spelled(self, digits: int = 3) -> str:
        """Return figure and interval as people write them."""
        value = f"{self.value:.{digits}g}"
        if self.low is None or self.high is None:
            return value
        return f"{value} [{self.low:.{digits}g}, {self.high:.{digits}g}]"


def percentile(samples: Sequence[float] | NDArray[np.int64], percent: int) -> float | None:
    """Return a percentile, or None when the samples are too few for it.

    The median is by nearest rank. Of a tail percentile it is the early-stopping estimate of
    MLPerf Inference: the least sample of which can be said, with 99 % confidence, that at most
    ``100 - percent`` % of all queries take longer. p50 needs 11 samples, p90 64, p95 130, p99
    662.
    """
    import numpy as np

    count = len(samples)
    rank = _claimed(count, percent)
    if rank < 2:  # the largest alone claims nothing
        return None
    ordered = np.sort(np.asarray(samples))
    at = math.ceil(count / 2) - 1 if percent == 50 else count - rank
    return float(ordered[at])


@cache
def _claimed(count: int, percent: int) -> int:
    """Return which of the largest samples a percentile is: the binomial's 1 % quantile."""
    import numpy as np
    from scipy.special import bdtr  # scipy.stats has it too, and takes a second to import

    at_most = bdtr(np.arange(count + 1.0), count, 1 - percent / 100)
    return int(np.searchsorted(at_most, 1 - CONFIDENCE))


@cache
def needed(percent: int) -> int:
    """Return how many samples a percentile needs."""
    return next(n for n in itertools.count(1) if _claimed(n, percent) >= 2)


def percentile_of(times: Times, percent: int) -> Interval | None:
    """Return the median of the processes' percentiles in ms, with a bootstrap interval.

    None when some process has too few samples for the percentile.
    """
    found = [percentile(one[:, 2], percent) for one in times.values()]
    if not found or None in found:
        return None
    return over_processes([one / 1e6 for one in found if one is not None])


def mean_of(times: Times) -> Interval | None:
    """Return the median of the processes' means in ms, with a bootstrap interval."""
    found = [float(one[:, 2].mean()) / 1e6 for one in times.values()]
    return over_processes(found) if found else None


def over_processes(figures: Sequence[float]) -> Interval:
    """Return the median of the processes' figures, and its bootstrap interval.

    Processes are drawn again with replacement (Efron's percentile bootstrap); fewer than three
    give no interval.
    """
    import numpy as np

    own = np.array(figures)
    value = float(np.median(own))
    if len(own) < 3:
        return Interval(value)
    chance = np.random.default_rng(0)
    medians = np.median(chance.choice(own, (RESAMPLES, len(own))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def speedup(row: Sequence[Times], baseline: Sequence[Times]) -> Interval | None:
    """Return how many times as fast as the baseline a row is, paired, with its interval.

    Both give their times dataset by dataset. Each process of the row is paired with the
    baseline's of the same number, which ran in turns with it on the same queries: the mean over
    queries of the log of the ratio of their times, its outliers trimmed (a tenth on either
    side). The interval is Student's over processes.
    """
    import numpy as np

    found = _over_pairs(row, baseline, lambda mine, theirs: np.log(theirs / mine))
    return found and Interval(*(None if one is None else math.exp(one) for one in found))  # type: ignore[arg-type]


def difference(row: Sequence[Times], baseline: Sequence[Times]) -> Interval | None:
    """Return how many ms longer than the baseline a row takes, paired as in `speedup`."""
    return _over_pairs(row, baseline, lambda mine, theirs: (mine - theirs) / 1e6)


def _over_pairs(
    row: Sequence[Times],
    baseline: Sequence[Times],
    compare: Callable[..., NDArray[np.float64]],
) -> Interval | None:
    import numpy as np
    from scipy.special import stdtrit

    by_dataset = [
        list(_pairs(mine, theirs)) for mine, theirs in zip(row, baseline, strict=True)
    ]
    found = [
        _trimmed_mean(compare(pairs[:, 0], pairs[:, 1]))
        for pairs in map(np.concatenate, zip(*by_dataset, strict=False))
    ]
    if not found:
        return None
    mean = float(np.mean(found))
    if len(found) < 3:
        return Interval(mean)
    error = float(np.std(found, ddof=1)) / math.sqrt(len(found))
    half = float(stdtrit(len(found) - 1, 0.975)) * error
    return Interval(mean, mean - half, mean + half)


def _trimmed_mean(values: NDArray[np.float64]) -> float:
    """Return the mean without a tenth of the values on either side."""
    import numpy as np

    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def _pairs(mine: Times, theirs: Times) -> Iterator[NDArray[np.float64]]:
    """Yield for each process that both have the ns [n, 2] of the queries that both have."""
    import numpy as np

    for process in sorted(mine.keys() & theirs.keys()):
        own, other = (
            {(block, query): max(ns, 1) for block, query, ns in one.tolist()}
            for one in (mine[process], theirs[process])
        )
        both = sorted(own.keys() & other.keys())
        if both:
            yield np.array([(own[key], other[key]) for key in both], dtype=float)


def by_length(session: Session, cell: str, span: str) -> Mapping[str, Interval]:
    """Return the median of a span by the query's length: "9-16" tokens -> ms.

    Lengths are the encoder's own if it counts tokens, else words; buckets double.
    """
    import numpy as np

    lengths = session.header.rows[cell].tokens or session.header.words
    bucket = np.array([max(3, math.ceil(math.log2(max(length, 1)))) for length in lengths])
    times = steady_times(session, cell, span)
    found = {}
    for exponent in sorted(set(bucket.tolist())):
        mine = {p: one[bucket[one[:, 1]] == exponent] for p, one in times.items()}
        median = percentile_of(mine, 50)
        if median is not None:
            first = 1 if exponent == 3 else 2 ** (exponent - 1) + 1
            found[f"{first}-{2**exponent}"] = median
    return found


def merged(parts: Sequence[Times]) -> Times:
    """Return the times of several datasets as those of one: the first process of each, ..."""
    import numpy as np

    ranked = [[part[process] for process in sorted(part)] for part in parts]
    return dict(enumerate(map(np.concatenate, zip(*ranked, strict=False))))
