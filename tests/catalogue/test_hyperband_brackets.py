"""What one iteration of Keras Tuner's Hyperband trains."""

from __future__ import annotations

import keras_tuner
import pytest

from harness import matrix_schema
from harness.catalogue import hyperband_brackets
from harness.catalogue.hyperband_brackets import Rung


def oracle(max_epochs: int, **options: int) -> keras_tuner.oracles.HyperbandOracle:
    objective = keras_tuner.Objective("val_score", "max")
    return keras_tuner.oracles.HyperbandOracle(objective=objective, max_epochs=max_epochs, seed=1, **options)


def test_brackets_are_listed_as_they_are_trained() -> None:
    assert hyperband_brackets.brackets(9, 3) == [
        [
            Rung(trials=9, after=0, epochs=1),
            Rung(trials=3, after=1, epochs=3),
            Rung(trials=1, after=3, epochs=9),
        ],
        [Rung(trials=5, after=0, epochs=3), Rung(trials=2, after=3, epochs=9)],
        [Rung(trials=3, after=0, epochs=9)],
    ]


def test_the_factor_is_keras_tuners_own_unless_the_matrix_says_otherwise() -> None:
    assert hyperband_brackets.factor(matrix_schema.TunerSection(tuner="kt-hyperband")) == oracle(9).factor == 3
    assert hyperband_brackets.factor(matrix_schema.TunerSection(tuner="kt-hyperband", options={"factor": 2})) == 2


@pytest.mark.parametrize(
    ("max_epochs", "trials", "epochs"),
    [
        (9, 23, 75),
        (10, 30, 120),
        (20, 30, 226),
        (27, 70, 375),
        (30, 90, 576),
        (50, 90, 922),
        (81, 211, 1767),
        (100, 254, 2672),
        (1, 1, 1),
    ],
)
def test_one_hyperband_iteration_trains(max_epochs: int, trials: int, epochs: int) -> None:
    assert hyperband_brackets.iteration(max_epochs, 3) == (trials, epochs)


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
@pytest.mark.parametrize("max_epochs", [1, 2, 7, 16, 25, 64, 125, 243])
def test_the_forecast_adds_up_the_oracles_own_brackets(max_epochs: int, factor: int) -> None:
    real = oracle(max_epochs, factor=factor)
    rungs = [
        (bracket, rung) for bracket in range(real._get_num_brackets()) for rung in range(real._get_num_rounds(bracket))
    ]
    trained = [
        real._get_size(bracket, rung)
        * (real._get_epochs(bracket, rung) - (real._get_epochs(bracket, rung - 1) if rung else 0))
        for bracket, rung in rungs
    ]

    assert hyperband_brackets.iteration(max_epochs, factor) == (
        sum(real._get_size(*rung) for rung in rungs),
        sum(trained),
    )
