import math

import pytest

from harness.analysis import Interval, Target
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import Estimate, Reaching, Verdict, interval_estimates
from harness.reports import numerals


def _interval(mean: float | None, low: float | None, high: float | None, n: int) -> Interval:
    return Interval(mean=mean, low=low, high=high, n=n)


def test_an_interval_is_shown_and_one_seed_has_none() -> None:
    assert numerals.score_interval(_interval(0.912, 0.890, 0.934, 3)) == "0.912 ± 0.022"
    assert numerals.score_interval(_interval(0.0, None, None, 1)) == "0.000 (1 seed)"
    assert numerals.score_interval(_interval(None, None, None, 0)) == "—"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0.0, "0"),
        (0.00123, "0.00123"),
        (1.5, "1.50"),
        (12.345, "12.3"),
        (123.45, "123"),
        (12345.0, "12345"),
        (1.5e9, "1.50e+09"),
        (1e-9, "1.00e-09"),
        (-2.0, "-2.00"),
        (math.inf, "never"),
    ],
)
def test_numbers_have_three_digits_and_unknown_is_a_dash(value: float | None, text: str) -> None:
    assert numerals.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0, "0"),
        (1, "1"),
        (10.0, "10"),
        (120.0, "120"),
        (1_234_567, "1234567"),
        (29 / 3, "9.67"),
        (0.5, "0.500"),
        (119.5, "120"),
        (math.inf, "never"),
    ],
)
def test_a_count_is_whole_and_a_mean_of_counts_only_where_it_came_out_so(value: float | None, text: str) -> None:
    assert numerals.count(value) == text


def test_small_sums_keep_their_digits() -> None:
    assert [numerals.usd(value) for value in (None, 0.0, 0.000312, 0.25, 12.345)] == [
        "—",
        "0.00",
        "0.000312",
        "0.250",
        "12.35",
    ]


def test_a_target_that_was_never_reached_says_so() -> None:
    assert numerals.reached(_reaching(math.inf, reached=0)) == "never, 0/3"
    assert numerals.reached(_reaching(12.34, reached=2)) == "12.3 s, 2/3"
    assert numerals.reached(_reaching(None, reached=0)) == "—"
    assert numerals.reached(None) == "—"


def _reaching(expected_s: float | None, *, reached: int) -> Reaching:
    return Reaching(
        axis=Axis.WALL_S,
        target=Target(score=0.5, of="the lower median of all 3 searches"),
        median=None,
        expected=Estimate(value=expected_s, low=None, high=None, n=3),
        reached=reached,
        searches=3,
        unknown=0,
    )


def test_speed_ups_carry_their_interval_and_a_bound_without_a_limit() -> None:
    never = Estimate(value=0.0, low=0.0, high=math.inf, n=3)
    wide = Estimate(value=2.5, low=0.0, high=math.inf, n=3)
    assert [numerals.times_estimate(each) for each in (None, never, wide)] == ["—", "0× [0×, ∞]", "2.50× [0×, ∞]"]


def test_speed_ups_may_be_undefined_never_or_infinite() -> None:
    assert [numerals.times(value) for value in (None, 0.0, 2.5, math.inf)] == ["—", "never", "2.50×", "∞"]


def test_seeds_name_what_went_wrong() -> None:
    assert numerals.seeds(3, 0, 0) == "3"
    assert numerals.seeds(0, 1, 2) == "0 (1 failed, 2 missing)"


@pytest.mark.parametrize(
    ("values", "text"),
    [([], "—"), ([0.02], "+0.020 (1 seed)"), ([-0.01, -0.03], "−0.020 ± 0.127"), ([0.0, 0.0], "0.000 ± 0.000")],
)
def test_differences_carry_their_sign(values: list[float], text: str) -> None:
    assert numerals.difference(interval_estimates.mean(values)) == text


def test_turned_around_an_interval_keeps_its_ends_in_order() -> None:
    found = numerals.negative(Estimate(value=0.02, low=-0.01, high=0.05, n=3))
    assert numerals.signed_estimate(found) == "−0.020 [−0.050, +0.010]"
    nothing = Estimate(value=None, low=None, high=None, n=0)
    assert numerals.negative(nothing) == nothing


@pytest.mark.parametrize(("p", "text"), [(None, "—"), (0.0, "< 0.001"), (0.0009, "< 0.001"), (0.04, "0.040")])
def test_small_p_values_are_a_bound(p: float | None, text: str) -> None:
    assert numerals.p_value(p) == text


def test_no_difference_shown_is_a_dash_and_no_word() -> None:
    assert [numerals.verdict(each) for each in Verdict] == ["better", "worse", "—"]
