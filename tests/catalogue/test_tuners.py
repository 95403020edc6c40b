"""What a matrix may say of a tuner."""

from __future__ import annotations

import inspect
import subprocess
import sys
from operator import attrgetter
from typing import Any

import keras_tuner
import optuna
import pytest

from harness import matrix_schema
from harness.catalogue.tuner_declarations import Option
from harness.catalogue.tuners import KNOWN, PRUNERS, mistakes
from harness.space import Choice, Fixed, Range, Space

CLASSES: dict[str, Any] = {
    "kt-random": keras_tuner.oracles.RandomSearchOracle,
    "kt-grid": keras_tuner.oracles.GridSearchOracle,
    "kt-bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "kt-hyperband": keras_tuner.oracles.HyperbandOracle,
    "optuna-random": optuna.samplers.RandomSampler,
    "optuna-grid": optuna.samplers.GridSampler,
    "optuna-tpe": optuna.samplers.TPESampler,
    "optuna-cmaes": optuna.samplers.CmaEsSampler,
    "optuna-qmc": optuna.samplers.QMCSampler,
    "optuna-nsga2": optuna.samplers.NSGAIISampler,
    "optuna-gp": optuna.samplers.GPSampler,
}
# Of extras what takes the options, by module and name; several where a library spreads them over functions.
OF_EXTRAS: dict[str, tuple[str, ...]] = {
    "bayesopt-gp": (
        "bayes_opt:BayesianOptimization.maximize",
        "bayes_opt.acquisition:UpperConfidenceBound",
    ),
    "dehb": ("dehb:DEHB",),
    "hyperopt-tpe": ("hyperopt.tpe:suggest",),
    "skopt-gp": ("skopt:gp_minimize",),
    "smac": tuple(
        f"smac:HyperparameterOptimizationFacade.get_{part}"
        for part in (
            *("initial_design", "model", "acquisition_function"),
            *("acquisition_maximizer", "config_selector", "random_design"),
        )
    ),
}
PRUNER_CLASSES: dict[str, Any] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "asha": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "patient": optuna.pruners.PatientPruner,
}
# An option that is unset by default: its kind can be read from the annotation alone.
KINDS = {"bool": bool, "int": int, "float": float, "str": str}
RATES = Range(low=1e-6, high=1e-2, log=True, default=1e-3)
TEXT = Choice(choices=("adam", "sgd"), default="adam")


def parameters_of(cls: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(cls.__init__).parameters)


def taken_by(name: str) -> dict[str, inspect.Parameter]:
    """What the installed library's tuner takes."""
    if name in CLASSES:
        return parameters_of(CLASSES[name])
    found: dict[str, inspect.Parameter] = {}
    for place in OF_EXTRAS[name]:
        module, _, path = place.partition(":")
        library = pytest.importorskip(module, reason="make setup installs it")
        found |= inspect.signature(attrgetter(path)(library)).parameters
    return found


def kinds_of(parameter: inspect.Parameter) -> set[type]:
    """Which kinds the library takes, by its annotation or else by its default."""
    if parameter.annotation is inspect.Parameter.empty:
        return set() if parameter.default is None else {type(parameter.default)}
    names = str(getattr(parameter.annotation, "__name__", parameter.annotation)).split("|")
    return {KINDS[name.strip()] for name in names if name.strip() in KINDS}


def library_options(name: str) -> dict[str, Option]:
    return {key: option for key, option in KNOWN[name].options.items() if option.library}


def test_every_library_tuner_is_compared_with_its_library() -> None:
    assert set(CLASSES) | set(OF_EXTRAS) == set(KNOWN) - {"default"}
    assert set(PRUNER_CLASSES) == set(PRUNERS)


@pytest.mark.parametrize("name", [*CLASSES, *OF_EXTRAS])
def test_tuner_options_are_the_installed_librarys_by_name_and_kind(name: str) -> None:
    taken = taken_by(name)

    for key, option in library_options(name).items():
        assert key in taken, key
        kinds = kinds_of(taken[key])
        assert not kinds or option.kind in kinds, key


@pytest.mark.parametrize("name", PRUNER_CLASSES)
def test_pruner_options_are_the_installed_librarys_by_name_and_kind(name: str) -> None:
    taken = parameters_of(PRUNER_CLASSES[name])
    if name == "patient":  # it wraps the median pruner
        taken |= parameters_of(optuna.pruners.MedianPruner)

    for key, option in PRUNERS[name].options.items():
        assert key in taken, key
        assert option.kind in kinds_of(taken[key]), key


