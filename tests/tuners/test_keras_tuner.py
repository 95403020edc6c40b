"""The traps of Keras Tuner, each of which cost somebody a search."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import keras_tuner as library
import pytest
import tensorflow as tf

from harness import files, matrix_schema, seeds
from harness.catalogue import hyperband_brackets
from harness.search_types import Outcome, Trial
from harness.space import Choice, Range, Space
from harness.tuners import keras_tuner

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

KERAS_TUNERS = ("kt-random", "kt-grid", "kt-bayesian", "kt-hyperband")


def oracle_of(tuner: object) -> object:
    assert isinstance(tuner, keras_tuner.KerasTuner)
    return tuner._oracle


def configurations(history: list[Trial]) -> set[tuple[object, ...]]:
    return {tuple(trial.parameters.values()) for trial in history}


def test_scores_are_maximised_so_that_hyperband_promotes_the_best(space: Space, make: Make, search: FakeSearch) -> None:
    history = search.run(make("kt-hyperband", space), 12)

    first_rung, promoted = history[:9], {trial.parent for trial in history[9:]}
    best = sorted(first_rung, key=lambda trial: trial.score or 0.0, reverse=True)[:3]
    assert promoted == {trial.number for trial in best}


def test_the_seed_that_is_given_is_the_seed_that_is_used(space: Space, make: Make) -> None:
    seed = seeds.derive(0, "tuner")

    oracle = oracle_of(make("kt-random", space, seed=seed))

    assert seed != 0
    assert oracle.seed == seed  # type: ignore[attr-defined]  # foreign, untyped


@pytest.mark.seconds
def test_hashed_seeds_share_no_configuration_where_near_ones_share_most(
    space: Space, make: Make, search: FakeSearch
) -> None:
    def drawn(seed: int) -> set[tuple[object, ...]]:
        return configurations(search.run(make("kt-random", space, seed=seed), 30))

    near = drawn(1) & drawn(4)
    hashed = drawn(seeds.derive(1, "tuner")) & drawn(seeds.derive(4, "tuner"))

    assert len(near) > 20
    assert hashed == set()


@pytest.mark.seconds
@pytest.mark.parametrize(("max_epochs", "factor"), [(9, 3), (10, 3), (20, 2), (1, 3), (2, 3)])
def test_one_hyperband_iteration_is_what_the_plan_forecasts(
    max_epochs: int, factor: int, make: Make, search: FakeSearch
) -> None:
    space = Space({"learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3)})
    section = matrix_schema.TunerSection(tuner="kt-hyperband", options={"factor": factor})
    trials, epochs = hyperband_brackets.iteration(max_epochs, factor)
    tuner = make(section, space, epochs_per_trial=max_epochs)

    history = search.run(tuner, trials)

    assert sum(trial.last_epoch - trial.first_epoch + 1 for trial in history) == epochs
    assert oracle_of(tuner)._current_iteration == 0  # type: ignore[attr-defined]  # foreign, untyped
    search.run(tuner, 1)
    assert oracle_of(tuner)._current_iteration == 1  # type: ignore[attr-defined]  # foreign, untyped


def test_promoted_trials_continue_their_parent_where_it_ended(space: Space, make: Make, search: FakeSearch) -> None:
    history = search.run(make("kt-hyperband", space), 60)

    promoted = [trial for trial in history if trial.parent is not None]
    assert len(promoted) > 10
    for trial in promoted:
        parent = history[trial.parent or 0]
        assert trial.parent == parent.number < trial.number
        assert trial.first_epoch == parent.last_epoch + 1
        assert trial.parameters == parent.parameters
    assert {trial.last_epoch for trial in history} == {1, 3, 9}


def test_a_diverged_trial_is_never_continued(space: Space, make: Make, search: FakeSearch) -> None:
    tuner = make("kt-hyperband", space)

    history = search.run(tuner, 40, [Outcome.DIVERGED] * 8)  # all but one of the first rung's nine

    promoted = [trial for trial in history if trial.parent is not None]
    assert promoted[0].parent == 8
    assert all(history[trial.parent or 0].outcome is Outcome.COMPLETED for trial in promoted)


def test_a_bracket_of_diverged_trials_only_gives_way_to_the_next(space: Space, make: Make, search: FakeSearch) -> None:
    history = search.run(make("kt-hyperband", space), 12, [Outcome.DIVERGED] * 9)

    assert [trial.parent for trial in history] == [None] * 12
    assert [trial.last_epoch for trial in history[9:]] == [3, 3, 3]


def test_three_choices_are_no_hyperband_space(make: Make, flat_search: FakeSearch) -> None:
    space = Space({"learning_rate": Choice(choices=(1e-6, 1e-5, 1e-4), default=1e-5)})

    history = flat_search.run(make("kt-hyperband", space, epochs_per_trial=10), 50)

    assert [(trial.first_epoch, trial.last_epoch) for trial in history] == [(1, 2)] * 3


def test_what_keras_tuner_calls_its_best_trials_is_never_asked(
    space: Space, make: Make, search: FakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = make("kt-hyperband", space)
    monkeypatch.delattr(library.Oracle, "get_best_trials")

    history = search.run(tuner, 30)

    assert len(history) == 30


@pytest.mark.seconds
def test_a_third_of_the_budget_starts_the_bayesian_model(make: Make, flat_search: FakeSearch) -> None:
    space = Space(
        {"dropout": Range(low=0.0, high=0.5, default=0.2), "label_smoothing": Range(low=0.0, high=0.3, default=0.0)}
    )
    random = flat_search.run(make("kt-random", space), 5)

    guided = flat_search.run(make("kt-bayesian", space, expected_trials=12), 5)

    assert [trial.parameters for trial in guided[:4]] == [trial.parameters for trial in random[:4]]
    assert guided[4].parameters != random[4].parameters


def test_the_user_has_the_last_word_on_the_start(space: Space, make: Make) -> None:
    section = matrix_schema.TunerSection(tuner="kt-bayesian", options={"num_initial_points": 17, "beta": 1.5})

    oracle = oracle_of(make(section, space, expected_trials=12))

    assert (oracle.num_initial_points, oracle.beta) == (17, 1.5)  # type: ignore[attr-defined]  # foreign, untyped


def test_a_stop_after_many_collisions_is_not_taken_back(make: Make, flat_search: FakeSearch) -> None:
    space = Space({"batch_size": Range(low=1, high=40, integer=True, default=32)})
    tuner = make("kt-random", space, seed=1)

    history = flat_search.run(tuner, 100)

    assert 20 < len(configurations(history)) < 40
    assert [tuner.ask() for _ in range(50)] == [None] * 50


def test_no_trial_limit_of_the_library_ends_a_search(space: Space, make: Make, search: FakeSearch) -> None:
    continuous = Space({**space.domains, "dropout": Range(low=0.0, high=0.5, default=0.2)})

    history = search.run(make("kt-random", continuous), 60)

    assert len(configurations(history)) == 60


@pytest.mark.seconds
def test_whole_numbers_in_the_logarithm_stop_at_their_bound(make: Make, search: FakeSearch) -> None:
    space = Space({"batch_size": Range(low=8, high=64, log=True, integer=True, default=32)})
    the_larger_the_better = search.scored_by(lambda parameters: float(parameters["batch_size"]) / 100)

    tuner = make("kt-bayesian", space)

    history = the_larger_the_better.run(tuner, 5)

    trials = oracle_of(tuner).trials.values()  # type: ignore[attr-defined]  # foreign, untyped
    assert max(float(trial.parameters["batch_size"]) for trial in history) == 64
    assert max(trial.hyperparameters.values["batch_size"] for trial in trials) == 64


def test_grids_try_the_values_of_the_domain_from_the_defaults_on(make: Make, flat_search: FakeSearch) -> None:
    space = Space(
        {
            "learning_rate": Range(low=1e-6, high=1e-2, log=True, default=1e-3),
            "optimizer": Choice(choices=("adam", "sgd"), default="sgd"),
        }
    )

    history = flat_search.run(make("kt-grid", space), 50)

    assert [tuple(trial.parameters.values()) for trial in history] == [
        (rate, optimizer) for rate in (1e-3, 1e-6, 1e-5, 1e-4, 1e-2) for optimizer in ("sgd", "adam")
    ]


@pytest.mark.parametrize("name", KERAS_TUNERS)
def test_the_folder_says_that_no_trial_is_running_after_a_tell(
    name: str, space: Space, make: Make, search: FakeSearch, tmp_path: Path
) -> None:
    search.run(make(name, space, folder=tmp_path), 2)

    state = json.loads((tmp_path / "search" / "oracle.json").read_text())

    assert state["ongoing_trials"] == {}
    assert len(state["end_order"]) == 2


@pytest.mark.parametrize("name", KERAS_TUNERS)
def test_an_old_folder_is_not_reloaded(name: str, space: Space, make: Make, search: FakeSearch, tmp_path: Path) -> None:
    first = search.run(make(name, space, folder=tmp_path), 3)

    second = search.run(make(name, space, folder=tmp_path), 3)

    assert second == first


@pytest.mark.parametrize("name", KERAS_TUNERS)
def test_nothing_is_printed(
    name: str, space: Space, make: Make, search: FakeSearch, capfd: pytest.CaptureFixture[str]
) -> None:
    search.run(make(name, space), 3, [Outcome.COMPLETED, Outcome.FAILED])

    assert capfd.readouterr() == ("", "")


def test_a_trial_that_was_not_told_is_asked_again_and_is_no_second_one(space: Space, make: Make) -> None:
    tuner = make("kt-random", space)

    assert tuner.ask() == tuner.ask()


class FakeIdleOracle:
    """Waits for another worker, as an oracle asked by one search never should."""

    def create_trial(self, worker: str) -> object:
        return library.engine.trial.Trial(library.HyperParameters(), worker, "IDLE")


def test_an_oracle_that_waits_for_nobody_is_a_bug(space: Space) -> None:
    tuner = keras_tuner.KerasTuner(oracle=FakeIdleOracle(), space=space, epochs_per_trial=9)

    with pytest.raises(RuntimeError, match="IDLE: the trial before was not told"):
        tuner.ask()


@pytest.fixture
def full() -> Path:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("no device that is always full")
    return device


def filled(folder: Path, full: Path) -> str:
    """Let the oracle's own file lie on a full disk; return what that is to be told as."""
    written = folder / "search" / "oracle.json"
    written.unlink(missing_ok=True)
    written.parent.mkdir(exist_ok=True)
    written.symlink_to(full)
    return f"{written}: No space left on device; free some space, then run again"


