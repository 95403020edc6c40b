"""Which values a grid tries."""

from __future__ import annotations

import pytest

from harness.catalogue.grid_points import grid_size, grid_space, grid_values, value_at
from harness.search_types import Value
from harness.space import Choice, Fixed, Range, Space

RATES = Range(low=1e-6, high=1e-2, log=True, default=1e-3)


@pytest.mark.parametrize(
    ("domain", "points", "values"),
    [
        (RATES, 5, (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)),
        (RATES, 2, (1e-6, 1e-2)),
        (RATES, 3, (1e-6, 1e-4, 1e-2)),
        (Range(low=0.0, high=0.3, default=0.0), 4, (0.0, 0.1, 0.2, 0.3)),
        (Range(low=-0.1, high=0.1, default=0.0), 3, (-0.1, 0.0, 0.1)),
        (Range(low=0.0, high=0.5, step=0.1, default=0.0), 3, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        (Range(low=1, high=5, integer=True, default=1), 5, (1, 2, 3, 4, 5)),
        (Range(low=0, high=100, integer=True, default=0), 5, (0, 25, 50, 75, 100)),
        (Range(low=0, high=100, step=50, integer=True, default=0), 2, (0, 50, 100)),
        (Range(low=8, high=128, log=True, integer=True, default=8), 5, (8, 16, 32, 64, 128)),
        (Range(low=1, high=7, log=True, integer=True, default=1), 6, (1, 2, 3, 5, 7)),
        (Range(low=16, high=16, integer=True, default=16), 5, (16,)),
        (Range(low=0.5, high=0.5, default=0.5), 5, (0.5,)),
        (Choice(choices=("sgd", "adam"), default="adam"), 9, ("sgd", "adam")),
        (Choice(choices=(32, 8, 16.5), default=8), 2, (32, 8, 16.5)),
    ],
    ids=str,
)
def test_a_grid_tries(domain: Range | Choice, points: int, values: tuple[Value, ...]) -> None:
    tried = grid_values(domain, points)

    assert tried == values
    assert [type(value) for value in tried] == [type(value) for value in values]
    assert all(domain.contains(value) for value in tried)


@pytest.mark.parametrize("low", [3e-7, 1.7e-5])
def test_bounds_are_tried_to_the_bit(low: float) -> None:
    domain = Range(low=low, high=0.1234567890123456, log=True, default=low)

    assert grid_values(domain, 7)[0] == low
    assert grid_values(domain, 7)[-1] == 0.1234567890123456


def test_the_third_tenth_is_three_tenths() -> None:
    domain = Range(low=0.0, high=0.5, step=0.1, default=0.0)

    assert value_at(domain, 3) == 0.3


def test_a_grids_size_is_the_product_of_what_is_tuned() -> None:
    space = Space(
        {
            "learning_rate": RATES,
            "optimizer": Choice(choices=("sgd", "adam"), default="adam"),
            "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.0),
            "batch_size": Fixed(value=32),
        }
    )

    assert grid_size(space, 4) == 4 * 2 * 6


def test_a_grid_of_nothing_has_one_configuration() -> None:
    assert grid_size(Space({"batch_size": Fixed(value=32)}), 5) == 1


def test_a_grids_space_keeps_defaults_that_lie_on_it_and_what_is_fixed() -> None:
    space = Space(
        {"learning_rate": RATES, "dropout": Range(low=0.0, high=0.4, default=0.25), "batch_size": Fixed(value=32)}
    )

    gridded = grid_space(space, 5)

    assert gridded.defaults == {"learning_rate": 1e-3, "dropout": 0.0, "batch_size": 32}
    assert gridded.size == 25


def test_a_huge_grid_is_counted_without_being_listed() -> None:
    steps = Range(low=0.0, high=1.0, step=1e-9, default=0.0)

    assert grid_size(Space({"dropout": steps}), 5) == 10**9 + 1
