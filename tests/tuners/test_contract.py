"""What every tuner promises."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import matrix_schema
from harness.catalogue.tuners import KNOWN, PRUNERS
from harness.placement import required_libraries
from harness.search_types import Epoch, Outcome, Proposal, Trial
from harness.space import Choice, Fixed, Space

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

OUTCOMES = (Outcome.COMPLETED, Outcome.DIVERGED, Outcome.FAILED)
# make setup installs what each extra's tuner needs, torch alone left out.
INSTALLED = [name for name in KNOWN if not required_libraries.lacking(required_libraries.needed(name))]
SECTIONS = [
    *(matrix_schema.TunerSection(tuner=name) for name in INSTALLED),
    *(
        matrix_schema.TunerSection.model_validate({"tuner": "optuna-tpe", "pruner": pruner})
        for pruner in PRUNERS
        if pruner != "none"
    ),
    *(
        matrix_schema.TunerSection.model_validate({"tuner": name, "pruner": pruner})
        for name in INSTALLED
        if KNOWN[name].library == "optuna" and name != "optuna-tpe"
        for pruner in ("asha", "hyperband")
    ),
    *(
        matrix_schema.TunerSection.model_validate({"tuner": "optuna-tpe", "pruner": pruner, "reports": "last"})
        for pruner in ("hyperband", "patient")
    ),
    *(
        matrix_schema.TunerSection(tuner=name, startup="library")
        for name in ("kt-bayesian", "optuna-tpe", "optuna-nsga2")
    ),
    *(matrix_schema.TunerSection(tuner=name, numeric_choices="categories") for name in ("optuna-tpe", "optuna-nsga2")),
]


def label(section: matrix_schema.TunerSection) -> str:
    told = (section.reports, section.startup, section.numeric_choices)
    words = [word for word in told if word not in ("best", "third", "ordered")]
    return "+".join([section.tuner, *([] if section.pruner == "none" else [section.pruner]), *words])


def proposal_of(trial: Trial) -> Proposal:
    return Proposal(
        parameters=trial.parameters, first_epoch=trial.first_epoch, last_epoch=trial.last_epoch, parent=trial.parent
    )


@pytest.fixture(params=SECTIONS, ids=label, scope="module")
def section(request: pytest.FixtureRequest) -> matrix_schema.TunerSection:
    chosen: matrix_schema.TunerSection = request.param
    return chosen


@pytest.fixture(scope="module")
def history(section: matrix_schema.TunerSection, space: Space, make: Make, search: FakeSearch) -> list[Trial]:
    """A search that reaches past the random start, with a trial that diverged and one that failed."""
    return search.run(make(section, space), _trials(section), OUTCOMES)


def _trials(section: matrix_schema.TunerSection) -> int:
    return 5 if section.tuner == "kt-bayesian" else 9  # its Gaussian process thinks for a second or more


@pytest.mark.seconds
def test_the_same_seed_and_history_give_the_same_proposals(
    section: matrix_schema.TunerSection, history: list[Trial], space: Space, make: Make, search: FakeSearch
) -> None:
    again = search.run(make(section, space), _trials(section), OUTCOMES)

    assert again == history


@pytest.mark.seconds
def test_a_replayed_history_is_continued_as_if_nothing_had_happened(
    section: matrix_schema.TunerSection, history: list[Trial], space: Space, make: Make, search: FakeSearch
) -> None:
    resumed = make(section, space)

    search.replay(resumed, history[:4])

    rest = search.run(resumed, _trials(section) - 4)
    assert [proposal_of(trial) for trial in rest] == [proposal_of(trial) for trial in history[4:]]


def test_another_seed_gives_other_proposals_where_the_tuner_is_seeded(
    section: matrix_schema.TunerSection, space: Space, make: Make, search: FakeSearch
) -> None:
    first = search.run(make(section, space, seed=1_234_567), 3)

    second = search.run(make(section, space, seed=2_000_000_000), 3)

    assert (second != first) is KNOWN[section.tuner].seeded


def test_every_proposal_is_complete_lies_in_its_space_and_is_plain_python(history: list[Trial], space: Space) -> None:
    values = [value for trial in history for value in trial.parameters.values()]

    assert all(space.contains(trial.parameters) for trial in history)
    assert {type(value) for value in values} == {float, str}
    assert all(trial.parameters["weight_decay"] == 0.01 for trial in history)


def test_trials_run_from_first_to_last_epoch_where_the_tuner_continues_none(
    section: matrix_schema.TunerSection, history: list[Trial]
) -> None:
    spans = {(trial.first_epoch, trial.last_epoch, trial.parent) for trial in history}

    if section.tuner == "dehb":  # its shorter trials are continued by none
        assert spans <= {(1, 1, None), (1, 3, None), (1, 9, None)}
        return
    assert (spans == {(1, 9, None)}) is not KNOWN[section.tuner].continues


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_five_trials_without_a_score_in_a_row_are_survived(
    section: matrix_schema.TunerSection, outcome: Outcome, space: Space, make: Make, search: FakeSearch
) -> None:
    survived = search.run(make(section, space), 6, [outcome] * 5)

    assert len(survived) == (1 if section.tuner == "default" else 6)


@pytest.mark.parametrize("outcome", [Outcome.PRUNED, Outcome.DIVERGED, Outcome.CUT])
def test_trials_that_ended_early_are_survived(
    section: matrix_schema.TunerSection, outcome: Outcome, space: Space, make: Make, search: FakeSearch
) -> None:
    survived = search.run(make(section, space), 3, [outcome] * 2)

    assert len(survived) == (1 if section.tuner == "default" else 3)


@pytest.mark.seconds
def test_trials_that_patience_ended_are_survived(
    section: matrix_schema.TunerSection, space: Space, make: Make, search: FakeSearch
) -> None:
    """They are completed, with fewer epochs than were asked for."""
    tuner, survived = make(section, space), 0
    while survived < 6 and (proposal := tuner.ask()) is not None:
        trained = search.train(tuner, replace(proposal, last_epoch=proposal.first_epoch), number=survived)
        tuner.tell(
            replace(trained, last_epoch=proposal.last_epoch, reason="no better score since epoch 1 (patience 1)")
        )
        survived += 1

    assert survived == (1 if section.tuner == "default" else 6)


def test_scores_that_are_no_numbers_are_survived(
    section: matrix_schema.TunerSection, space: Space, make: Make, search: FakeSearch
) -> None:
    tuner = make(section, space)
    proposal = tuner.ask()
    assert proposal is not None
    epoch = Epoch(epoch=proposal.first_epoch, val_score=math.nan, loss=math.nan, train_s=1.0, evaluate_s=0.1)

    stopped = tuner.report(proposal, epoch.epoch, math.nan)
    tuner.tell(
        Trial(
            number=0,
            parameters=proposal.parameters,
            first_epoch=proposal.first_epoch,
            last_epoch=proposal.last_epoch,
            parent=None,
            outcome=Outcome.DIVERGED,
            epochs=(epoch,),
        )
    )

    assert stopped is False
    assert len(search.run(tuner, 2)) == (0 if section.tuner == "default" else 2)


def test_exhaustion_is_said_and_stays_said(
    section: matrix_schema.TunerSection, make: Make, flat_search: FakeSearch
) -> None:
    small = Space({"batch_size": Choice(choices=(8, 16, 32), default=16), "dropout": Fixed(value=0.2)})
    tuner = make(section, small)

    history = flat_search.run(tuner, 500)

    assert {trial.parameters["batch_size"] for trial in history} == (
        {16} if section.tuner == "default" else {8, 16, 32}
    )
    assert [tuner.ask(), tuner.ask()] == [None, None]


def test_a_set_without_anything_to_tune_is_proposed_once(
    section: matrix_schema.TunerSection, make: Make, flat_search: FakeSearch
) -> None:
    fixed = Space({"learning_rate": Fixed(value=1e-4), "optimizer": Fixed(value="sgd")})
    tuner = make(section, fixed)

    history = flat_search.run(tuner, 10)

    assert [(trial.parameters, trial.last_epoch) for trial in history] == [
        ({"learning_rate": 1e-4, "optimizer": "sgd"}, 9)
    ]
    assert tuner.ask() is None


def test_a_tuner_offers_ask_report_and_tell_and_no_more(
    section: matrix_schema.TunerSection, space: Space, make: Make
) -> None:
    tuner = make(section, space)

    assert [name for name in dir(tuner) if not name.startswith("_")] == ["ask", "report", "tell"]
