"""The statistics of leaderboards against scipy's, and under the hypothesis of no difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from effbench.statistics.significance import PairedValues, holm, values_of


def drawn(seed: int, queries: int = 200, rows: int = 4) -> np.ndarray:
    """Values as measures have them: many of 0 and 1, rows that agree on most queries."""
    chance = np.random.default_rng(seed)
    hard = chance.beta(0.6, 0.6, (queries, 1))
    return np.clip(hard + chance.normal(0, 0.2, (queries, rows)), 0, 1)


def test_p_values_are_those_of_scipys_randomisation_and_near_the_t_tests() -> None:
    values = drawn(1)
    values[:, 1] = np.clip(
        values[:, 0] + np.random.default_rng(2).normal(0.02, 0.15, 200), 0, 1
    )
    found = PairedValues([values]).p_values(0)
    assert found[0] == 1
    for row in (1, 2, 3):
        apart = values[:, row] - values[:, 0]
        theirs = stats.permutation_test(
            (apart,), np.mean, permutation_type="samples", vectorized=True, rng=0
        ).pvalue
        noise = 4 * np.sqrt(theirs * (1 - theirs) / 10_000)
        assert found[row] == pytest.approx(theirs, abs=2 * noise)
        assert found[row] == pytest.approx(
            stats.ttest_rel(*values[:, [row, 0]].T).pvalue, abs=0.02
        )


def test_few_queries_are_tested_exactly_enough() -> None:
    values = np.array([[0.1, 0.3], [0.2, 0.5], [0.0, 0.1], [0.4, 0.6], [0.3, 0.9]])
    exact = stats.permutation_test(
        (values[:, 0] - values[:, 1],), np.mean, permutation_type="samples", vectorized=True
    ).pvalue
    assert exact == 2 / 2**5
    assert PairedValues([values]).p_values(1)[0] == pytest.approx(exact, abs=0.01)


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    values = drawn(3)
    paired = PairedValues([values])
    for row, found in enumerate(paired.intervals()):
        theirs = stats.bootstrap((values[:, row],), np.mean, method="percentile", rng=0)
        assert found.value == pytest.approx(values[:, row].mean(), abs=1e-12)
        assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
        assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.003)
    share = paired.shares(0)[1]
    theirs = stats.bootstrap(
        (values[:, 1], values[:, 0]),
        lambda own, other, axis: own.mean(axis) / other.mean(axis),
        method="percentile", paired=True, rng=0,
    )  # fmt: skip
    assert share is not None
    assert share.low == pytest.approx(theirs.confidence_interval.low, abs=0.005)
    assert share.high == pytest.approx(theirs.confidence_interval.high, abs=0.005)


def test_effect_sizes_are_differences_in_their_deviations() -> None:
    values = drawn(4)
    found = PairedValues([values]).effects(0)[1]
    t = stats.ttest_rel(values[:, 1], values[:, 0]).statistic
    assert found == pytest.approx(t / np.sqrt(200))


def test_several_collections_are_averaged_as_their_weights_say() -> None:
    one, other = drawn(5, queries=50), drawn(6, queries=400)
    found = PairedValues([one, other], [0.5, 0.5])
    assert found.means == pytest.approx((one.mean(0) + other.mean(0)) / 2)
    wide, narrow = (PairedValues([own]).intervals()[0] for own in (one, other))
    mean = found.intervals()[0]
    half = [(own.high - own.low) / 2 for own in (mean, wide, narrow)]
    assert half[0] == pytest.approx(np.hypot(half[1], half[2]) / 2, rel=0.05)


@pytest.mark.parametrize("seed", [0, 1])
def test_of_rows_of_equal_quality_hardly_any_are_told_apart(seed: int) -> None:
    chance = np.random.default_rng(seed)
    called = ranked = 0
    count = 300
    for _ in range(count):
        hard = chance.beta(0.6, 0.6, (80, 1))
        values = np.clip(hard + chance.normal(0, 0.2, (80, 5)), 0, 1)
        paired = PairedValues([values], resamples=1000)
        called += min(holm(paired.p_values(0)[1:])) < 0.05
        ranked += any(paired.beaten_by(range(5)))
    allowed = stats.binom.ppf(0.99, count, 0.05)
    assert called <= allowed
    assert ranked <= allowed


def test_rows_that_differ_are_told_apart_and_equal_ones_share_a_rank() -> None:
    chance = np.random.default_rng(7)
    hard = chance.beta(0.6, 0.6, (300, 1))
    levels = np.array([0.0, 0.0, -0.1, -0.2])
    values = np.clip(hard + levels + chance.normal(0, 0.1, (300, 4)), 0, 1)
    values[:, 1] = values[:, 0]
    assert PairedValues([values]).beaten_by(range(4)) == [[], [], [0, 1], [0, 1, 2]]
    assert PairedValues([values]).beaten_by([2, 0]) == [[0], []]
    assert PairedValues([values]).beaten_by([3]) == [[]]


def test_only_queries_that_all_have_are_compared() -> None:
    values = values_of([{"a": 1.0, "b": 0.5, "c": 0.0}, {"c": 0.2, "b": 0.1}])
    assert values.tolist() == [[0.5, 0.1], [0.0, 0.2]]


def test_holm_is_that_of_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
