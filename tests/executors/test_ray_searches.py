"""Whole searches as tasks of a real Ray cluster: as local processes find them, and through the loss of a node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import harness
from benchmarks import ray_nodes
from benchmarks.ray_nodes import RayCluster
from benchmarks.reliability.kills import what_repeats
from harness import events
from harness.executors import ray_cluster
from harness.results_folder import MatrixFolder
from tests.executors import ray_on_this_machine

MATRIX = """\
seeds = [1]
[budget]
epochs = 160
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
[tuners]
optuna-tpe = {}
kt-hyperband = {}
[hyperparameters.full]
learning_rate = { low = 1e-3, high = 1.0, log = true }
"""
PATIENCE_S = 120.0

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(not ray_on_this_machine.is_wanted(), reason="Ray is not installed"),
]


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="ray-") as place,
        ray_nodes.running(Path(place), nodes=3, cpus=1) as made,
    ):
        patch.setenv(ray_cluster.ADDRESS, made.address)
        yield made


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    return path


@pytest.fixture(scope="module")
def found_locally(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    place = tmp_path_factory.mktemp("local")
    path = place / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    harness.run(path, results=place / "results", cache=place / "cache", executor="local")
    return found(place)


def found(place: Path) -> dict[str, list[object]]:
    """Return the trials of the searches below a place, without their seconds."""
    folder = MatrixFolder(place / "results" / "birds")
    return {name: [what_repeats(trial) for trial in folder.cell(name).trials()] for name in folder.cell_ids()}


def attempts(place: Path) -> list[int]:
    folder = MatrixFolder(place / "results" / "birds")
    return [len(folder.cell(name).attempts()) for name in folder.cell_ids()]


def test_searches_find_what_they_find_as_local_processes_though_a_node_is_lost(
    matrix: Path, tmp_path: Path, found_locally: dict[str, list[object]], cluster: RayCluster
) -> None:
    killed: list[int] = []

    def watch(event: events.Event) -> None:
        if isinstance(event, events.EpochEnds) and event.progress.trial >= 1 and not killed:
            killed.append(next(number for number in range(3) if workers_below(cluster.folder(number))))
            cluster.kill(killed[0])

    harness.run(
        matrix,
        results=tmp_path / "results",
        cache=tmp_path / "cache",
        executor="ray",
        address=cluster.address,
        at_once=2,
        watch=watch,
    )
    assert found(tmp_path) == found_locally
    assert sorted(attempts(tmp_path)) == [1, 2]
    left = [list((cluster.folder(number) / "cells").glob("*")) for number in range(3) if number not in killed]
    assert left == [[], []]


def test_a_host_that_is_killed_leaves_no_worker_and_goes_on_where_it_was(
    matrix: Path, tmp_path: Path, found_locally: dict[str, list[object]], cluster: RayCluster
) -> None:
    places = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"), "--executor", "ray"]
    command = [sys.executable, "-m", "harness", "run", str(matrix), *places]
    folder = MatrixFolder(tmp_path / "results" / "birds")
    host = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _await(lambda: any(cell.trials() for cell in map(folder.cell, folder.cell_ids())))
    assert workers_below(cluster.place)
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    _await(lambda: not workers_below(cluster.place))

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stderr
    assert found(tmp_path) == found_locally


def _await(has_come: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not has_come():
        assert time.monotonic() < until
        time.sleep(0.02)


def workers_below(place: Path) -> list[int]:
    """Return the processes that search in a folder below a place."""
    found, mine = [], os.fsencode(place)
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (path / "cmdline").read_bytes()
            if b"harness.worker" in command and mine in command:
                found.append(int(path.name))
    return found
