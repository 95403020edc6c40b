from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pytest
from scipy import stats

from harness.analysis.statistics import interval_estimates
from harness.analysis.statistics.interval_estimates import Estimate


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    above, below = (math.fsum(side) for side in zip(*pairs, strict=True))
    if below == 0:
        return math.nan if above == 0 else math.inf
    return above / below


@pytest.mark.parametrize("values", [[0.1, 0.5], [0.2, 0.1, 0.9], [0.8] * 3 + [0.1] * 7])
def test_the_interval_of_a_mean_is_student_s(values: list[float]) -> None:
    found = interval_estimates.mean(values)
    expected = stats.t.interval(
        0.95, len(values) - 1, statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    )
    assert found.value == statistics.fmean(values)
    assert (found.low, found.high) == pytest.approx(expected)


def test_three_seeds_get_the_width_that_they_deserve() -> None:
    # No draw from three values lies outside them: a bootstrap's interval never does either.
    found = interval_estimates.mean([0.80, 0.81, 0.85])
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.80
    assert found.high > 0.85


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Estimate(value=None, low=None, high=None, n=0)),
        ([0.0], Estimate(value=0.0, low=None, high=None, n=1)),
        ([0.5, 0.5, 0.5], Estimate(value=0.5, low=0.5, high=0.5, n=3)),
    ],
)
def test_none_one_and_equal_values_are_told_as_they_are(values: list[float], expected: Estimate) -> None:
    assert interval_estimates.mean(values) == expected


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "no seed"),
        (1, "1 seed: no interval"),
        (2, "2 seeds: fewer than 10 prove little"),
        (9, "9 seeds: fewer than 10 prove little"),
        (10, None),
    ],
)
def test_few_values_are_said_in_words(n: int, said: str | None) -> None:
    assert interval_estimates.few(n) == said
    assert Estimate(value=0.5, low=None, high=None, n=n).remark == said


def test_the_jackknife_of_a_ratio_is_that_of_its_logarithm() -> None:
    found = interval_estimates.jackknifed([(2.0, 1.0), (6.0, 2.0), (4.0, 1.0)], _ratio)
    # 12 / 4; without one of them 10 / 3, 6 / 2 and 8 / 3.
    logs = [math.log(10 / 3), math.log(3), math.log(8 / 3)]
    error = math.sqrt(2 / 3 * math.fsum((each - math.fsum(logs) / 3) ** 2 for each in logs))
    factor = math.exp(stats.t.ppf(0.975, 2) * error)
    assert (found.value, found.n) == (3.0, 3)
    assert (found.low, found.high) == pytest.approx((3 / factor, 3 * factor))


def test_the_interval_of_the_reciprocal_is_the_reciprocal_of_the_interval() -> None:
    pairs = [(2.0, 1.0), (6.0, 2.0), (4.0, 1.5), (1.0, 1.0)]
    up, down = (
        interval_estimates.jackknifed(pairs, _ratio),
        interval_estimates.jackknifed([pair[::-1] for pair in pairs], _ratio),
    )
    assert up.low is not None
    assert down.high is not None
    assert up.low * down.high == pytest.approx(1.0)


def test_the_jackknife_of_a_mean_of_logarithms_is_student_s() -> None:
    values = [1.0, 2.0, 5.0, 3.0]
    found = interval_estimates.jackknifed(values, lambda each: math.exp(statistics.fmean(map(math.log, each))))
    expected = interval_estimates.mean([math.log(value) for value in values])
    assert found.low is not None
    assert found.high is not None
    assert (math.log(found.low), math.log(found.high)) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], (None, None, None, 0)),
        ([(0.0, 0.0)], (None, None, None, 1)),
        ([(0.0, 0.0), (0.0, 0.0)], (None, None, None, 2)),
        ([(3.0, 2.0)], (1.5, None, None, 1)),
        ([(1.0, 0.0)], (math.inf, None, None, 1)),
        ([(2.0, 2.0)] * 3, (1.0, 1.0, 1.0, 3)),
        # Without the one that has it, it is infinite, 0 or undefined: it could be anything.
        ([(1.0, 1.0), (1.0, 0.0)], (2.0, 0.0, math.inf, 2)),
        ([(1.0, 1.0), (0.0, 1.0)], (0.5, 0.0, math.inf, 2)),
        ([(1.0, 1.0), (0.0, 0.0)], (1.0, 0.0, math.inf, 2)),
        ([(1.0, 0.0), (1.0, 0.0)], (math.inf, 0.0, math.inf, 2)),
        ([(0.0, 1.0), (0.0, 1.0)], (0.0, 0.0, math.inf, 2)),
    ],
)
def test_infinite_undefined_and_single_ratios_are_told_as_they_are(
    items: list[tuple[float, float]], expected: tuple[float | None, float | None, float | None, int]
) -> None:
    found = interval_estimates.jackknifed(items, _ratio)
    assert (found.value, found.low, found.high, found.n) == pytest.approx(expected)


def test_an_interval_too_wide_to_say_anything_does_not_overflow() -> None:
    found = interval_estimates.jackknifed([(1.0, 1e-30), (1e-30, 1e30)], _ratio)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.high < math.inf
