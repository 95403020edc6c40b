from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import matrix_schema
from harness.hyperparameters import KNOWN
from harness.matrix import hyperparameter_sets
from harness.matrix.mistakes import Mistaken
from harness.search_types import Value
from harness.space import Choice, Domain, Fixed, Range, Space

SETTINGS = settings(max_examples=100, deadline=None, database=None, derandomize=True)


def domain(name: str, given: matrix_schema.Domain | Value) -> Domain:
    return hyperparameter_sets.domain(("hyperparameters", "full", name), given)


def resolved(named: matrix_schema.HyperparameterSet) -> Space:
    space, mistakes = hyperparameter_sets.resolve(("hyperparameters", "full"), named)
    assert space is not None, mistakes
    return space


def test_named_hyperparameters_come_first_and_the_rest_is_fixed_at_its_default() -> None:
    space = resolved({"dropout": matrix_schema.Domain(low=0, high=0.5), "batch_size": 8})

    assert list(space.domains)[:2] == ["dropout", "batch_size"]
    assert list(space.tuned) == ["dropout"]
    assert space.defaults == {
        "dropout": 0.2,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "optimizer": "adam",
        "hidden_units": 0,
    }


def test_what_something_else_in_the_matrix_decides_is_there_only_if_named() -> None:
    decided = {name for name, known in KNOWN.items() if known.otherwise is not None}
    deep = resolved({"fine_tune_depth": matrix_schema.Domain(low=1, high=5)})
    scheduled = resolved({"schedule": matrix_schema.Domain(choices=["constant", "cosine"])})

    assert decided == {"fine_tune_depth", "schedule", "class_weights"}
    assert set(deep.domains) == set(KNOWN) - decided | {"fine_tune_depth"}
    assert set(scheduled.domains) == set(KNOWN) - decided | {"schedule"}


def test_a_default_is_the_given_one_then_the_hyperparameters_own_then_the_middle() -> None:
    given = domain("learning_rate", matrix_schema.Domain(low=1e-4, high=1e-1, log=True, default=0.1))
    own = domain("learning_rate", matrix_schema.Domain(low=1e-4, high=1e-1, log=True))
    middle = domain("learning_rate", matrix_schema.Domain(low=0.1, high=0.3))
    logarithmic = domain("learning_rate", matrix_schema.Domain(low=1e-2, high=1, log=True))

    assert given.default == 0.1
    assert own.default == 1e-3
    assert middle.default == pytest.approx(0.2)
    assert logarithmic.default == pytest.approx(0.1)


def test_the_middle_stands_on_a_step() -> None:
    span = domain("dropout", matrix_schema.Domain(low=0.3, high=0.9, step=0.2))

    assert span.default == pytest.approx(0.7)
    assert span.contains(span.default)


def test_whole_number_ranges_hold_integers_only() -> None:
    span = domain("batch_size", matrix_schema.Domain(low=8, high=64, step=8))

    assert span == Range(low=8, high=64, step=8, integer=True, default=32)
    assert isinstance(span, Range)
    assert all(isinstance(value, int) for value in (span.low, span.high, span.step, span.default))


def test_choices_take_the_kind_of_their_hyperparameter() -> None:
    sizes = domain("batch_size", matrix_schema.Domain(choices=[16.0, 64]))
    rates = domain("learning_rate", matrix_schema.Domain(choices=[1, 0.1]))

    assert sizes == Choice(choices=(16, 64), default=16)
    assert isinstance(sizes.default, int)
    assert rates == Choice(choices=(1.0, 0.1), default=1.0)
    assert isinstance(rates.default, float)


def test_the_hyperparameters_own_default_is_taken_from_choices_that_list_it() -> None:
    assert domain("optimizer", matrix_schema.Domain(choices=["sgd", "adam"])).default == "adam"
    assert domain("optimizer", matrix_schema.Domain(choices=["sgd", "rmsprop"])).default == "sgd"


def test_a_single_choice_is_a_fixed_value() -> None:
    assert domain("batch_size", matrix_schema.Domain(choices=[16], default=16)) == Fixed(value=16)


