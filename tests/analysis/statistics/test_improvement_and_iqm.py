from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from harness.analysis.statistics import improvement_and_iqm
from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.interval_estimates import Estimate


def _seeds(**columns: tuple[float, ...]) -> Seeds:
    return Seeds(
        tuners=tuple(columns),
        seeds=tuple(range(len(next(iter(columns.values()))))),
        groups=1,
        values=tuple(zip(*columns.values(), strict=True)),
        searches=tuple(zip(*([(value,) for value in values] for values in columns.values()), strict=True)),
        remarks=(),
    )


def _iqm(groups: Sequence[Sequence[float]]) -> Estimate:
    """Of searches that each have a training seed of their own."""
    return improvement_and_iqm.interquartile_mean([[(value,) for value in values] for values in groups])


def test_the_probability_of_improvement_counts_all_pairs_of_seeds_and_ties_by_half() -> None:
    # 0.5 beats 0.4 and ties 0.5; 0.9 beats both; 0.1 beats none: 3.5 of 6.
    found = improvement_and_iqm.improvement([_seeds(ours=(0.5, 0.9, 0.1), theirs=(0.4, 0.5, 0.5))], "ours", "theirs")
    by_hand = (1 + 0.5 + 0.5 + 3 + 0) / 9
    assert found == pytest.approx(by_hand)


def test_it_is_averaged_over_groups_and_not_over_pairs() -> None:
    better, worse = _seeds(a=(0.9,), b=(0.1,)), _seeds(a=(0.1, 0.2, 0.3), b=(0.9, 0.9, 0.9))
    assert improvement_and_iqm.improvement([better, worse], "a", "b") == 0.5


def test_both_ways_sum_to_one() -> None:
    drawn = np.random.default_rng(1).integers(0, 5, (2, 7)).tolist()
    groups = [_seeds(a=tuple(drawn[0]), b=tuple(drawn[1]))]
    one, other = improvement_and_iqm.improvement(groups, "a", "b"), improvement_and_iqm.improvement(groups, "b", "a")
    assert one is not None
    assert other is not None
    assert one + other == pytest.approx(1.0)


@pytest.mark.parametrize(("tuner", "other"), [("a", None), ("a", "a"), ("a", "Füchse"), ("Füchse", "a")])
def test_without_two_tuners_there_is_no_improvement(tuner: str, other: str | None) -> None:
    assert improvement_and_iqm.improvement([_seeds(a=(0.5,), b=(0.5,))], tuner, other) is None
    assert improvement_and_iqm.improvement([], "a", "b") is None


@pytest.mark.parametrize("sizes", [(3,), (10,), (3, 3), (5, 7, 4), (1, 1)])
def test_the_interquartile_mean_is_that_of_all_values_trimmed_by_a_quarter(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(len(sizes))
    groups = [random.random(size).tolist() for size in sizes]
    found = _iqm(groups)
    assert found.value == pytest.approx(stats.trim_mean(np.concatenate(groups), 0.25))
    assert found.n == min(sizes)


def test_its_interval_holds_it_and_is_the_same_each_time() -> None:
    groups = [[0.1, 0.5, 0.9, 0.4], [0.8, 0.85, 0.9, 0.95]]
    found = _iqm(groups)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high
    assert _iqm(groups) == found


def test_seeds_are_drawn_again_within_each_group() -> None:
    # Each group is constant: whichever seeds are drawn, nothing changes.
    found = _iqm([[0.2] * 4, [0.8] * 4])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], Estimate(value=None, low=None, high=None, n=0)),
        ([[], []], Estimate(value=None, low=None, high=None, n=0)),
        ([[0.5]], Estimate(value=0.5, low=None, high=None, n=1)),
        ([[0.0, 0.0]], Estimate(value=0.0, low=0.0, high=0.0, n=2)),
    ],
)
def test_none_one_and_tied_values_are_told_as_they_are(groups: list[list[float]], expected: Estimate) -> None:
    assert _iqm(groups) == expected


def test_searches_of_one_training_seed_are_drawn_again_together() -> None:
    # Four times the same two training seeds: a draw has both, or one of them alone.
    found = improvement_and_iqm.interquartile_mean([[(0.2,) * 4, (0.8,) * 4]])
    assert found.n == 2
    assert (found.low, found.high) == pytest.approx((0.2, 0.8))


def test_training_seeds_may_have_different_numbers_of_searches() -> None:
    values = [[(0.1, 0.2, 0.3), (0.5, 0.6), (0.7, 0.8, 0.9)]]
    found = improvement_and_iqm.interquartile_mean(values)
    assert found.value == pytest.approx(stats.trim_mean([each for group in values[0] for each in group], 0.25))
    assert found.low is not None
    assert found.high is not None
    assert 0.1 < found.low < 0.5 < found.high < 0.9
