from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.analysis.statistics import bootstrap

F1S = st.lists(st.floats(0, 1), min_size=2, max_size=12)


def test_no_value_and_one_value_have_no_interval() -> None:
    nothing, one = bootstrap.mean([]), bootstrap.mean([0.5])
    assert (nothing.value, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)
    assert (one.value, one.low, one.high, one.n) == (0.5, None, None, 1)


def test_few_values_are_said_in_words() -> None:
    assert bootstrap.mean([]).remark == "no seed"
    assert bootstrap.mean([0.5]).remark == "1 seed: no interval"
    assert bootstrap.mean([0.5] * 3).remark == "3 seeds: fewer than 10 prove little"
    assert bootstrap.mean([0.5] * 10).remark is None


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(F1S)
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float]) -> None:
    found = bootstrap.mean(values)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert min(values) - 1e-12 <= found.low
    assert found.high <= max(values) + 1e-12


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.floats(0, 1), st.integers(2, 12))
def test_tied_values_have_an_interval_of_no_width(value: float, n: int) -> None:
    found = bootstrap.mean([value] * n)
    assert found.low == pytest.approx(value)
    assert found.high == pytest.approx(value)


def test_the_same_values_give_the_same_interval() -> None:
    first = bootstrap.mean([0.1, 0.5, 0.7])
    bootstrap.resamples.cache_clear()
    assert bootstrap.mean([0.1, 0.5, 0.7]) == first


def test_the_tails_are_wider_than_plain_percentiles() -> None:
    # √(10/9) · t(0.975, 9) = 1.05409 · 2.26216 = 2.38453, and Φ(-2.38453) = 0.00855 (any table).
    assert bootstrap.tails(10) == pytest.approx((0.00855, 0.99145), abs=1e-5)


def test_three_values_span_their_interval_entirely() -> None:
    found = bootstrap.mean([0.1, 0.5, 0.9])
    assert (found.low, found.high) == pytest.approx((0.1, 0.9))


def test_many_values_agree_with_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(3).normal(0.8, 0.1, size=200)
    ours = bootstrap.mean(values.tolist())
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.003)


@pytest.mark.parametrize(("n", "least"), [(5, 0.89), (10, 0.92), (30, 0.93)])
def test_the_mean_is_covered_about_as_often_as_promised(n: int, least: float) -> None:
    samples = np.random.default_rng(5).normal(size=(1000, n))
    means = np.einsum("sn,nb->sb", samples, bootstrap.weights(n))
    low, high = np.quantile(means, bootstrap.tails(n), axis=1)
    assert least <= np.mean((low <= 0) & (high >= 0)) <= 0.98


def test_an_undefined_resample_could_be_anything() -> None:
    found = bootstrap.estimate(1.0, lambda drawn: np.full(len(drawn), np.nan), n=3, least=0.0)
    assert (found.low, found.value, found.high) == (0.0, 1.0, math.inf)


def test_weights_and_resamples_are_the_same_draws() -> None:
    values = np.asarray([1.0, 10.0, 100.0])
    assert values @ bootstrap.weights(3) == pytest.approx(values[bootstrap.resamples(3)].mean(axis=1))
