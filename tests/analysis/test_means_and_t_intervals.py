import math

import pytest

from harness.analysis.means_and_t_intervals import interval, mean, median


def test_no_value_has_no_mean() -> None:
    assert interval([]).mean is None
    assert interval([]).n == 0


def test_one_value_has_a_mean_but_no_interval() -> None:
    found = interval([0.5])
    assert (found.mean, found.low, found.high, found.n) == (0.5, None, None, 1)


def test_the_interval_is_students_t() -> None:
    # t(0.975, 2) = 4.30265 (any table); s = 0.1 and n = 3.
    found = interval([0.4, 0.5, 0.6])
    half = 4.30265 * 0.1 / math.sqrt(3)
    assert found.low == pytest.approx(0.5 - half, abs=1e-5)
    assert found.high == pytest.approx(0.5 + half, abs=1e-5)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = interval([0.7, 0.7])
    assert found.low == found.high == found.mean == 0.7


def test_zeros_are_values() -> None:
    assert interval([0.0, 0.0]).mean == 0.0
    assert mean([0.0]) == 0.0
    assert median([0.0]) == 0.0


def test_a_mean_with_an_unknown_is_unknown() -> None:
    assert mean([1.0, None]) is None
    assert mean([]) is None


def test_infinite_misses_stay_in_the_median() -> None:
    assert median([1.0, math.inf, math.inf]) == math.inf
    assert median([1.0, 2.0, math.inf]) == 2.0
    assert median([1.0, math.inf]) == math.inf
    assert median([]) is None
