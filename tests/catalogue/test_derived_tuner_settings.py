"""What every library is told in the same way, and what its own way would be."""

from __future__ import annotations

import inspect
from typing import Any

import keras_tuner
import optuna
import pytest

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.catalogue.tuners import KNOWN, mistakes
from harness.space import Choice, Fixed, Range, Space

RATE = Range(low=1e-4, high=1e-1, log=True, default=1e-3)
SPACE = Space({"learning_rate": RATE, "batch_size": Choice(choices=(16, 32), default=32), "dropout": Fixed(value=0.2)})


def tuner(name: str, **more: Any) -> matrix_schema.TunerSection:
    return matrix_schema.TunerSection.model_validate({"tuner": name, **more})


@pytest.mark.parametrize(
    ("expected", "startup"), [(None, 10), (0, 3), (1, 3), (9, 3), (12, 4), (29, 9), (30, 10), (31, 10), (10**6, 10)]
)
def test_a_third_of_the_expected_trials_starts_a_model(expected: int | None, startup: int) -> None:
    assert derived_tuner_settings.startup_trials(expected, most=10) == startup


def test_the_start_is_never_longer_than_the_librarys_own() -> None:
    assert derived_tuner_settings.startup_trials(1, most=2) == 2


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"epochs": 59}, 5),
        ({"trials": 7}, 7),
        ({"epochs": 60, "trials": 7}, 6),
        ({"wall_s": 5.0}, None),
        ({"epochs": 9, "wall_s": 5.0}, 0),
    ],
    ids=str,
)
def test_a_budget_of_epochs_or_trials_buys_so_many_trials(budget: dict[str, Any], expected: int | None) -> None:
    assert derived_tuner_settings.expected_trials(matrix_schema.Budget(**budget), 10) == expected


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("optuna-tpe", optuna.samplers.TPESampler),
        ("optuna-cmaes", optuna.samplers.CmaEsSampler),
        ("optuna-gp", optuna.samplers.GPSampler),
        ("optuna-nsga2", optuna.samplers.NSGAIISampler),
    ],
)
def test_the_librarys_own_start_is_the_installed_optunas(name: str, cls: Any) -> None:
    start = derived_tuner_settings.startup(tuner(name), SPACE, 6)

    assert start is not None
    assert start.library == inspect.signature(cls).parameters[start.option].default


def model_is_asked() -> None:
    raise LookupError


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_the_librarys_own_start_is_the_installed_keras_tuners(dimensions: int) -> None:
    space = Space({f"h{index}": RATE for index in range(dimensions)})
    start = derived_tuner_settings.startup(tuner("kt-bayesian"), space, 6)
    shown = keras_tuner.HyperParameters()
    for name in space.tuned:
        shown.Float(name, 0, 1)
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("val_score", "max"), hyperparameters=shown, seed=1
    )
    oracle._random_populate_space = lambda: "random"
    oracle._vectorize_trials = model_is_asked

    assert start is not None
    for count in range(start.library):
        oracle.trials = {str(each): keras_tuner.engine.trial.Trial(shown, status="COMPLETED") for each in range(count)}
        assert oracle.populate_space("next") == "random"
    oracle.trials["last"] = keras_tuner.engine.trial.Trial(shown, status="COMPLETED")
    with pytest.raises(LookupError):
        oracle.populate_space("next")


@pytest.mark.parametrize(
    ("section", "trials"),
    [
        (tuner("optuna-tpe"), 4),
        (tuner("optuna-tpe", startup="library"), 10),
        (tuner("optuna-tpe", options={"n_startup_trials": 7}), 7),
        (tuner("optuna-nsga2", startup="library"), 50),
        (tuner("optuna-cmaes"), 1),
        (tuner("kt-bayesian"), 4),
        (tuner("kt-bayesian", startup="library"), 6),
    ],
    ids=str,
)
def test_a_word_or_a_number_says_how_long_a_model_starts_at_random(
    section: matrix_schema.TunerSection, trials: int
) -> None:
    start = derived_tuner_settings.startup(section, SPACE, 12)

    assert start is not None
    assert start.trials == trials


@pytest.mark.parametrize("name", ["default", "kt-random", "kt-grid", "kt-hyperband", "optuna-random", "optuna-qmc"])
def test_what_has_no_model_has_no_start(name: str) -> None:
    assert derived_tuner_settings.startup(tuner(name), SPACE, 12) is None
    assert derived_tuner_settings.startup_options(tuner(name), SPACE, 12) == {}


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        (
            tuner("optuna-tpe", reports="last"),
            "reports: 'last' is for a pruner, and none is set; set pruner or remove it",
        ),
        (
            tuner("kt-bayesian", numeric_choices="categories"),
            "numeric_choices: kt-bayesian reads every choice as ordered; remove 'categories' or use optuna-tpe",
        ),
        (
            tuner("optuna-grid", numeric_choices="categories"),
            "numeric_choices: optuna-grid has no model that orders choices; remove 'categories' or use optuna-tpe",
        ),
        (
            tuner("kt-random", startup="library"),
            "startup: kt-random starts as its library does in any case; remove it",
        ),
        (
            tuner("optuna-cmaes", startup="library"),
            "startup: optuna-cmaes starts as its library does in any case; remove it",
        ),
        (
            tuner("optuna-tpe", startup="library", options={"n_startup_trials": 4}),
            "startup: 'library', and options.n_startup_trials is 4; remove one of the two",
        ),
    ],
    ids=str,
)
def test_a_word_that_does_not_apply_is_a_mistake(section: matrix_schema.TunerSection, mistake: str) -> None:
    assert mistakes(section, SPACE) == [mistake]


def test_an_option_that_does_not_touch_the_start_goes_with_the_librarys_start() -> None:
    assert mistakes(tuner("optuna-tpe", startup="library", options={"n_ei_candidates": 4}), SPACE) == []


def test_numbers_as_categories_leave_cmaes_nothing_to_tune() -> None:
    space = Space({"batch_size": Choice(choices=(16, 32), default=32)})

    (mistake,) = mistakes(tuner("optuna-cmaes", numeric_choices="categories"), space)

    assert mistake.startswith("tuner: optuna-cmaes tunes numbers, and the hyperparameter set has none")


@pytest.mark.parametrize("name", KNOWN)
def test_a_section_of_an_older_record_is_told_as_it_was(name: str) -> None:
    older = {"tuner": name, "pruner": "none", "options": {}, "pruner_options": {}}

    assert matrix_schema.TunerSection.model_validate(older) == tuner(name)
    assert mistakes(tuner(name), None) == []