def test_a_zero_default_is_a_default() -> None:
    assert domain("dropout", matrix_schema.Domain(low=0, high=0.5, default=0.0)).default == 0.0


def test_tenths_are_steps_in_spite_of_rounding() -> None:
    assert domain("dropout", matrix_schema.Domain(low=0.1, high=0.7, step=0.1, default=0.3)).size == 7


@SETTINGS
@given(
    low=st.floats(1e-12, 1e12),
    factor=st.floats(1 + 4e-16, 1 + 1e-13) | st.floats(1.001, 1e6),
    log=st.booleans(),
)
def test_every_range_holds_its_default_without_tolerance(low: float, factor: float, *, log: bool) -> None:
    span = domain("weight_decay", matrix_schema.Domain(low=low, high=low * factor, log=log))

    assert isinstance(span, Range)
    assert isinstance(span.default, float)
    assert span.low <= span.default <= span.high


@SETTINGS
@given(low=st.integers(1, 10**6), steps=st.integers(1, 1000), step=st.integers(1, 1000))
def test_every_whole_number_range_with_steps_holds_its_default(low: int, steps: int, step: int) -> None:
    span = domain("batch_size", matrix_schema.Domain(low=low, high=low + steps * step, step=step))

    assert span.contains(span.default)
    assert span.size == steps + 1


@SETTINGS
@given(low=st.floats(0, 0.5), steps=st.integers(1, 1000), step=st.floats(1e-6, 4e-4))
def test_every_range_with_steps_holds_its_default(low: float, steps: int, step: float) -> None:
    span = domain("dropout", matrix_schema.Domain(low=low, high=low + steps * step, step=step))

    assert span.contains(span.default)


def test_tiny_and_huge_bounds_have_a_middle() -> None:
    span = domain("weight_decay", matrix_schema.Domain(low=1e-289, high=9e18, log=True, default=None))

    assert isinstance(span.default, float)
    assert math.isfinite(span.default)
    assert span.contains(span.default)


def test_points_stand_for_choices_that_are_evenly_spread_in_the_logarithm() -> None:
    grid = domain("learning_rate", matrix_schema.Domain(low=1e-5, high=1e-1, log=True, points=9))

    assert grid == Choice(
        choices=(1e-5, 3.16227766017e-5, 1e-4, 3.16227766017e-4, 1e-3, 3.16227766017e-3, 1e-2, 3.16227766017e-2, 1e-1),
        default=1e-3,
    )


def test_points_of_a_linear_range_are_evenly_spread_and_the_middle_one_is_the_default() -> None:
    grid = domain("dropout", matrix_schema.Domain(low=0.0, high=0.6, points=5))

    assert grid == Choice(choices=(0.0, 0.15, 0.3, 0.45, 0.6), default=0.3)


def test_the_default_of_points_is_one_of_them() -> None:
    given = matrix_schema.Domain(low=0.0, high=0.6, points=3, default=0.6)

    assert domain("dropout", given) == Choice(choices=(0.0, 0.3, 0.6), default=0.6)
    with pytest.raises(Mistaken, match=r"0\.2 is not among the choices"):
        domain("dropout", matrix_schema.Domain(low=0.0, high=0.6, points=3, default=0.2))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"low": 0.0, "high": 0.6, "points": 3, "step": 0.1}, "has step and points"),
        ({"low": 0.0, "high": 0.6, "points": 20_000}, "more than 10000"),
        ({"choices": [0.0, 0.1], "points": 2}, "has choices and a range"),
        ({"points": 3}, "neither a range nor choices"),
    ],
)
def test_points_that_make_no_grid_are_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Mistaken, match=why):
        domain("dropout", matrix_schema.Domain(**given))


def test_more_points_than_whole_numbers_are_refused() -> None:
    with pytest.raises(Mistaken, match="no 9 whole numbers"):
        domain("batch_size", matrix_schema.Domain(low=2, high=5, points=9))
