"""Every executor that can be started here keeps what all of them promise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.executors import Executor, LocalExecutor, Slot, engine_connection, forked
from harness.executors.docker import DockerExecutor
from harness.executors.forked import WarmExecutor
from harness.matrix_schema import Container
from harness.testing import ExecutorContract

CPUS = sorted(os.sched_getaffinity(0))
PINNED = (Slot(cpus=(CPUS[0],), at_once=2), Slot(cpus=(CPUS[-1],), at_once=2))


@pytest.mark.seconds
class TestLocalProcesses(ExecutorContract):
    slots = PINNED

    def create(self, campaign: Path) -> Executor:  # noqa: ARG002 - processes need not know whose they are
        return LocalExecutor()


@pytest.mark.skipif(not forked.can_fork(), reason="this system forks no workers")
@pytest.mark.slow
class TestForkedProcesses(ExecutorContract):
    slots = PINNED

    def create(self, campaign: Path) -> Executor:
        return WarmExecutor(LocalExecutor(), campaign)


@pytest.mark.docker
@pytest.mark.slow
class TestContainers(ExecutorContract):
    slots = PINNED

    @pytest.fixture(autouse=True)
    def _on_an_engine(self, current_image: str) -> Iterator[None]:
        with closing(engine_connection.connect()) as self.client:
            self.image = current_image
            yield

    def create(self, campaign: Path) -> Executor:
        return DockerExecutor.ready(
            self.client, reference=self.image, campaign=campaign, container=Container(), slots=self.slots
        )
