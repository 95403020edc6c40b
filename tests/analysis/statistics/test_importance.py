from __future__ import annotations

import builtins
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness import analysis
from harness.analysis.statistics import Effect, Importance, importance
from harness.analysis.statistics.importance import CONTINUED, EARLY, FEWEST_TRIALS, MOST_TRIALS, THINNED
from harness.search_types import Outcome

if TYPE_CHECKING:
    from harness.search_types import Trial, Value
    from tests.analysis.conftest import Made


def _search(made: Made, tried: list[tuple[dict[str, Value], float, float]], seed: int = 0) -> None:
    """One search whose trials have these parameters, score and device seconds."""
    trials = []
    for number, (parameters, score, device_s) in enumerate(tried):
        plain = made.trial(number, score)
        (epoch,) = plain.epochs
        trials.append(_with(plain, parameters=parameters, epochs=(_with(epoch, train_s=device_s),)))
    made.search(trials, seed=seed)


def _with(what: Any, **changes: Any) -> Any:
    return replace(what, **changes)


def _tried(count: int = 60, *, shift: float = 0.0) -> list[tuple[dict[str, Value], float, float]]:
    """The score depends on the learning rate alone, cost on the batch size alone; the optimizer matters for nothing."""
    generator = random.Random(4)  # noqa: S311 - no secret
    found = []
    for _ in range(count):
        rate, batch = 10 ** generator.uniform(-4, -2), generator.choice([16, 32, 64])
        parameters: dict[str, Value] = {"learning_rate": rate, "batch_size": batch}
        parameters["optimizer"] = generator.choice(["adam", "größer"])
        found.append((parameters, 0.5 + shift - abs(rate - 0.001) * 10, 1.0 + 10 / batch + 0.01 * generator.random()))
    return found


def _importance(made: Made, effect: Effect) -> Importance:
    (group,) = analysis.groups(made.results())
    return importance(group, effect=effect)


def test_what_the_score_depends_on_leads_for_the_score_and_what_cost_depends_on_for_cost(made: Made) -> None:
    _search(made, _tried())
    score, cost = _importance(made, Effect.SCORE), _importance(made, Effect.COST)
    assert next(iter(score.shares)) == "learning_rate"
    assert next(iter(cost.shares)) == "batch_size"
    assert score.shares["learning_rate"] > 0.6
    assert cost.shares["batch_size"] > 0.6
    assert sum(score.shares.values()) == pytest.approx(1)
    assert (score.trials, score.searches, score.reason) == (60, 1, None)


def test_what_tells_the_best_from_the_rest_counts_not_what_tells_the_worst(made: Made) -> None:
    # The best quarter has a small dropout; among the others only the weight decay matters.
    generator = random.Random(4)  # noqa: S311 - no secret
    tried: list[tuple[dict[str, Value], float, float]] = []
    for _ in range(120):
        dropout, decay = generator.random(), generator.random()
        badness = 0.1 * decay if dropout < 0.25 else 0.2 + 0.5 * decay
        tried.append(({"dropout": dropout, "weight_decay": decay}, 1 - badness, 1 + badness))
    _search(made, tried)
    for effect in Effect:
        assert next(iter(_importance(made, effect).shares)) == "dropout"


def test_an_easy_split_explains_nothing(made: Made) -> None:
    # On the easy split one optimizer was tried, on the hard one the other: that is no merit of the first.
    for seed, (optimizer, shift) in enumerate((("adam", 0.3), ("größer", 0.0))):
        tried = _tried(shift=shift)
        _search(
            made, [({**parameters, "optimizer": optimizer}, score, cost) for parameters, score, cost in tried], seed
        )
    found = _importance(made, Effect.SCORE)
    assert (found.trials, found.searches) == (120, 2)
    assert next(iter(found.shares)) == "learning_rate"
    assert found.shares["optimizer"] < 0.05


def test_too_few_trials_have_no_importances_and_say_so(made: Made) -> None:
    _search(made, _tried(FEWEST_TRIALS - 1))
    found = _importance(made, Effect.SCORE)
    assert (dict(found.shares), found.reason) == ({}, "39 trials are too few; it takes 40")


def test_a_single_hyperparameter_explains_nothing_about_itself(made: Made) -> None:
    _search(made, [({"learning_rate": 0.001 * n}, 0.1, 1.0) for n in range(1, 50)])
    assert _importance(made, Effect.SCORE).reason == "fewer than two hyperparameters were varied"


def test_trials_that_all_came_out_the_same_have_no_importances(made: Made) -> None:
    _search(made, [(parameters, 0.5, 1.0) for parameters, _, _ in _tried()])
    assert _importance(made, Effect.SCORE).reason == "all trials came out the same"


def test_of_many_trials_some_are_used_and_the_others_counted(made: Made) -> None:
    _search(made, _tried(MOST_TRIALS + 50))
    found = _importance(made, Effect.SCORE)
    assert (found.trials, found.left_out) == (MOST_TRIALS, {THINNED: 50})