def test_the_pruners_are_those_that_the_matrix_format_names() -> None:
    named = matrix_schema.TunerSection.model_json_schema()["properties"]["pruner"]["enum"]

    assert set(PRUNERS) == set(named)


def test_only_keras_tuners_hyperband_continues_earlier_trials() -> None:
    assert [name for name, tuner in KNOWN.items() if tuner.continues] == ["kt-hyperband"]


@pytest.mark.parametrize("name", KNOWN)
def test_a_tuner_without_options_has_no_mistakes(name: str) -> None:
    space = Space({"learning_rate": RATES, "optimizer": TEXT})

    assert mistakes(matrix_schema.TunerSection(tuner=name), space, epochs_per_trial=10) == []


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ({"tuner": "baysian"}, "tuner: unknown tuner 'baysian'; did you mean 'kt-bayesian'?"),
        ({"tuner": "kt-hyperban"}, "tuner: unknown tuner 'kt-hyperban'; did you mean 'kt-hyperband'?"),
        (
            {"tuner": "kt-hyperband", "options": {"facto": 3}},
            "options.facto: unknown option of kt-hyperband; did you mean 'factor'?",
        ),
        (
            {"tuner": "kt-hyperband", "options": {"max_epochs": 30}},
            "options.max_epochs: unknown option of kt-hyperband; known: factor",
        ),
        ({"tuner": "kt-random", "options": {"größe": 3}}, "options.größe: unknown option of kt-random; it has none"),
        ({"tuner": "kt-hyperband", "options": {"factor": 1}}, "options.factor: 1 must be at least 2"),
        ({"tuner": "kt-hyperband", "options": {"factor": 3.0}}, "options.factor: 3.0 must be a whole number"),
        ({"tuner": "kt-hyperband", "options": {"factor": True}}, "options.factor: True must be a whole number"),
        ({"tuner": "kt-hyperband", "options": {"factor": "3"}}, "options.factor: '3' must be a whole number"),
        ({"tuner": "kt-bayesian", "options": {"alpha": 0}}, "options.alpha: 0 must be more than 0"),
        ({"tuner": "kt-bayesian", "options": {"alpha": False}}, "options.alpha: False must be a number"),
        ({"tuner": "optuna-tpe", "options": {"group": 1}}, "options.group: 1 must be true or false"),
        (
            {"tuner": "optuna-nsga2", "options": {"crossover_prob": 1.5}},
            "options.crossover_prob: 1.5 must be at most 1",
        ),
        (
            {"tuner": "optuna-qmc", "options": {"qmc_type": "sobel"}},
            "options.qmc_type: 'sobel' must be one of sobol, halton",
        ),
        ({"tuner": "optuna-qmc", "options": {"qmc_type": 3}}, "options.qmc_type: 3 must be text"),
        (
            {"tuner": "optuna-tpe", "options": {"group": True, "multivariate": False}},
            "options.group: needs options.multivariate; remove one of the two",
        ),
        (
            {"tuner": "optuna-cmaes", "options": {"lr_adapt": True, "with_margin": True}},
            "options.lr_adapt: excludes options.with_margin; set one of the two",
        ),
        (
            {"tuner": "kt-hyperband", "pruner": "hyperband"},
            "pruner: kt-hyperband takes no pruner; remove it or use an optuna tuner",
        ),
        (
            {"tuner": "default", "pruner": "median"},
            "pruner: default takes no pruner; remove it or use an optuna tuner",
        ),
        (
            {"tuner": "optuna-tpe", "pruner_options": {"patience": 3}},
            "pruner_options: no pruner is set; set pruner or remove them",
        ),
        (
            {"tuner": "optuna-tpe", "pruner": "asha", "pruner_options": {"reduction": 3}},
            "pruner_options.reduction: unknown option of pruner asha; did you mean 'reduction_factor'?",
        ),
        (
            {"tuner": "optuna-tpe", "pruner": "percentile", "pruner_options": {"percentile": 101}},
            "pruner_options.percentile: 101 must be at most 100",
        ),
        (
            {"tuner": "optuna-tpe", "pruner": "asha", "pruner_options": {"min_resource": 11}},
            "pruner_options.min_resource: 11 is more than the 10 epochs of a trial; lower it",
        ),
    ],
    ids=str,
)
def test_a_mistake_names_the_key_the_value_and_the_way_out(section: dict[str, Any], mistake: str) -> None:
    tuner = matrix_schema.TunerSection.model_validate(section)

    assert mistakes(tuner, Space({"learning_rate": RATES}), epochs_per_trial=10) == [mistake]


