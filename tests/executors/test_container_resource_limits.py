from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.slots import WHOLE, Slot
from harness.matrix_schema import Container

GIB = 2**30


def test_what_is_left_out_is_what_the_engine_has_with_some_memory_left_to_the_host() -> None:
    limits = ContainerLimits.declared(Container(), cpus=2, memory_bytes=10 * GIB)

    assert limits == ContainerLimits(cpus=2.0, memory_bytes=9 * GIB, pids=4096, shm_bytes=64 * 2**20, deadline_s=None)


def test_all_that_the_engine_has_may_be_asked_for() -> None:
    asked = Container(cpus=2, memory_gib=10, pids=1, shm_mib=1, deadline_s=0.5)

    limits = ContainerLimits.declared(asked, cpus=2, memory_bytes=10 * GIB)

    assert limits == ContainerLimits(cpus=2.0, memory_bytes=10 * GIB, pids=1, shm_bytes=2**20, deadline_s=0.5)


HALF = Slot(cpus=(0, 1), at_once=2)


def test_slots_share_what_is_left_out() -> None:
    limits = ContainerLimits.declared(Container(), cpus=4, memory_bytes=10 * GIB, slot=HALF)

    half = limits.within(HALF, memory_bytes=10 * GIB)

    assert (half.cpus, half.memory_bytes, half.pids) == (2.0, int(4.5 * GIB), 4096)
    assert limits.within(WHOLE, memory_bytes=10 * GIB) == limits


def test_what_is_declared_is_each_workers_own() -> None:
    limits = ContainerLimits.declared(Container(cpus=1.5, memory_gib=5), cpus=4, memory_bytes=10 * GIB, slot=HALF)

    assert limits.within(HALF, memory_bytes=10 * GIB) == limits


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            Container(cpus=2.5),
            "container.cpus: 2.5 asked for, but each of 2 cells at once has 2; lower it, or --at-once",
        ),
        (
            Container(memory_gib=6),
            "container.memory_gib: 6 asked for, but each of 2 cells at once has 5.0; lower it, or --at-once",
        ),
    ],
)
def test_more_than_a_slot_has_is_refused(asked: Container, said: str) -> None:
    with pytest.raises(UserError) as caught:
        ContainerLimits.declared(asked, cpus=4, memory_bytes=10 * GIB, slot=HALF)

    assert str(caught.value) == said