def _halved(made: Made) -> list[Trial]:
    """Trials of two epochs each, every one with a twin that the first epoch alone was asked of."""
    trials: list[Trial] = []
    for parameters, score, cost in _tried():
        number = len(trials)
        full = made.trial(number, score - 0.01, score, parameters=parameters)
        epochs = tuple(replace(epoch, train_s=cost) for epoch in full.epochs)
        trials += [replace(full, epochs=epochs), _stopped(made, number + 1)]
    return trials


def _stopped(made: Made, number: int) -> Trial:
    # Were it counted, the optimizer alone would matter.
    parameters: dict[str, Value] = {"learning_rate": 0.001, "batch_size": 32, "optimizer": "größer"}
    return made.trial(number, 0.0, parameters=parameters, last_epoch=2, outcome=Outcome.PRUNED)


@pytest.mark.parametrize("protocol", [{"epochs_per_trial": 2}, {}])
def test_trials_that_were_stopped_early_are_left_out_and_counted(made: Made, protocol: dict[str, Any]) -> None:
    made.protocol = protocol
    made.search(_halved(made))
    for effect, leads in ((Effect.SCORE, "learning_rate"), (Effect.COST, "batch_size")):
        found = _importance(made, effect)
        assert (found.trials, found.searches, found.left_out) == (60, 1, {EARLY: 60})
        assert next(iter(found.shares)) == leads


def test_a_trial_that_patience_ended_is_a_full_one(made: Made) -> None:
    made.protocol = {"epochs_per_trial": 9, "patience": 3}
    trials = [
        made.trial(number, score, parameters=parameters, last_epoch=9)
        for number, (parameters, score, _) in enumerate(_tried())
    ]
    made.search(trials)

    found = _importance(made, Effect.SCORE)

    assert (found.trials, found.left_out) == (60, {})


def test_a_trial_that_asked_for_less_than_a_full_one_is_no_full_one(made: Made) -> None:
    made.protocol = {"epochs_per_trial": 2}
    _search(made, _tried())
    found = _importance(made, Effect.SCORE)
    assert (found.trials, found.searches, found.left_out) == (0, 0, {EARLY: 60})
    assert found.reason == "0 trials are too few; it takes 40"


def test_a_promoted_configuration_counts_once_by_its_last_trial(made: Made) -> None:
    made.protocol = {"epochs_per_trial": 3}
    trials: list[Trial] = []
    for parameters, score, _ in _tried(45):
        number = len(trials)
        first = made.trial(number, score, parameters=parameters, last_epoch=1)
        trials += [
            first,
            _continuing(made, first, 2, score),
            _continuing(made, replace(first, number=number + 1), 3, score),
        ]
    made.search(trials)
    found = _importance(made, Effect.SCORE)
    assert (found.trials, found.left_out) == (45, {CONTINUED: 90})
    assert next(iter(found.shares)) == "learning_rate"


def _continuing(made: Made, parent: Trial, epoch: int, score: float) -> Trial:
    trained = made.trial(parent.number + 1, score, parameters=parent.parameters)
    epochs = tuple(replace(each, epoch=epoch) for each in trained.epochs)
    return replace(trained, epochs=epochs, first_epoch=epoch, last_epoch=epoch, parent=parent.number)


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_a_trial_that_broke_in_its_last_epoch_did_not_reach_it(made: Made, outcome: Outcome) -> None:
    made.protocol = {"epochs_per_trial": 1}
    made.search([made.trial(0, 0.5, outcome=outcome), made.trial(1, 0.5)])
    found = _importance(made, Effect.COST)
    assert (found.trials, found.left_out) == (1, {EARLY: 1})


@pytest.mark.parametrize("outcome", [Outcome.PRUNED, Outcome.CUT])
def test_a_trial_that_was_stopped_after_its_last_epoch_has_reached_it(made: Made, outcome: Outcome) -> None:
    made.protocol = {"epochs_per_trial": 1}
    made.search([made.trial(0, 0.5, outcome=outcome)])
    assert (_importance(made, Effect.SCORE).trials, _importance(made, Effect.SCORE).left_out) == (1, {})


def test_nothing_was_tried_where_all_failed(made: Made) -> None:
    made.search([], status="failed", reason="boom")
    assert _importance(made, Effect.COST).reason == "0 trials are too few; it takes 40"


def test_a_host_without_optuna_is_told(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    _search(made, _tried())
    real = builtins.__import__

    def without_optuna(name: str, *rest: Any, **more: Any) -> Any:
        if name == "optuna":
            raise ModuleNotFoundError(name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_optuna)
    found = _importance(made, Effect.SCORE)
    assert found.reason == "optuna isn't installed here; install the harness with its extra 'train'"
