"""What MLflow itself reads of an export.

In a process of its own: MLflow imports what replaces the standard library's way to find packages, for good.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.analysis.conftest import Made
from tests.exports.conftest import PARAMETERS, filled

pytestmark = pytest.mark.seconds

# Exports twice to one place, and prints what MLflow's client says of either.
CHILD = """\
import json, sys
from pathlib import Path
import harness

def told(folder):
    from mlflow.tracking import MlflowClient
    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("animals/mobile/lr")
    return {run.info.run_name: describe(run, client) for run in client.search_runs([experiment.experiment_id])}

def describe(run, client):
    curve = client.get_metric_history(run.info.run_id, "val_score")
    files = [each.path for each in client.list_artifacts(run.info.run_id)]
    record = client.download_artifacts(run.info.run_id, "record.json") if "record.json" in files else None
    return {
        **run.to_dictionary()["info"], **run.to_dictionary()["data"], "files": files,
        "curve": [[point.step, point.value] for point in curve],
        "record": record and json.loads(Path(record).read_text("utf-8")),
    }

results, place = harness.load(sys.argv[1]), Path(sys.argv[2])
first = results.export("mlflow", place).rename(place.with_name("moved"))
second = results.export("mlflow", place)
print(json.dumps([told(second), {name: run["run_id"] for name, run in told(first).items()}]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("exported")
    filled(Made(folder / "results" / "my matrix"))
    command = [sys.executable, "-c", CHILD, str(folder / "results" / "my matrix"), str(folder / "store")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(ended.stdout)


@pytest.fixture
def runs(exported: Any) -> Any:
    """The runs by their names."""
    return exported[0]


def test_searches_are_runs_with_a_run_for_each_trial_beneath(runs: Any) -> None:
    trials = {*(f"tpe/1/{number}" for number in range(5)), "random/1/0"}
    assert set(runs) == {"tpe/1", "random/1", "random/2", "random/3"} | trials
    search, trial, failed = runs["tpe/1"], runs["tpe/1/0"], runs["tpe/1/2"]
    assert trial["tags"]["mlflow.parentRunId"] == search["run_id"]
    assert trial["params"] == {name: str(value) for name, value in PARAMETERS.items()}
    assert {"score": 0.75, "search_s": 7.5, "energy_j": 5.0}.items() <= trial["metrics"].items()
    assert (trial["status"], failed["status"]) == ("FINISHED", "FAILED")
    assert (failed["tags"]["reason"], "energy_j" in failed["metrics"]) == ("no such kernel", False)
    assert trial["end_time"] - trial["start_time"] == 7500
    assert trial["curve"] == [[1, 0.5], [2, 0.75]]


def test_a_search_has_its_costs_its_machine_and_its_files(runs: Any) -> None:
    search = runs["tpe/1"]

    assert search["metrics"]["val_score"] == 0.75
    assert search["tags"]["cpu_model"] == "Fake CPU 3000"
    assert search["files"] == ["record.json", "trials.jsonl"]
    assert search["record"]["status"] == "completed"


def test_failed_and_missing_searches_are_failed_runs_that_say_why(runs: Any) -> None:
    failed, missing = runs["random/2"], runs["random/3"]

    assert (failed["tags"]["reason"], missing["tags"]["reason"]) == ("boom", "not run yet")
    assert (failed["status"], missing["status"]) == ("FAILED", "FAILED")
    assert "search_s" not in missing["metrics"]


def test_a_second_export_to_a_place_is_another_database(exported: Any) -> None:
    second, first = exported

    assert second.keys() == first.keys()
    assert second["tpe/1"]["run_id"] != first["tpe/1"]
