"""The traps of Optuna."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import optuna as library
import pytest

from harness import matrix_schema
from harness.catalogue.tuners import KNOWN
from harness.errors import MachineError
from harness.search_types import Epoch, Outcome, Proposal, Trial
from harness.space import Choice, Range, Space
from harness.tuners import optuna

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

CONTINUUM = Space(
    {
        "learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3),
        "dropout": Range(low=0.0, high=0.5, default=0.2),
    }
)


def study_of(tuner: object) -> library.Study:
    assert isinstance(tuner, optuna.Optuna)
    return tuner._study


def parameters(history: list[Trial]) -> list[object]:
    return [trial.parameters for trial in history]


def told(proposal: Proposal, outcome: Outcome, *scores: float) -> Trial:
    return Trial(
        number=0,
        parameters=proposal.parameters,
        first_epoch=proposal.first_epoch,
        last_epoch=proposal.last_epoch,
        parent=proposal.parent,
        outcome=outcome,
        epochs=tuple(
            Epoch(epoch=1 + index, val_score=score, loss=1.0, train_s=1.0, evaluate_s=0.1)
            for index, score in enumerate(scores)
        ),
    )


def test_a_budget_of_ten_trials_is_not_random_search(make: Make, search: FakeSearch) -> None:
    random = search.run(make("optuna-random", CONTINUUM), 4)

    guided = search.run(make("optuna-tpe", CONTINUUM, expected_trials=10), 4)

    assert parameters(guided)[:3] == parameters(random)[:3]
    assert parameters(guided)[3] != parameters(random)[3]


def test_an_uncounted_budget_leaves_the_start_to_the_library(make: Make, search: FakeSearch) -> None:
    random = search.run(make("optuna-random", CONTINUUM), 11)

    guided = search.run(make("optuna-tpe", CONTINUUM, expected_trials=None), 11)

    assert parameters(guided)[:10] == parameters(random)[:10]
    assert parameters(guided)[10] != parameters(random)[10]


def test_options_reach_the_sampler(make: Make, search: FakeSearch) -> None:
    section = matrix_schema.TunerSection(
        tuner="optuna-tpe", options={"n_startup_trials": 2, "group": True, "n_ei_candidates": 5}
    )

    guided = search.run(make(section, CONTINUUM, expected_trials=30), 3)

    random = search.run(make("optuna-random", CONTINUUM), 3)
    assert parameters(guided)[:2] == parameters(random)[:2]
    assert parameters(guided)[2] != parameters(random)[2]


@pytest.mark.parametrize(
    "options",
    [{"sigma0": 0.2, "popsize": 4}, {"lr_adapt": True}, {"with_margin": True}, {"use_separable_cma": True}],
    ids=str,
)
def test_every_kind_of_cmaes_runs_without_a_warning(
    options: dict[str, matrix_schema.Scalar], space: Space, make: Make, search: FakeSearch
) -> None:
    section = matrix_schema.TunerSection(tuner="optuna-cmaes", options={"consider_pruned_trials": True} | options)

    history = search.run(make(section, space), 12)

    assert len(history) == 12


def test_cmaes_tunes_a_single_number(make: Make, search: FakeSearch) -> None:
    space = Space({"learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3)})

    history = search.run(make("optuna-cmaes", space), 60)

    late = [trial.parameters["learning_rate"] for trial in history[40:]]
    assert all(1e-4 < float(rate) < 1e-2 for rate in late)


def test_hyperband_brackets_repeat_since_the_study_has_one_name(make: Make) -> None:
    section = matrix_schema.TunerSection(tuner="optuna-random", pruner="hyperband")

    names = {study_of(make(section, CONTINUUM)).study_name for _ in range(2)}

    assert names == {"search"}


@pytest.mark.parametrize("pruner", ["asha", "hyperband"])
def test_halving_needs_no_complete_trial_to_start(pruner: str, make: Make) -> None:
    tuner = make(matrix_schema.TunerSection.model_validate({"tuner": "optuna-random", "pruner": pruner}), CONTINUUM)

    stops = []
    for score in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        proposal = ask(tuner)
        stops.append(any(tuner.report(proposal, epoch, score) for epoch in range(1, 9)))
        tuner.tell(told(proposal, Outcome.FAILED))

    assert stops[0] is False
    assert any(stops)


def test_hyperband_prunes_at_powers_of_its_factor_up_to_the_trials_last_epoch(make: Make, search: FakeSearch) -> None:
    section = matrix_schema.TunerSection(tuner="optuna-random", pruner="hyperband")

    history = search.run(make(section, CONTINUUM), 40)

    assert {len(trial.epochs) for trial in history} == {1, 3, 9}


def test_optunas_hyperband_continues_nothing_and_is_told_apart_from_keras_tuners(
    make: Make, search: FakeSearch
) -> None:
    section = matrix_schema.TunerSection(tuner="optuna-random", pruner="hyperband")

    history = search.run(make(section, CONTINUUM), 20)

    assert {(trial.first_epoch, trial.parent) for trial in history} == {(1, None)}
    assert [name for name, declared in KNOWN.items() if declared.continues] == ["kt-hyperband"]


def test_the_patient_pruner_lets_a_rising_trial_live_and_stops_one_that_stands_still(make: Make) -> None:
    section = matrix_schema.TunerSection(
        tuner="optuna-random", pruner="patient", pruner_options={"n_startup_trials": 1}
    )
    tuner = make(section, CONTINUUM)
    good = ask(tuner)
    for epoch in range(1, 10):
        tuner.report(good, epoch, 0.9)
    tuner.tell(told(good, Outcome.COMPLETED, 0.9))

    rising = ask(tuner)
    rising_stops = [tuner.report(rising, epoch, 0.05 * epoch) for epoch in range(1, 10)]
    tuner.tell(told(rising, Outcome.COMPLETED, 0.45))
    flat = ask(tuner)
    flat_stops = [tuner.report(flat, epoch, 0.1) for epoch in range(1, 5)]

    assert rising_stops == [False] * 9
    assert flat_stops == [False, False, True, True]


@pytest.mark.parametrize(("reports", "values"), [("best", [0.2, 0.4, 0.4, 0.5]), ("last", [0.2, 0.4, 0.3, 0.5])])
def test_a_pruner_is_told_the_best_so_far_or_each_epochs_own(reports: str, values: list[float], make: Make) -> None:
    tuner = make(
        matrix_schema.TunerSection.model_validate({"tuner": "optuna-tpe", "pruner": "median", "reports": reports}),
        CONTINUUM,
    )
    for _ in range(2):
        proposal = ask(tuner)
        for epoch, score in enumerate((0.2, 0.4, math.nan, 0.3, 0.5), start=1):
            tuner.report(proposal, epoch, score)
        tuner.tell(told(proposal, Outcome.COMPLETED, 0.2, 0.4, math.nan, 0.3, 0.5))

    trials = study_of(tuner).trials

    assert [list(trial.intermediate_values.values()) for trial in trials] == [values] * 2
    assert [trial.value for trial in trials] == [0.5, 0.5]


def test_the_score_at_the_end_is_the_best_whatever_is_reported(make: Make) -> None:
    tuner = make(matrix_schema.TunerSection(tuner="optuna-tpe", pruner="median", reports="last"), CONTINUUM)
    proposal = ask(tuner)
    for epoch, score in enumerate((0.6, 0.2), start=1):
        tuner.report(proposal, epoch, score)

    tuner.tell(told(proposal, Outcome.COMPLETED, 0.6, 0.2))

    assert study_of(tuner).trials[0].value == 0.6


def test_a_pruned_trial_that_reported_each_epoch_counts_with_its_last(make: Make) -> None:
    tuner = make(matrix_schema.TunerSection(tuner="optuna-tpe", pruner="median", reports="last"), CONTINUUM)
    proposal = ask(tuner)
    for epoch, score in enumerate((0.6, 0.2), start=1):
        tuner.report(proposal, epoch, score)

    tuner.tell(told(proposal, Outcome.PRUNED, 0.6, 0.2))

    assert study_of(tuner).trials[0].value == 0.2


def test_optunas_own_patient_pruner_stops_a_trial_that_falls_and_none_that_stands_still(make: Make) -> None:
    section = matrix_schema.TunerSection(
        tuner="optuna-random", pruner="patient", reports="last", pruner_options={"n_startup_trials": 1, "patience": 1}
    )
    tuner = make(section, CONTINUUM)
    good = ask(tuner)
    for epoch in range(1, 10):
        tuner.report(good, epoch, 0.9)
    tuner.tell(told(good, Outcome.COMPLETED, 0.9))

    flat = ask(tuner)
    flat_stops = [tuner.report(flat, epoch, 0.1) for epoch in range(1, 5)]
    tuner.tell(told(flat, Outcome.COMPLETED, 0.1))
    falling = ask(tuner)
    falling_stops = [tuner.report(falling, epoch, score) for epoch, score in enumerate((0.3, 0.2, 0.1, 0.2), start=1)]

    assert isinstance(study_of(tuner).pruner, library.pruners.PatientPruner)
    assert flat_stops == [False] * 4
    assert falling_stops == [False, False, True, True]


def test_the_librarys_own_start_is_one_word_away(make: Make, search: FakeSearch) -> None:
    random = search.run(make("optuna-random", CONTINUUM), 11)

    guided = search.run(
        make(matrix_schema.TunerSection(tuner="optuna-tpe", startup="library"), CONTINUUM, expected_trials=12), 11
    )

    assert parameters(guided)[:10] == parameters(random)[:10]
    assert parameters(guided)[10] != parameters(random)[10]


@pytest.mark.parametrize("name", ["optuna-tpe", "optuna-cmaes", "optuna-nsga2", "optuna-qmc"])
def test_numbers_as_categories_are_drawn_from_the_same_values(name: str, make: Make, search: FakeSearch) -> None:
    space = Space({**CONTINUUM.domains, "batch_size": Choice(choices=(8, 16, 32), default=8)})
    section = matrix_schema.TunerSection(tuner=name, numeric_choices="categories")
    tuner = make(section, space)

    history = search.run(tuner, 12)

    shown = study_of(tuner).trials[0].distributions["batch_size"]
    assert isinstance(shown, library.distributions.CategoricalDistribution)
    assert {trial.parameters["batch_size"] for trial in history} == {8, 16, 32}


def ask(tuner: object) -> Proposal:
    assert isinstance(tuner, optuna.Optuna)
    proposal = tuner.ask()
    assert proposal is not None
    return proposal


def test_a_pruned_trial_is_told_its_last_report(make: Make) -> None:
    tuner = make("optuna-random", CONTINUUM)
    proposal = ask(tuner)
    tuner.report(proposal, 1, 0.2)
    tuner.report(proposal, 2, 0.4)

    tuner.tell(told(proposal, Outcome.PRUNED, 0.2, 0.4))

    assert [(t.state.name, t.value) for t in study_of(tuner).trials] == [("PRUNED", 0.4)]


@pytest.mark.parametrize(
    ("outcome", "scores", "expected"),
    [
        (Outcome.COMPLETED, (0.3, 0.7, 0.5), ("COMPLETE", 0.7)),
        (Outcome.CUT, (0.3,), ("COMPLETE", 0.3)),
        (Outcome.DIVERGED, (), ("COMPLETE", 0.0)),
        (Outcome.DIVERGED, (math.nan,), ("COMPLETE", 0.0)),
        (Outcome.DIVERGED, (math.nan, 0.6, math.inf), ("COMPLETE", 0.6)),
        (Outcome.PRUNED, (), ("PRUNED", None)),
        (Outcome.FAILED, (0.9,), ("FAIL", None)),
        (Outcome.OUT_OF_MEMORY, (), ("FAIL", None)),
    ],
)
def test_what_optuna_is_told_of_an_outcome(
    outcome: Outcome, scores: tuple[float, ...], expected: tuple[str, float | None], make: Make
) -> None:
    tuner = make("optuna-random", CONTINUUM)

    tuner.tell(told(ask(tuner), outcome, *scores))

    assert [(t.state.name, t.value) for t in study_of(tuner).trials] == [expected]


def test_a_score_that_is_no_number_is_not_reported(make: Make) -> None:
    tuner = make(matrix_schema.TunerSection(tuner="optuna-random", pruner="asha"), CONTINUUM)
    proposal = ask(tuner)

    stops = [tuner.report(proposal, epoch, value) for epoch, value in ((1, math.nan), (2, math.inf))]

    assert stops == [False, False]
    assert study_of(tuner).trials[0].intermediate_values == {}


def test_suggestions_repeat_until_every_configuration_was_proposed(make: Make, flat_search: FakeSearch) -> None:
    space = Space({"batch_size": Choice(choices=(8, 16, 32, 64), default=8)})

    history = flat_search.run(make("optuna-random", space), 500)

    assert 4 < len(history) < 500
    assert {trial.parameters["batch_size"] for trial in history} == {8, 16, 32, 64}


def test_an_unreplayed_study_repeats_its_first_draws(make: Make, search: FakeSearch) -> None:
    first = search.run(make("optuna-random", CONTINUUM), 3)

    reopened = search.run(make("optuna-random", CONTINUUM), 3)

    assert parameters(reopened) == parameters(first)


def test_a_grid_is_walked_once_in_an_order_of_the_seeds_own(make: Make, flat_search: FakeSearch) -> None:
    space = Space(
        {
            "learning_rate": Range(low=1e-6, high=1e-2, log=True, default=1e-3),
            "optimizer": Choice(choices=("adam", "sgd"), default="sgd"),
        }
    )

    walks = [
        [tuple(trial.parameters.values()) for trial in flat_search.run(make("optuna-grid", space, seed=seed), 50)]
        for seed in (1_234_567, 2_000_000_000)
    ]

    grid = {(rate, optimizer) for rate in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2) for optimizer in ("adam", "sgd")}
    assert [len(walk) for walk in walks] == [10, 10]
    assert set(walks[0]) == set(walks[1]) == grid
    assert walks[0] != walks[1]


def test_quasi_random_points_depend_on_the_seed(make: Make, search: FakeSearch) -> None:
    walks = [search.run(make("optuna-qmc", CONTINUUM, seed=seed), 6) for seed in (1_234_567, 2_000_000_000)]

    assert not {str(p) for p in parameters(walks[0])} & {str(p) for p in parameters(walks[1])}


def test_a_small_budget_breeds_several_generations(make: Make) -> None:
    sampler = study_of(make("optuna-nsga2", CONTINUUM, expected_trials=30)).sampler

    assert isinstance(sampler, library.samplers.NSGAIISampler)
    assert sampler.population_size == 10


def test_telling_without_asking_is_a_bug(make: Make) -> None:
    tuner = make("optuna-random", CONTINUUM)
    trial = told(ask(tuner), Outcome.COMPLETED, 0.5)
    tuner.tell(trial)

    with pytest.raises(RuntimeError, match="no trial has been asked for"):
        tuner.tell(trial)


def test_a_missing_torch_names_the_way_out(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)

    with pytest.raises(MachineError, match=r"^tuner: optuna-gp can't import torch .*harness doctor says the way out$"):
        make("optuna-gp", CONTINUUM)
