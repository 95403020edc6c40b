from __future__ import annotations

import math

import pytest

from harness.cells import Cell, domains_of
from harness.space import Choice, Fixed, Range, Space

RATE = Range(low=1e-5, high=1e-1, log=True, default=1e-3)
UNITS = Range(low=0, high=64, step=16, integer=True, default=0)
BATCH = Choice(choices=(16, 32, 64), default=32)
NAMED = Choice(choices=("adam", "sgd"), default="adam")


@pytest.mark.parametrize("value", [1e-5, 1e-1, 1e-3])
def test_both_ends_belong_to_a_range(value: float) -> None:
    assert RATE.contains(value)


@pytest.mark.parametrize("value", [0.0, 9e-6, 0.11, math.nan, math.inf, "0.001"])
def test_what_is_outside_a_range_or_no_number_does_not(value: float | str) -> None:
    assert not RATE.contains(value)


def test_rounding_at_the_ends_is_forgiven() -> None:
    assert RATE.contains(math.exp(math.log(1e-1)) * (1 + 1e-15))


@pytest.mark.parametrize(("value", "inside"), [(0, True), (16, True), (64, True), (8, False), (16.5, False)])
def test_steps_start_at_the_low_end(value: float, *, inside: bool) -> None:
    assert UNITS.contains(value) is inside


def test_a_float_step_survives_binary_fractions() -> None:
    dropout = Range(low=0.1, high=0.7, step=0.1, default=0.1)

    assert all(dropout.contains(0.1 + 0.1 * step) for step in range(7))
    assert dropout.size == 7


def test_sizes_multiply_and_a_continuum_has_none() -> None:
    assert Space({"a": UNITS, "b": BATCH, "c": Fixed(value=0.0)}).size == 15
    assert Space({"a": RATE, "b": BATCH}).size is None
    assert Space({}).size == 1


def test_tuners_are_not_shown_fixed_values() -> None:
    space = Space({"rate": RATE, "dropout": Fixed(value=0.0)})

    assert list(space.tuned) == ["rate"]
    assert space.complete({"rate": 0.01}) == {"rate": 0.01, "dropout": 0.0}


def test_zero_as_a_default_is_a_default() -> None:
    assert Space({"units": UNITS, "dropout": Fixed(value=0.0)}).defaults == {"units": 0, "dropout": 0.0}


def test_a_space_contains_only_what_names_all_its_hyperparameters() -> None:
    space = Space({"rate": RATE, "batch": BATCH})

    assert space.contains({"rate": 0.01, "batch": 16})
    assert not space.contains({"rate": 0.01})
    assert not space.contains({"rate": 0.01, "batch": 16, "more": 1})
    assert not space.contains({"rate": 0.01, "batch": 17})


def test_numbers_are_ordered_and_text_is_not() -> None:
    assert BATCH.ordered
    assert not NAMED.ordered


def test_a_space_goes_through_json_unchanged(cell: Cell) -> None:
    space = Space({"rate": RATE, "units": UNITS, "batch": BATCH, "optimizer": NAMED, "dropout": Fixed(value=0.0)})
    stored = cell.model_copy(update={"domains": domains_of(space)}).model_dump_json()

    assert Cell.model_validate_json(stored).space == space
