"""Which percentiles times may claim, and how lengths are grouped."""

from __future__ import annotations

import pytest

from effbench.latency.samples import read_session
from effbench.statistics.figures import by_length, percentile


def test_lengths_are_in_buckets_that_double(tmp_path) -> None:
    from made_sessions import write_session

    ms = [1.0] * 12 + [2.0] * 12 + [3.0] * 12 + [9.0] * 3
    words = [8] * 12 + [9] * 6 + [16] * 6 + [17] * 12 + [100] * 3
    path = write_session(tmp_path, "toy", {"a": {"encode": ms}}, words=words)
    found = by_length(read_session(path), "a", "encode")
    assert {bucket: one.value for bucket, one in found.items()} == {
        "1-8": 1.0,
        "9-16": 2.0,
        "17-32": 3.0,
    }


@pytest.mark.parametrize(("percent", "fewest"), [(50, 11), (90, 64), (95, 130), (99, 662)])
def test_a_percentile_needs_its_samples(percent: int, fewest: int) -> None:
    samples = [float(i) for i in range(fewest)]
    assert percentile(samples[1:], percent) is None
    found = percentile(samples, percent)
    assert found is not None
    assert sum(sample <= found for sample in samples) / fewest >= percent / 100


def test_a_tail_percentile_is_the_early_stopping_estimate_and_the_median_is_the_median() -> (
    None
):
    samples = list(range(1, 301))
    assert percentile(samples, 50) == 150
    assert percentile(samples, 95) == 294  # at most 6 of 300 over it: 99 % sure of 5 %
