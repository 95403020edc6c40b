"""Studies that Optuna itself made."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import optuna
import pytest

import harness
from harness.api import search_imports
from harness.errors import ResultsError
from harness.foreign_searches import optuna_studies
from harness.search_types import Outcome

Direction = Literal["minimize", "maximize"]


@pytest.fixture(autouse=True)
def _silent() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("rate", 0.0, 1.0)
    trial.suggest_categorical("flag", [True, False])
    trial.report(rate / 2, 0)
    if trial.number == 1:
        raise optuna.TrialPruned
    if trial.number == 2:
        raise ValueError("no such kernel")
    trial.report(rate, 1)
    return rate


def studied(
    storage: str | optuna.storages.BaseStorage, name: str = "mine", direction: Direction = "maximize"
) -> optuna.Study:
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(storage=storage, study_name=name, direction=direction, sampler=sampler)
    study.optimize(objective, n_trials=4, catch=(ValueError,))
    return study


@pytest.mark.seconds
def test_a_study_becomes_a_search_with_its_best_value(tmp_path: Path) -> None:
    study = studied(f"sqlite:///{tmp_path}/mine.db")

    folder = search_imports.import_optuna(str(tmp_path / "mine.db"), metric="accuracy", results=tmp_path / "results")

    (row,) = harness.load(folder).searches().rows(named=True)
    assert folder == tmp_path / "results" / "mine"
    assert (row["val_score"], row["params_rate"], row["trials"]) == (study.best_value, study.best_params["rate"], 4)
    assert (row["tuner"], row["metric"], row["search_s"]) == ("optuna", "accuracy", None)
    trials = harness.load(folder).trials()
    assert trials["outcome"].to_list() == ["completed", "pruned", "failed", "completed"]
    assert trials["params_flag"].to_list() == [str(trial.params["flag"]) for trial in study.trials]


def test_a_journal_and_chosen_studies_are_read(tmp_path: Path) -> None:
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    storage = optuna.storages.JournalStorage(backend)
    studied(storage, "one")
    studied(storage, "two")

    (found,) = optuna_studies.read(str(tmp_path / "journal.log"), ["two"])

    assert found.called == "two"
    assert [trial.outcome for trial in found.trials][:2] == [Outcome.COMPLETED, Outcome.PRUNED]


def test_a_value_above_all_reports_is_a_report_after_them(tmp_path: Path) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log")))
    study = optuna.create_study(storage=storage, study_name="one", direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=0.75, intermediate_values={1: 0.5}))

    (found,) = optuna_studies.read(str(tmp_path / "journal.log"))

    assert [(epoch.epoch, epoch.val_score) for epoch in found.trials[0].epochs] == [(1, 0.5), (2, 0.75)]


def test_what_is_minimised_or_not_there_is_refused(tmp_path: Path) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log")))
    studied(storage, "loss", direction="minimize")

    with pytest.raises(ResultsError, match="study 'loss' doesn't maximise one score"):
        list(optuna_studies.read(str(tmp_path / "journal.log")))
    with pytest.raises(ResultsError, match="has no study 'lost'; it has loss"):
        list(optuna_studies.read(str(tmp_path / "journal.log"), ["lost"]))
    with pytest.raises(ResultsError, match="Optuna can't open it"):
        list(optuna_studies.read(str(tmp_path / "nothing.db")))
