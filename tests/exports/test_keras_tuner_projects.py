"""What Keras Tuner itself reloads of an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.exports.conftest import PARAMETERS, Written

if TYPE_CHECKING:
    from keras_tuner import RandomSearch


def reloaded(folder: Path, search: str) -> RandomSearch:
    """A tuner of random search that finds a project of its name, and so goes on with it."""
    import keras  # noqa: PLC0415 - only slow tests pay for TensorFlow
    import keras_tuner  # noqa: PLC0415 - see above

    def build(_: object) -> keras.Model:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(loss="mse")
        return model

    place = folder / search
    objective = keras_tuner.Objective("val_score", "max")
    return keras_tuner.RandomSearch(build, objective, directory=str(place.parent), project_name=place.name)


@pytest.mark.seconds
@pytest.mark.train
def test_keras_tuner_reloads_each_search_as_a_project(write: Written) -> None:
    folder = write("keras-tuner", "projects")

    tuner = reloaded(folder, "animals/mobile/lr/tpe/1")
    (best,) = tuner.get_best_hyperparameters()
    assert best.values == PARAMETERS
    assert [type(each).__name__ for each in best.space] == ["Float", "Float", "Int", "Choice", "Fixed"]
    first, second = tuner.oracle.get_best_trials(2)
    assert (first.score, first.best_step, second.score) == (0.75, 2, 0.375)
    assert [point.mean() for point in first.metrics.get_history("val_score")] == [0.5, 0.75]
    assert first.metrics.get_last_value("search_s") == 7.5
    ended = {trial.trial_id: (trial.status, trial.message) for trial in tuner.oracle.trials.values()}
    assert ended["0001"] == ("COMPLETED", "pruned")
    assert ended["0002"] == ("FAILED", "no such kernel")
    assert "energy_j" not in tuner.oracle.trials["0002"].metrics.metrics


@pytest.mark.seconds
@pytest.mark.train
def test_a_search_that_never_ran_is_a_project_without_trials_that_says_why(write: Written) -> None:
    folder = write("keras-tuner", "projects")

    assert reloaded(folder, "animals/mobile/lr/random/3").get_best_hyperparameters() == []
    facts = json.loads((folder / "animals/mobile/lr/random/3/facts.json").read_text("utf-8"))
    assert (facts["study"], facts["status"], facts["reason"]) == (
        "animals/mobile/lr/random/3",
        "missing",
        "not run yet",
    )
