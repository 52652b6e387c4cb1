"""Latency figures: percentiles, means and speed-ups, computed from the single times."""

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
"""The confidence of a tail percentile (as in the early stopping of MLPerf Inference)."""

RESAMPLES = 2000
"""The number of bootstrap resamples for an interval over processes."""

TRIMMED = 0.1
"""The share of the values that a trimmed mean leaves out at each end."""

SHORTEST = 3
"""The first bucket of query lengths holds all lengths up to 2 to the power of this."""


class Interval(NamedTuple):
    """A figure with its 95 % interval; the bounds are None if too few processes ran."""

    value: float
    low: float | None = None
    high: float | None = None

    def spelled(self, digits: int = 3) -> str:
        """Return the figure and its interval as text, with ``digits`` significant digits."""
        value = f"{self.value:.{digits}g}"
        if self.low is None or self.high is None:
            return value
        return f"{value} [{self.low:.{digits}g}, {self.high:.{digits}g}]"


def percentile(samples: Sequence[float] | NDArray[np.int64], percent: int) -> float | None:
    """Return a percentile, or None if there are too few samples for it.

    The median is the sample of the nearest rank. A tail percentile is estimated as in the
    early stopping of MLPerf Inference: it is the smallest sample for which this holds with a
    confidence of 99 %: at most ``100 - percent`` % of all queries take longer. The 50th
    percentile needs 11 samples, the 90th 64, the 95th 130 and the 99th 662.
    """
    import numpy as np

    count = len(samples)
    rank = _rank_from_top(count, percent)
    if rank < 2:  # the largest sample by itself proves nothing
        return None
    ordered = np.sort(np.asarray(samples))
    place = math.ceil(count / 2) - 1 if percent == 50 else count - rank
    return float(ordered[place])


@cache
def _rank_from_top(count: int, percent: int) -> int:
    """Return the rank of a percentile from the top: the 1 % quantile of a binomial."""
    import numpy as np
    from scipy.special import bdtr  # scipy.stats has it too, but takes a second to import

    at_most = bdtr(np.arange(count + 1.0), count, 1 - percent / 100)
    return int(np.searchsorted(at_most, 1 - CONFIDENCE))


@cache
def samples_needed(percent: int) -> int:
    """Return how many samples a percentile needs."""
    return next(n for n in itertools.count(1) if _rank_from_top(n, percent) >= 2)


def percentile_of(times: Times, percent: int) -> Interval | None:
    """Return a percentile in ms with its interval: the median over the processes.

    It is None if a process has too few samples for the percentile.
    """
    percentiles = [percentile(samples[:, 2], percent) for samples in times.values()]
    if not percentiles or None in percentiles:
        return None
    return over_processes([ns / 1e6 for ns in percentiles if ns is not None])


def mean_of(times: Times) -> Interval | None:
    """Return the mean time in ms with its interval: the median over the processes."""
    means = [float(samples[:, 2].mean()) / 1e6 for samples in times.values()]
    return over_processes(means) if means else None


def over_processes(figures: Sequence[float]) -> Interval:
    """Return the median of the processes' figures, with its bootstrap interval.

    The bootstrap draws processes with replacement (Efron's percentile bootstrap). Fewer than
    three processes give no interval.
    """
    import numpy as np

    values = np.array(figures)
    median = float(np.median(values))
    if len(values) < 3:
        return Interval(median)
    random = np.random.default_rng(0)
    medians = np.median(random.choice(values, (RESAMPLES, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return Interval(median, float(low), float(high))


def speedup(row: Sequence[Times], baseline: Sequence[Times]) -> Interval | None:
    """Return how many times as fast as the baseline a row is, with its interval.

    Both arguments hold the times of each dataset. The figure is paired: process n of the row
    is compared with process n of the baseline, because the two ran in turns on the same
    queries. For each pair of processes we take the log of the ratio of the two times of a
    query, and the mean of it over the queries without a tenth of them at each end. The
    interval is Student's interval over the processes.
    """
    import numpy as np

    logs = _over_pairs(row, baseline, lambda ns, base_ns: np.log(base_ns / ns))
    return logs and Interval(*(None if log is None else math.exp(log) for log in logs))  # type: ignore[arg-type]


def difference(row: Sequence[Times], baseline: Sequence[Times]) -> Interval | None:
    """Return how many ms longer than the baseline a row takes, paired as in `speedup`."""
    return _over_pairs(row, baseline, lambda ns, base_ns: (ns - base_ns) / 1e6)


def _over_pairs(
    row: Sequence[Times],
    baseline: Sequence[Times],
    compare: Callable[..., NDArray[np.float64]],
) -> Interval | None:
    """Return the mean over pairs of processes of what ``compare`` gives for their times."""
    import numpy as np
    from scipy.special import stdtrit

    by_dataset = [
        list(_pairs(row_times, base_times))
        for row_times, base_times in zip(row, baseline, strict=True)
    ]
    values = [
        _trimmed_mean(compare(pairs[:, 0], pairs[:, 1]))
        for pairs in map(np.concatenate, zip(*by_dataset, strict=False))
    ]
    if not values:
        return None
    mean = float(np.mean(values))
    if len(values) < 3:
        return Interval(mean)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, 0.975)) * error
    return Interval(mean, mean - half, mean + half)


def _trimmed_mean(values: NDArray[np.float64]) -> float:
    """Return the mean of the values without a tenth of them at each end."""
    import numpy as np

    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def _pairs(row: Times, baseline: Times) -> Iterator[NDArray[np.float64]]:
    """Yield an array [n, 2] of ns for each process that both have: row, baseline.

    The n lines of the array are the queries (of a block) that both processes were asked.
    """
    import numpy as np

    for process in sorted(row.keys() & baseline.keys()):
        row_ns, base_ns = (
            {(block, query): max(ns, 1) for block, query, ns in samples.tolist()}
            for samples in (row[process], baseline[process])
        )
        shared = sorted(row_ns.keys() & base_ns.keys())
        if shared:
            yield np.array([(row_ns[key], base_ns[key]) for key in shared], dtype=float)


def by_length(session: Session, cell: str, span: str) -> Mapping[str, Interval]:
    """Return the median of a span in ms for each bucket of query lengths, such as "9-16".

    A length is the number of tokens if the encoder counts tokens, else the number of words.
    The upper bounds of the buckets are powers of 2.
    """
    import numpy as np

    lengths = session.header.rows[cell].tokens or session.header.words
    exponents = [max(SHORTEST, math.ceil(math.log2(max(length, 1)))) for length in lengths]
    bucket = np.array(exponents)
    times = steady_times(session, cell, span)
    medians = {}
    for exponent in sorted(set(exponents)):
        in_bucket = {p: rows[bucket[rows[:, 1]] == exponent] for p, rows in times.items()}
        median = percentile_of(in_bucket, 50)
        if median is not None:
            first = 1 if exponent == SHORTEST else 2 ** (exponent - 1) + 1
            medians[f"{first}-{2**exponent}"] = median
    return medians


def merged(parts: Sequence[Times]) -> Times:
    """Return the times of several datasets as one: the first processes of all together, ..."""
    import numpy as np

    ranked = [[part[process] for process in sorted(part)] for part in parts]
    return dict(enumerate(map(np.concatenate, zip(*ranked, strict=False))))
