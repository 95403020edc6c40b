"""Projects that Keras Tuner itself made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness
from harness.api import search_imports
from harness.errors import ResultsError
from harness.foreign_searches import keras_tuner_folders

pytestmark = [
    pytest.mark.seconds,
    pytest.mark.train,
    # Keras Tuner's own calls.
    pytest.mark.filterwarnings("ignore:currentThread.. is deprecated", "ignore:getName.. is deprecated"),
]


def searched(folder: Path, *, direction: str = "max") -> Any:
    import keras_tuner  # noqa: PLC0415 - only slow tests pay for TensorFlow

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]  # Keras Tuner has no types
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
            return {"quality": trial.hyperparameters.Float("rate", 0.0, 1.0)}

    tuner = Tuner(
        lambda _: None,
        objective=keras_tuner.Objective("quality", direction),
        max_trials=3,
        seed=1,
        directory=str(folder),
        project_name="mine",
    )
    tuner.search(verbose=0)
    return tuner


def test_a_project_becomes_a_search_with_its_best_score(tmp_path: Path) -> None:
    tuner = searched(tmp_path)

    folder = search_imports.import_keras_tuner(tmp_path / "mine", metric="accuracy", results=tmp_path / "results")

    (row,) = harness.load(folder).searches().rows(named=True)
    assert row["val_score"] == tuner.oracle.get_best_trials()[0].score
    assert row["params_rate"] == tuner.get_best_hyperparameters()[0].values["rate"]
    assert (row["tuner"], row["trials"], row["search_s"]) == ("keras-tuner", 3, None)


def test_what_is_minimised_or_not_there_is_refused(tmp_path: Path) -> None:
    searched(tmp_path, direction="min")

    with pytest.raises(ResultsError, match="its objective is minimised"):
        list(keras_tuner_folders.read(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultsError, match=r"no project of Keras Tuner in it: no oracle\.json"):
        list(keras_tuner_folders.read(tmp_path / "empty"))