@pytest.mark.parametrize("name", KERAS_TUNERS)
def test_a_disk_that_is_full_when_a_tuner_is_asked_is_told_as_its_trouble(
    space: Space, make: Make, tmp_path: Path, full: Path, name: str
) -> None:
    tuner = make(name, space, folder=tmp_path)
    line = filled(tmp_path, full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        tuner.ask()

    assert files.disk_trouble(caught.value, place="") == line


@pytest.mark.parametrize("name", KERAS_TUNERS)
def test_a_disk_that_is_full_when_a_tuner_is_told_is_told_as_its_trouble(
    space: Space, make: Make, search: FakeSearch, *, tmp_path: Path, full: Path, name: str
) -> None:
    tuner = make(name, space, folder=tmp_path)
    proposal = tuner.ask()
    assert proposal is not None
    trial = search.train(tuner, proposal, number=0)
    line = filled(tmp_path, full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        tuner.tell(trial)

    assert files.disk_trouble(caught.value, place="") == line


class FakeOracle:
    """Fails whenever it is asked, with an error of TensorFlow."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def create_trial(self, _: str) -> object:
        raise self._error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
def test_what_else_the_disk_does_is_told_as_its_trouble_too(space: Space, number: int) -> None:
    error = tf.errors.UnknownError(None, None, f"/ä; b/oracle.json; {os.strerror(number)}")
    tuner = keras_tuner.KerasTuner(oracle=FakeOracle(error), space=space, epochs_per_trial=3)

    with pytest.raises(OSError, match="oracle") as caught:
        tuner.ask()

    assert (caught.value.errno, caught.value.filename) == (number, "/ä; b/oracle.json")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "said",
    [
        "OOM when allocating tensor with shape[9]",
        "/x/oracle.json; Connection refused",
        "No space left on device, in a sentence",
        "",
    ],
)
def test_no_other_error_of_tensorflow_is_taken_for_the_disks(space: Space, said: str) -> None:
    error = tf.errors.ResourceExhaustedError(None, None, said)
    tuner = keras_tuner.KerasTuner(oracle=FakeOracle(error), space=space, epochs_per_trial=3)

    with pytest.raises(tf.errors.ResourceExhaustedError):
        tuner.ask()
