"""Whole searches as jobs of a real Slurm: as local processes find them, and through kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from benchmarks.reliability.kills import what_repeats
from harness.results_folder import MatrixFolder
from tests.executors import slurm_cluster

MATRIX = """\
seeds = [1]
[budget]
epochs = 40
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
[tuners.optuna-tpe]
[hyperparameters.full]
learning_rate = { low = 1e-3, high = 1.0, log = true }
"""
PATIENCE_S = 120.0

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.skipif(not slurm_cluster.is_wanted(), reason="Slurm's programs are not installed"),
]


@pytest.fixture(scope="module", autouse=True)
def _on_a_cluster() -> Iterator[None]:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="slurm-") as place,
        slurm_cluster.running(Path(place)) as configuration,
    ):
        patch.setenv("SLURM_CONF", str(configuration))
        yield


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    return path


@pytest.fixture(scope="module")
def found_locally(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    place = tmp_path_factory.mktemp("local")
    path = place / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    harness.run(path, results=place / "results", cache=place / "cache", executor="local")
    return found(place)


def found(place: Path) -> list[object]:
    """Return the trials of the one search below a place, without their seconds."""
    folder = MatrixFolder(place / "results" / "birds")
    (only,) = (cell for cell in map(folder.cell, folder.cell_ids()) if cell.trials())
    return [what_repeats(trial) for trial in only.trials()]


def test_a_search_finds_what_it_finds_as_a_local_process(
    matrix: Path, tmp_path: Path, found_locally: list[object]
) -> None:
    harness.run(matrix, results=tmp_path / "results", cache=tmp_path / "cache", executor="slurm")
    assert found(tmp_path) == found_locally


def test_a_host_that_is_killed_goes_on_where_its_job_came_to(
    matrix: Path, tmp_path: Path, found_locally: list[object]
) -> None:
    places = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"), "--executor", "slurm"]
    command = [sys.executable, "-m", "harness", "run", str(matrix), *places]
    folder = MatrixFolder(tmp_path / "results" / "birds")
    host = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE_S
    while not any(cell.trials() for cell in map(folder.cell, folder.cell_ids())):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(host.pid, signal.SIGKILL)
    host.wait()

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stderr
    assert found(tmp_path) == found_locally
