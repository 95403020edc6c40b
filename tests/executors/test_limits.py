from __future__ import annotations

from harness.executors.limits import Limits
from harness.spec import Container

GIB = 2**30


def test_what_is_left_out_is_what_the_engine_has_with_some_memory_left_to_the_host() -> None:
    limits = Limits.declared(Container(), cpus=2, memory_bytes=10 * GIB)

    assert limits == Limits(cpus=2.0, memory_bytes=9 * GIB, pids=4096, shm_bytes=64 * 2**20, deadline_s=None)


def test_all_that_the_engine_has_may_be_asked_for() -> None:
    asked = Container(cpus=2, memory_gib=10, pids=1, shm_mib=1, deadline_s=0.5)

    limits = Limits.declared(asked, cpus=2, memory_bytes=10 * GIB)

    assert limits == Limits(cpus=2.0, memory_bytes=10 * GIB, pids=1, shm_bytes=2**20, deadline_s=0.5)