def test_an_unlike_name_is_answered_with_the_known_ones() -> None:
    (mistake,) = mistakes(matrix_schema.TunerSection(tuner="?"), None)

    assert mistake == f"tuner: unknown tuner '?'; known: {', '.join([*KNOWN, 'file'])}"


def test_every_mistake_is_told_at_once() -> None:
    tuner = matrix_schema.TunerSection(tuner="kt-hyperband", pruner="median", options={"factor": 0, "seed": 3})

    assert [mistake.split(":")[0] for mistake in mistakes(tuner, None)] == ["options.factor", "options.seed", "pruner"]


@pytest.mark.parametrize(
    "section",
    [
        {"tuner": "kt-hyperband", "options": {"factor": 2}},
        {"tuner": "kt-bayesian", "options": {"alpha": 1, "beta": 0, "num_initial_points": 1}},
        {"tuner": "kt-grid", "options": {"points": 2}},
        {"tuner": "optuna-tpe", "options": {"group": True, "n_startup_trials": 0}},
        {"tuner": "optuna-cmaes", "options": {"lr_adapt": True, "with_margin": False, "sigma0": 0.3}},
        {"tuner": "optuna-nsga2", "options": {"mutation_prob": 0, "crossover_prob": 1.0}},
        {"tuner": "optuna-gp", "pruner": "patient", "pruner_options": {"patience": 0, "n_startup_trials": 3}},
        {"tuner": "optuna-random", "pruner": "hyperband", "pruner_options": {"reduction_factor": 4}},
    ],
    ids=str,
)
def test_options_within_their_bounds_are_no_mistakes(section: dict[str, Any]) -> None:
    assert (
        mistakes(
            matrix_schema.TunerSection.model_validate(section), Space({"learning_rate": RATES}), epochs_per_trial=10
        )
        == []
    )


def test_cmaes_cannot_tune_text_only() -> None:
    space = Space({"optimizer": TEXT, "dropout": Choice(choices=(0.5,), default=0.5), "batch_size": Fixed(value=8)})

    assert mistakes(matrix_schema.TunerSection(tuner="optuna-cmaes"), space) == [
        "tuner: optuna-cmaes tunes numbers, and the hyperparameter set has none; use optuna-tpe"
    ]


@pytest.mark.parametrize(
    "space",
    [
        Space({"learning_rate": RATES, "optimizer": TEXT}),
        Space({"batch_size": Choice(choices=(8, 16), default=8)}),
        Space({"batch_size": Fixed(value=8)}),
    ],
    ids=str,
)
def test_cmaes_can_tune_one_number_ordered_choices_or_nothing(space: Space) -> None:
    assert mistakes(matrix_schema.TunerSection(tuner="optuna-cmaes"), space) == []


def test_separable_cmaes_needs_two_numbers() -> None:
    tuner = matrix_schema.TunerSection(tuner="optuna-cmaes", options={"use_separable_cma": True})

    assert mistakes(tuner, Space({"learning_rate": RATES, "optimizer": TEXT})) == [
        "options.use_separable_cma: needs two numeric hyperparameters, and the set has one; remove it"
    ]


@pytest.mark.parametrize("name", ["kt-grid", "optuna-grid"])
def test_a_grid_that_no_search_could_walk_is_a_mistake(name: str) -> None:
    space = Space({f"h{index}": RATES for index in range(6)})
    tuner = matrix_schema.TunerSection(tuner=name, options={"points": 10})

    assert mistakes(tuner, space) == [
        "options.points: the grid has 1,000,000 configurations, 100,000 at most; list fewer values"
    ]


def test_the_catalogue_imports_no_tuner_library() -> None:
    script = (
        "import sys, harness.catalogue.tuners; "
        "print([m for m in ('numpy', 'keras', 'keras_tuner', 'optuna', 'tensorflow', 'torch') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"
