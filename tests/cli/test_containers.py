"""Whole runs in containers, on a real engine with the real image."""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import matrix
from harness.campaign import matrix_resolution
from harness.cli import exit_codes
from harness.executors import Cause, engine_connection
from harness.executors.docker import CAMPAIGN, CELL, DockerExecutor
from harness.image_labels import HASH_LABELS
from harness.matrix_schema import Container
from harness.records import CellFolder, Record
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.train, pytest.mark.usefixtures("current_image")]

REFERENCE = os.environ.get("HARNESS_TEST_IMAGE", "tuner-harness:cpu")
SMOKE = Path(__file__).parents[2] / "benchmarks" / "smoke.toml"
IN_CONTAINERS = ("--executor", "docker", "--image", REFERENCE)


def command_of(path: Path, matrix: Path, *options: str) -> list[str]:
    places = ["--results", str(path / "my résultats"), "--cache", str(path / "ä cache")]
    return [sys.executable, "-m", "harness", "run", str(matrix), *places, *options]


def run(path: Path, matrix: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command_of(path, matrix, *options), check=False, capture_output=True, text=True, timeout=600)


def cells(path: Path, matrix: str) -> dict[str, tuple[CellFolder, Record]]:
    """Return each cell's folder and record by its tuner."""
    folder = MatrixFolder(path / "my résultats" / matrix)
    found = {}
    for cell_id in folder.cell_ids():
        record = folder.cell(cell_id).record()
        assert record is not None
        found[record.cell.told["names"]["tuner"]] = (folder.cell(cell_id), record)
    return found


def scores(trials: list[Trial]) -> list[Any]:
    return [
        (trial.parameters, trial.outcome, [(epoch.val_score, epoch.loss, epoch.test_score) for epoch in trial.epochs])
        for trial in trials
    ]


def owners(path: Path) -> set[int]:
    return {each.lstat().st_uid for each in path.rglob("*")}


def test_trials_and_scores_in_containers_are_those_of_local_processes(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert run(here, SMOKE).returncode == 0

    answer = run(there, SMOKE, *IN_CONTAINERS)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    local, contained = cells(here, "smoke"), cells(there, "smoke")
    assert set(local) == set(contained) == {"default", "kt-random", "optuna-tpe"}
    for tuner, (folder, record) in contained.items():
        assert scores(folder.trials()) == scores(local[tuner][0].trials())
        assert record.evidence.told["used"]["cpu_s"]["value"] > 1
        assert record.cell.told["environment"] == record.evidence.told["image"]["content"]
        assert record.evidence.told["gpu"]["energy_j"]["reason"] == "the worker was given no GPU"
        # From the call for the container on, to the hundredth: the start-up is a phase there too.
        phases = [record.setup_phases, record.closing_phases, *(trial.phases for trial in folder.trials())]
        assert record.setup_phases["startup"] > 0
        assert sum(sum(each.values()) for each in phases) == pytest.approx(record.wall_s, rel=0.01)
        assert record.cell.told["environment"] != local[tuner][1].cell.told["environment"]
    assert owners(there / "my résultats") == {os.geteuid()}


@pytest.fixture
def stale() -> Iterator[str]:
    """An image that says that it was built from other sources."""
    client = engine_connection.connect()
    tag = "tuner-harness-test/stale:1"
    recipe = io.BytesIO(f"FROM {REFERENCE}\nLABEL {HASH_LABELS['source']}={'0' * 64}\n".encode())
    client.images.build(fileobj=recipe, tag=tag)
    yield tag
    client.images.remove(tag)
    client.close()


def test_a_stale_image_is_refused_before_anything_runs(tmp_path: Path, stale: str) -> None:
    answer = run(tmp_path, SMOKE, "--executor", "docker", "--image", stale)

    assert answer.returncode == exit_codes.SOME_MISSING
    assert f"image {stale}: was built from other sources than this harness's" in answer.stderr
    assert answer.stderr.strip().endswith("build it: harness images build")
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.glob("my résultats/*/cells/*"))


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU driver")
def test_a_gpu_that_the_engine_can_not_give_is_told_before_anything_runs(tmp_path: Path) -> None:
    answer = run(tmp_path, SMOKE, *IN_CONTAINERS, "--gpu", "0")

    assert answer.returncode == exit_codes.SOME_MISSING
    assert "the engine can give no GPU; install the NVIDIA container toolkit" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.glob("my résultats/*/cells/*"))
    assert containers(tmp_path) == []


