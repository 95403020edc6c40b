"""What libraries are shown of a domain, and that every tuner's draws come back into it, spread as they should be."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from harness import matrix_schema
from harness.search_types import Value
from harness.space import Choice, Fixed, Range, Space
from harness.tuners.domains import Coverage, decode, indices

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

DRAWS = 128
RANDOM = [
    matrix_schema.TunerSection(tuner="kt-random"),
    matrix_schema.TunerSection(tuner="kt-bayesian", options={"num_initial_points": DRAWS}),
    matrix_schema.TunerSection(tuner="optuna-random"),
    matrix_schema.TunerSection(tuner="optuna-tpe", options={"n_startup_trials": DRAWS}),
    matrix_schema.TunerSection(tuner="optuna-cmaes", options={"n_startup_trials": DRAWS}),
    matrix_schema.TunerSection(tuner="optuna-nsga2", options={"population_size": DRAWS}),
    matrix_schema.TunerSection(tuner="optuna-qmc"),
    matrix_schema.TunerSection(tuner="optuna-qmc", options={"qmc_type": "halton"}),
]
WIDE = Space(
    {
        "learning_rate": Range(low=1e-6, high=1e-2, log=True, default=1e-3),
        "label_smoothing": Range(low=0.0, high=0.3, default=0.1),
        "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2),
        "fine_tune_depth": Range(low=0, high=6, integer=True, default=0),
        "hidden_units": Range(low=64, high=256, step=64, integer=True, default=128),
        "batch_size": Range(low=1, high=255, log=True, integer=True, default=32),
        "weight_decay": Choice(choices=(0, 1e-4, 0.5), default=0),
        "optimizer": Choice(choices=("adam", "sgd", "größe mit Leerzeichen"), default="sgd"),
        "fixed": Fixed(value=7),
    }
)


@pytest.fixture(params=RANDOM, ids=str, scope="module")
def draws(request: pytest.FixtureRequest, make: Make, flat_search: FakeSearch) -> dict[str, list[Value]]:
    """What a tuner that draws at random proposes, by hyperparameter."""
    history = flat_search.run(make(request.param, WIDE), DRAWS)
    assert len(history) == DRAWS
    assert all(WIDE.contains(trial.parameters) for trial in history)
    return {name: [trial.parameters[name] for trial in history] for name in WIDE.domains}


def quarters(values: list[Value], low: float, high: float) -> list[int]:
    shares = Counter(min(3, int(4 * (float(value) - low) / (high - low))) for value in values)
    return [shares[quarter] for quarter in range(4)]


@pytest.mark.seconds
def test_logarithmic_ranges_are_spread_evenly_in_the_logarithm(draws: dict[str, list[Value]]) -> None:
    exponents: list[Value] = [math.log10(float(rate)) for rate in draws["learning_rate"]]

    assert all(DRAWS / 8 < count < DRAWS / 2.5 for count in quarters(exponents, -6, -2))


def test_linear_ranges_are_spread_evenly(draws: dict[str, list[Value]]) -> None:
    assert all(DRAWS / 8 < count < DRAWS / 2.5 for count in quarters(draws["label_smoothing"], 0.0, 0.3))


def test_logarithmic_whole_numbers_are_spread_evenly_in_the_logarithm(draws: dict[str, list[Value]]) -> None:
    exponents: list[Value] = [math.log2(float(size)) for size in draws["batch_size"]]

    assert all(DRAWS / 8 < count < DRAWS / 2.5 for count in quarters(exponents, 0, 8))


def test_every_step_whole_number_and_choice_is_reached_bounds_included(draws: dict[str, list[Value]]) -> None:
    assert set(draws["dropout"]) == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
    assert set(draws["fine_tune_depth"]) == {0, 1, 2, 3, 4, 5, 6}
    assert set(draws["hidden_units"]) == {64, 128, 192, 256}
    assert set(draws["weight_decay"]) == {0, 1e-4, 0.5}
    assert set(draws["optimizer"]) == {"adam", "sgd", "größe mit Leerzeichen"}


def test_draws_are_plain_python_numbers_of_the_domains_kind(draws: dict[str, list[Value]]) -> None:
    kinds = {name: {type(value) for value in values} for name, values in draws.items()}

    assert kinds["learning_rate"] == kinds["label_smoothing"] == kinds["dropout"] == {float}
    assert kinds["fine_tune_depth"] == kinds["hidden_units"] == kinds["batch_size"] == kinds["fixed"] == {int}
    assert kinds["weight_decay"] == {int, float}


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        (Range(low=1e-6, high=1e-2, log=True, default=1e-3), None),
        (Range(low=0.0, high=0.3, default=0.1), None),
        (Range(low=1, high=255, log=True, integer=True, default=32), None),
        (Range(low=0.0, high=0.5, step=0.1, default=0.2), range(6)),
        (Range(low=3, high=9, integer=True, default=3), range(7)),
        (Range(low=16, high=16, integer=True, default=16), range(1)),
        (Choice(choices=("adam", 3, 0.5), default=3), range(3)),
    ],
    ids=str,
)
def test_lists_of_values_are_shown_as_indices(domain: Range | Choice, shown: range | None) -> None:
    assert indices(domain) == shown


@pytest.mark.parametrize(
    ("domain", "shown", "value"),
    [
        (Range(low=1e-6, high=1e-2, log=True, default=1e-3), 0.010000000000000002, 1e-2),
        (Range(low=1e-6, high=1e-2, log=True, default=1e-3), 9.999999999e-7, 1e-6),
        (Range(low=1, high=255, log=True, integer=True, default=32), 256, 255),
        (Range(low=0.0, high=0.5, step=0.1, default=0.2), 3, 0.3),
        (Range(low=-2, high=9, integer=True, default=3), 0, -2),
        (Choice(choices=("adam", 3, 0.5), default=3), 2, 0.5),
    ],
    ids=str,
)
def test_what_is_shown_is_read_back(domain: Range | Choice, shown: float, value: Value) -> None:
    assert decode(domain, shown) == value
    assert type(decode(domain, shown)) is type(value)


def test_coverage_counts_each_configuration_once() -> None:
    coverage = Coverage(Space({"batch_size": Choice(choices=(8, 16), default=8)}))

    complete = []
    for size in (8, 8, 16):
        coverage.add({"batch_size": size})
        complete.append(coverage.complete)

    assert complete == [False, False, True]


def test_a_continuum_is_never_covered() -> None:
    coverage = Coverage(Space({"dropout": Range(low=0.0, high=0.5, default=0.2)}))

    coverage.add({"dropout": 0.1})

    assert coverage.complete is False
