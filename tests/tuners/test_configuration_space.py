from __future__ import annotations

from typing import Any

import pytest

from harness import matrix_schema
from harness.space import Choice, Range, Space
from harness.tuners.domains import decode

ConfigSpace: Any = pytest.importorskip("ConfigSpace", reason="make setup installs it")
configuration_space: Any = pytest.importorskip("harness.tuners.configuration_space")

SPACE = Space(
    {
        "learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3),
        "hidden_units": Range(low=8, high=64, log=True, integer=True, default=32),
        "epochs": Range(low=3, high=7, integer=True, default=5),
        "batch_size": Choice(choices=(16, 32, 64), default=32),
        "optimizer": Choice(choices=("adam", "sgd"), default="adam"),
        "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2),
        "label_smoothing": Choice(choices=(0.1,), default=0.1),
    }
)


def kinds(section: matrix_schema.TunerSection) -> dict[str, str]:
    shown = configuration_space.shown(section, SPACE, seed=1)
    return {name: type(each).__name__.removesuffix("Hyperparameter") for name, each in shown.items()}


def test_numbers_are_shown_by_their_place_and_words_as_categories() -> None:
    assert kinds(matrix_schema.TunerSection(tuner="smac")) == {
        "batch_size": "UniformInteger",
        "dropout": "UniformInteger",
        "epochs": "UniformInteger",
        "hidden_units": "UniformInteger",
        "label_smoothing": "Categorical",
        "learning_rate": "UniformFloat",
        "optimizer": "Categorical",
    }


def test_numbers_are_categories_where_the_matrix_says_so() -> None:
    assert kinds(matrix_schema.TunerSection(tuner="smac", numeric_choices="categories"))["batch_size"] == "Categorical"


def test_ranges_keep_their_bounds_and_their_logarithm() -> None:
    shown = configuration_space.shown(matrix_schema.TunerSection(tuner="smac"), SPACE, seed=1)
    rates, dropout, units = shown["learning_rate"], shown["dropout"], shown["hidden_units"]

    assert isinstance(rates, ConfigSpace.UniformFloatHyperparameter)
    assert (rates.lower, rates.upper, rates.log) == (1e-5, 1e-1, True)
    assert isinstance(dropout, ConfigSpace.UniformIntegerHyperparameter)
    assert (dropout.lower, dropout.upper, dropout.log) == (0, 5, False)
    assert isinstance(units, ConfigSpace.UniformIntegerHyperparameter)
    assert (units.lower, units.upper, units.log) == (8, 64, True)


def test_every_draw_is_a_configuration_of_the_space() -> None:
    shown = configuration_space.shown(matrix_schema.TunerSection(tuner="smac"), SPACE, seed=1)

    for draw in shown.sample_configuration(50):
        assert SPACE.contains({name: decode(domain, draw[name]) for name, domain in SPACE.tuned.items()})
