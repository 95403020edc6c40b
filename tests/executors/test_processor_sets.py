from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.executors import processor_sets


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    return tmp_path / "cpu"


def write(sysfs: Path, *shared: str, packages: int = 1) -> None:
    """Write the kernel's files for cores, each given by its processors; packages have as many cores each."""
    for position, listed in enumerate(shared):
        for cpu in (int(part) for part in listed.replace("-", ",").split(",")):
            topology = sysfs / f"cpu{cpu}" / "topology"
            topology.mkdir(parents=True)
            (topology / "thread_siblings_list").write_text(f"{listed}\n")
            (topology / "physical_package_id").write_text(f"{position * packages // len(shared)}\n")


def test_one_processor_is_one_core(sysfs: Path) -> None:
    write(sysfs, "0")

    found = processor_sets.found({0}, sysfs=sysfs)

    assert found == [(0,)]
    assert processor_sets.numbers(found) == [1]
    assert processor_sets.divided(found, 1) == [(0,)]


def test_hyper_threads_stay_together(sysfs: Path) -> None:
    write(sysfs, "0,4", "1,5", "2,6", "3,7")

    found = processor_sets.found(set(range(8)), sysfs=sysfs)

    assert processor_sets.numbers(found) == [1, 2, 4]
    assert processor_sets.divided(found, 2) == [(0, 1, 4, 5), (2, 3, 6, 7)]
    assert processor_sets.divided(found, 4) == [(0, 4), (1, 5), (2, 6), (3, 7)]


def test_siblings_that_are_numbered_side_by_side_are_read_too(sysfs: Path) -> None:
    write(sysfs, "0-1", "2-3")

    assert processor_sets.divided(processor_sets.found({0, 1, 2, 3}, sysfs=sysfs), 2) == [(0, 1), (2, 3)]


def test_a_set_lies_in_one_package_where_processors_are_numbered_across(sysfs: Path) -> None:
    write(sysfs, "0", "2", "1", "3", packages=2)

    assert processor_sets.divided(processor_sets.found({0, 1, 2, 3}, sysfs=sysfs), 2) == [(0, 2), (1, 3)]


def test_only_processors_that_may_be_used_are_dealt_out(sysfs: Path) -> None:
    write(sysfs, "0,4", "1,5", "2,6", "3,7")

    found = processor_sets.found({1, 2, 5, 6}, sysfs=sysfs)

    assert found == [(1, 5), (2, 6)]
    assert processor_sets.numbers(found) == [1, 2]


def test_half_a_core_and_a_whole_one_are_unlike(sysfs: Path) -> None:
    write(sysfs, "0,2", "1,3")

    found = processor_sets.found({0, 1, 2}, sysfs=sysfs)

    assert processor_sets.numbers(found) == [1]


def test_cores_with_and_without_hyper_threads_are_dealt_out_apart(sysfs: Path) -> None:
    write(sysfs, "0-1", "2-3", "4", "5", "6", "7")

    found = processor_sets.found(set(range(8)), sysfs=sysfs)

    assert processor_sets.numbers(found) == [1, 2]
    assert processor_sets.divided(found, 2) == [(0, 1, 4, 5), (2, 3, 6, 7)]


def test_what_does_not_divide_is_left_over(sysfs: Path) -> None:
    write(sysfs, "0", "1", "2", "3", "4")

    assert processor_sets.divided(processor_sets.found(set(range(5)), sysfs=sysfs), 2) == [(0, 1), (2, 3)]
    assert processor_sets.divided(processor_sets.found({0}, sysfs=sysfs), 2) == [(), ()]


def test_a_kernel_that_does_not_tell_is_refused_in_one_line(sysfs: Path) -> None:
    with pytest.raises(MachineError, match=r"doesn't say which processors share a core .*; leave --at-once out"):
        processor_sets.found({0}, sysfs=sysfs)


@pytest.mark.skipif(not processor_sets.SYSFS.exists(), reason="this system describes its processors elsewhere")
def test_this_machines_cores_hold_every_processor_once() -> None:
    allowed = os.sched_getaffinity(0)

    found = processor_sets.found(allowed)

    assert sorted(cpu for core in found for cpu in core) == sorted(allowed)
