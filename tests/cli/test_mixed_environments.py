from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import environment
from harness.campaign import mixed_environments
from harness.environment import Identity
from harness.executors import Slot
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.docker import DockerExecutor
from harness.placement.container_choice import Intent
from harness.placement.slot_choice import ChosenSlots

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import CommandLine

WHAT = "digits, EfficientNetLite0, lr only"


def more_seeds(line: CommandLine) -> None:
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")


def ran_elsewhere(line: CommandLine, **facts: Any) -> None:
    """Let the finished records be of a machine with other facts."""
    for cell_id in line.matrix_folder.cell_ids():
        path: Path = line.matrix_folder.cell(cell_id).path / "record.json"
        fields = json.loads(path.read_bytes())
        fields["environment"] |= facts
        # As a record of an earlier version, which has no checksum.
        del fields["sha256"], fields["trials_sha256"]
        path.write_text(json.dumps(fields), "utf-8")


@pytest.fixture
def begun(line: CommandLine) -> CommandLine:
    """A matrix of which one seed is finished and another is to come."""
    line.run()
    more_seeds(line)
    line.executor.started.clear()
    return line


def test_searches_that_no_table_would_take_are_refused_before_any_compute_is_spent(begun: CommandLine) -> None:
    ran_elsewhere(begun, cpu_model="Another CPU")

    answer = begun.run()

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"{WHAT}: its 3 finished searches ran in an environment unlike this one (cpu_model: Another CPU in 3, "
        f"{environment.cpu_model()} here), and no table should mix them; run the matrix into another folder "
        "(--results DIR), or mix them all the same (--mix-environments)\n"
    )
    assert begun.executor.started == []


@pytest.mark.seconds
def test_they_are_run_when_told_to(begun: CommandLine) -> None:
    ran_elsewhere(begun, cpu_model="Another CPU")

    assert begun.run("--mix-environments").code == 0
    assert [program for program, _ in begun.executor.started].count("search") == 3


def test_a_plan_says_so_too(begun: CommandLine) -> None:
    ran_elsewhere(begun, logical_cpus=1000)

    answer = begun.plan()

    assert answer.code == 0
    assert f"{WHAT}: its 3 finished searches ran in an environment unlike this one (logical_cpus: 1000 in 3, " in (
        answer.out
    )


@pytest.mark.seconds
@pytest.mark.parametrize("facts", [{}, {"kernel": "7.0", "platform": "Linux-7.0"}])
def test_what_may_differ_is_no_reason(begun: CommandLine, facts: dict[str, str]) -> None:
    ran_elsewhere(begun, **facts)

    assert (begun.run().code, begun.run().code) == (0, 0)


@pytest.mark.seconds
def test_failures_that_are_to_be_repeated_are_mixed_with_nothing(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("search", *[does.fail("no such kernel")] * 3)
    line.run()
    ran_elsewhere(line, cpu_model="Another CPU")

    assert line.run("--retry-failed").code == 0


def test_a_group_of_which_nothing_is_left_to_run_is_up_to_its_tables(line: CommandLine) -> None:
    line.run()
    ran_elsewhere(line, cpu_model="Another CPU")

    assert line.run().code == 0


def container(*, memory_bytes: int) -> tuple[Intent, DockerExecutor]:
    identity = Identity(environment="e", code="c")
    chosen = ChosenSlots(slots=(Slot(cpus=(0, 1), at_once=2), Slot(cpus=(2, 3), at_once=2)))
    where = Intent(
        reference="tuner-harness:cpu", engine="fake", chosen=chosen, build=None, identity=identity, packages=None
    )
    limits = ContainerLimits(cpus=4.0, memory_bytes=2**30, pids=1, shm_bytes=1, deadline_s=None)
    image: Any = None
    executor = DockerExecutor(
        client=None, image=image, engine={"memory_bytes": memory_bytes}, limits=limits, campaign=Path()
    )
    return where, executor


def test_of_containers_their_limits_are_known_and_of_another_machines_engine_no_processor() -> None:
    known = {"at_once": "2", "device": "cpu", "container's CPUs": "2.0", "container's memory": "1.0 GiB"}
    where, executor = container(memory_bytes=environment.memory_bytes())
    _, remote = container(memory_bytes=environment.memory_bytes() + 2**30)

    assert mixed_environments.expected(where, executor) == {**known, "cpu_model": environment.cpu_model()}
    assert mixed_environments.expected(where, remote) == known
    # Before there is an executor, as for a plan.
    assert mixed_environments.expected(where) == {"at_once": "2", "device": "cpu"}
