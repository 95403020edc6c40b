"""Workers as tasks of a real Ray cluster, whose nodes run on this machine and share no folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks import ray_nodes
from benchmarks.ray_nodes import RayCluster
from harness.executors import Cause, Slot, ray_cluster
from harness.executors.ray_cluster import RayExecutor
from harness.matrix_schema import Container
from harness.testing import ExecutorContract
from harness.testing.executor_contract import PATIENCE_S, ProbeFolder
from tests.executors import ray_on_this_machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(not ray_on_this_machine.is_wanted(), reason="Ray is not installed"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with tempfile.TemporaryDirectory(prefix="ray-") as place, ray_nodes.running(Path(place), gpus=1) as made:
        yield made


@pytest.fixture(autouse=True)
def _on_it(cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ray_cluster.ADDRESS, cluster.address)


@pytest.fixture
def executor() -> Iterator[RayExecutor]:
    executor = ray_cluster.create(container=Container())
    yield executor
    executor.close()


@pytest.fixture
def folder(tmp_path: Path) -> ProbeFolder:
    return ProbeFolder(tmp_path / "a mätrix" / "cells" / "0123456789abcdef", tmp_path / "cache")


class TestTasks(ExecutorContract):
    slots = (Slot(at_once=2), Slot(at_once=2))

    def create(self, campaign: Path) -> RayExecutor:
        del campaign
        return ray_cluster.create(container=Container(), needs_gpu=True)


def test_cells_at_once_have_a_gpu_each(cluster: RayCluster, tmp_path: Path) -> None:
    executor = ray_cluster.create(container=Container(), needs_gpu=True)
    folders = [ProbeFolder(tmp_path / "cells" / str(number), tmp_path / "cache") for number in range(2)]
    running = [folder.started(executor, asked={"waits_s": 600.0}) for folder in folders]
    for folder, worker in zip(folders, running, strict=True):
        folder.awaits("beat", of=worker)
    ended = [worker.stop() for worker in running]
    executor.close()
    assert [end.evidence["ray_gpus"] for end in ended] == [["0"], ["0"]]
    assert len({end.evidence["ray_node"] for end in ended}) == len(cluster.nodes)


def test_what_the_worker_writes_lies_on_its_node_until_it_is_sent(
    executor: RayExecutor, folder: ProbeFolder, cluster: RayCluster
) -> None:
    running = folder.started(executor, asked={"waits_s": 600.0})
    folder.awaits("beat", of=running)
    places = [place for number in range(2) for place in (cluster.folder(number) / "cells").glob("*/0*/beat")]
    running.stop()
    assert len(places) == 1
    assert not list(cluster.place.glob("*/cells/*"))


def test_a_stopped_workers_processes_are_gone_from_its_node(
    executor: RayExecutor, folder: ProbeFolder, cluster: RayCluster
) -> None:
    running = folder.started(executor, asked={"waits_s": 600.0, "has_child": True})
    folder.awaits("child-beat", of=running)
    assert len(processes_below(cluster.place)) == 2
    running.stop()
    assert processes_below(cluster.place) == []


def test_a_deadline_ends_the_worker_and_is_told_as_one(folder: ProbeFolder) -> None:
    executor = ray_cluster.create(container=Container(deadline_s=1.0))
    ended = folder.started(executor, asked={"waits_s": 600.0}).wait(PATIENCE_S)
    executor.close()
    assert ended is not None
    assert ended.cause is Cause.DEADLINE


def test_a_task_that_no_node_can_take_waits_and_can_be_stopped(
    folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ray_cluster.OPTIONS, '{"num_cpus": 400}')
    executor = ray_cluster.create(container=Container())
    running = folder.started(executor, asked={})
    assert running.wait(0.5) is None
    assert running.stop().cause is Cause.KILLED
    executor.close()


def test_a_node_that_is_lost_is_the_machines_trouble(
    executor: RayExecutor, folder: ProbeFolder, cluster: RayCluster
) -> None:
    running = folder.started(executor, asked={"waits_s": 600.0})
    folder.awaits("beat", of=running)
    cluster.kill(next(number for number in range(2) if processes_below(cluster.folder(number))))
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.cause is Cause.KILLED
    assert "node" in str(ended.detail)


def processes_below(place: Path) -> list[int]:
    """Return the processes whose command names a place."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (path / "cmdline").read_bytes()
            if os.fsencode(place) in command and b"cells" in command:
                found.append(int(path.name))
    return found
