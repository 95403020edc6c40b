"""What Optuna itself reads of an export."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import optuna_dashboard
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from harness.exports import writing
from harness.prices import Prices
from tests.analysis.conftest import Made
from tests.exports.conftest import CELL, PARAMETERS, Written, exported

TPE = "animals/mobile/lr/tpe/1"


def journal(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


@pytest.mark.seconds
def test_a_database_has_a_study_for_each_search(write: Written) -> None:
    storage = f"sqlite:///{write('optuna', 'runs.db')}"

    names = optuna.get_all_study_names(storage)
    assert names == [TPE, *(f"animals/mobile/lr/random/{seed}" for seed in (1, 2, 3))]
    study = optuna.load_study(study_name=TPE, storage=storage)
    assert (study.best_value, study.best_trial.number) == (0.75, 0)
    assert study.trials[0].params == {name: PARAMETERS[name] for name in PARAMETERS if name != "optimizer"}


def test_a_journal_has_the_same(write: Written) -> None:
    study = optuna.load_study(study_name=TPE, storage=journal(write("optuna", "runs.log")))

    assert [trial.state for trial in study.trials] == [
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.FAIL,
        TrialState.COMPLETE,
        TrialState.FAIL,
    ]
    assert [trial.value for trial in study.trials] == [0.75, 0.25, None, 0.375, None]
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.75}


def test_costs_are_attributes_and_the_unknown_is_left_out(write: Written) -> None:
    study = optuna.load_study(study_name=TPE, storage=journal(write("optuna", "runs.log")))
    first, _, failed, *_ = study.trials

    assert {"search_s": 7.5, "ask_s": 1.0, "train_s": 4.0, "tell_s": 0.5}.items() <= first.user_attrs.items()
    assert (first.user_attrs["energy_j"], first.user_attrs["test_score"]) == (5.0, 0.65)
    assert (failed.user_attrs["outcome"], failed.user_attrs["reason"]) == ("failed", "no such kernel")
    assert "energy_j" not in failed.user_attrs
    assert first.duration is not None
    assert first.duration.total_seconds() == 7.5
    assert study.user_attrs["search_s"] > 0
    assert study.user_attrs["fixed.optimizer"] == "adam"
    assert study.user_attrs["cpu_model"] == "Fake CPU 3000"
    assert "energy_j" not in study.user_attrs


def test_failed_and_missing_searches_are_studies_that_say_why(write: Written) -> None:
    storage = journal(write("optuna", "runs.log"))
    failed, missing = (optuna.load_study(study_name=f"animals/mobile/lr/random/{n}", storage=storage) for n in (2, 3))

    assert (failed.user_attrs["status"], failed.user_attrs["reason"], failed.trials) == ("failed", "boom", [])
    assert (missing.user_attrs["status"], missing.user_attrs["reason"]) == ("missing", "not run yet")
    assert "search_s" not in missing.user_attrs


def test_domains_are_distributions(write: Written) -> None:
    study = optuna.load_study(study_name=TPE, storage=journal(write("optuna", "runs.log")))

    assert study.trials[0].distributions == {
        "learning_rate": optuna.distributions.FloatDistribution(1e-4, 0.1, log=True),
        "dropout": optuna.distributions.FloatDistribution(0.0, 0.5, step=0.1),
        "hidden_units": optuna.distributions.IntDistribution(0, 64, step=32),
        "batch_size": optuna.distributions.CategoricalDistribution((16, 32)),
    }


def test_where_domains_are_unknown_the_values_that_were_tried_stand_for_them(
    made: Made, price_list: Prices, tmp_path: Path
) -> None:
    made.search([made.trial(0, 0.5), made.trial(1, 0.25)], cell={**CELL, "domains": None})

    path = writing.write("optuna", exported(made.results(), price_list, tmp_path / "runs.log"))

    (trial, _) = optuna.load_study(study_name=None, storage=journal(path)).trials
    assert trial.distributions["learning_rate"] == optuna.distributions.CategoricalDistribution((0.001, 0.002))


def dashboard(storage: JournalStorage, path: str) -> Any:
    """What optuna-dashboard answers to a request, without a server."""
    environment = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environment)
    statuses: list[str] = []
    answer = optuna_dashboard.wsgi(storage)(environment, lambda status, _, __=None: statuses.append(status))
    assert statuses == ["200 OK"]
    return json.loads(b"".join(answer))


def test_the_dashboard_lists_the_studies_and_shows_their_trials(write: Written) -> None:
    storage = journal(write("optuna", "runs.log"))

    (first, *others) = dashboard(storage, "/api/studies")["study_summaries"]
    assert (first["study_name"], len(others)) == (TPE, 3)
    study = dashboard(storage, f"/api/studies/{first['study_id']}")
    assert [trial["state"] for trial in study["trials"]] == ["Complete", "Pruned", "Fail", "Complete", "Fail"]
    assert study["has_intermediate_values"]
    assert {"key": "search_s", "value": "7.5"} in study["trials"][0]["user_attrs"]