def test_cells_side_by_side_see_their_own_processors_alone(tmp_path: Path) -> None:
    answer = run(tmp_path, SMOKE, *IN_CONTAINERS, "--at-once", "2")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    records = [record for _, record in cells(tmp_path, "smoke").values()]
    assert {record.environment.told["at_once"] for record in records} == {2}
    # Each read by the worker itself, from inside.
    seen = {record.environment.told["cpu_set"] for record in records}
    assert len(seen) == 2
    assert seen == {record.evidence.told["enforced"]["cpu_set"] for record in records}
    assert {record.environment.told["logical_cpus"] for record in records} == {len(os.sched_getaffinity(0)) // 2}


def containers(path: Path) -> list[Any]:
    """Return the containers of a run's matrix that are on the engine."""
    client = engine_connection.connect()
    own = str(path / "my résultats")
    found = [each for each in client.containers.list(all=True) if each.labels.get(CAMPAIGN, "").startswith(own)]
    client.close()
    return found


LONG = """\
seeds = [1]
[budget]
epochs = 400
[protocol]
epochs_per_trial = 8
image_size = 32
[datasets.digits]
max_images = 300
[backbones.EfficientNetLite0]
weights = "none"
[tuners.optuna-tpe]
[hyperparameters.full]
learning_rate = { low = 1e-3, high = 1.0, log = true, default = 1e-2 }
"""


@pytest.mark.parametrize(("number", "left"), [(signal.SIGINT, 0), (signal.SIGKILL, 1)])
def test_a_run_that_is_ended_leaves_nothing_that_the_next_run_does_not_remove(
    tmp_path: Path, number: signal.Signals, left: int
) -> None:
    path = tmp_path / "long.toml"
    path.write_text(LONG, "utf-8")
    command = command_of(tmp_path, path, *IN_CONTAINERS)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        wait_for_trials(tmp_path / "my résultats", 3)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)

    found = containers(tmp_path)
    assert len([each for each in found if each.labels[CELL]]) == left
    # Beside the worker's there is the one that is never started, and keeps the image for the run.
    assert len([each for each in found if not each.labels[CELL]]) == left
    if number == signal.SIGINT:
        assert said.strip().endswith(f"--executor docker --image {REFERENCE}")
    assert run(tmp_path, path, *IN_CONTAINERS).returncode == 0
    assert containers(tmp_path) == []
    ((folder, record),) = cells(tmp_path, "long").values()
    assert [trial.number for trial in folder.trials()] == list(range(50))
    assert record.attempts == 2


def wait_for_trials(results: Path, least: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if sum(len(path.read_bytes().splitlines()) for path in results.glob("*/cells/*/trials.jsonl")) >= least:
            return
        time.sleep(0.05)
    pytest.fail("no trials in two minutes")


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], None]]:
    """Puts a disk with next to no room under a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def mount(path: Path) -> None:
        path.mkdir(parents=True)
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], check=True)
        mounted.append(path)

    yield mount
    for path in mounted:
        subprocess.run(["/bin/umount", str(path)], check=True)


def fill(path: Path) -> None:
    with (path / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))


def test_a_cell_on_a_full_disk_is_the_machines_trouble(tmp_path: Path, small_disk: Callable[[Path], None]) -> None:
    cache = tmp_path / "ä cache"
    client = engine_connection.connect()
    executor = DockerExecutor.ready(client, reference=REFERENCE, campaign=tmp_path, container=Container())
    resolved = matrix_resolution.resolve(matrix.load(SMOKE), cache=cache, identity=executor.identity())
    folder = CellFolder(tmp_path / "cells" / "full")
    small_disk(folder.path)
    folder.write_cell(resolved.cells[0])
    assert executor.start("prepare", folder.path, cache=cache, log=folder.log).wait(300.0) is not None
    fill(folder.path)

    ended = executor.start("search", folder.path, cache=cache, log=folder.log).wait(300.0)

    assert ended is not None
    assert (ended.exit_code, ended.cause) == (75, Cause.NO_DISK)
    assert "No space left on device; free some space" in str(ended.detail)
    client.close()


def test_where_an_engine_and_the_image_are_cells_run_in_containers_unasked_and_a_plan_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if REFERENCE != "tuner-harness:cpu":
        pytest.skip("the image to test has a name of its own")
    monkeypatch.delenv("HARNESS_EXECUTOR")

    answer = run(tmp_path, SMOKE)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    said = answer.stderr.splitlines()
    assert said[-1].startswith("running in containers of tuner-harness:cpu (engine "), answer.stderr
    assert all(record.evidence.told["container"] for _, record in cells(tmp_path, "smoke").values())
    plan = json.loads(planned(tmp_path, SMOKE))
    assert plan["where"].startswith("in containers of tuner-harness:cpu (engine ")
    assert [cell["state"] for cell in plan["cells"]] == ["completed"] * 3
    local = json.loads(planned(tmp_path, SMOKE, "--executor", "local"))
    assert [cell["state"] for cell in local["cells"]] == ["pending"] * 3


def planned(path: Path, matrix: Path, *options: str) -> str:
    command = command_of(path, matrix, *options, "--json")
    command[command.index("run")] = "plan"
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_record_says_what_its_container_was(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(LONG.replace("400", "8"), "utf-8")

    answer = run(tmp_path, path, *IN_CONTAINERS)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    ((_, record),) = cells(tmp_path, "short").values()
    image, told = record.evidence.told["image"], record.environment
    assert image["reference"] == REFERENCE
    assert image["id"].startswith("sha256:")
    assert isinstance(image["repo_digests"], list)
    assert len(image["layers"]) > 2
    assert {name for name, value in image["pinned"].items() if value} == {"base", "lock", "recipe", "source"}
    assert record.evidence.told["engine"]["storage_driver"]
    assert told.told["kernel"] == platform.release()
    assert {"packages", "cpu_model", "memory_bytes", "device", "determinism", "precision", "jit"} <= set(told.told)
