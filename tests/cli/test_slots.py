from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cli import slots
from harness.cli.slots import Gpu, asked, listed_by_driver
from harness.errors import MachineError, UserError
from harness.executors import WHOLE, Slot, cores

A, B = Gpu(index="0", uuid="GPU-a", model="NVIDIA L4"), Gpu(index="1", uuid="GPU-b", model="NVIDIA L4")
OTHER = Gpu(index="2", uuid="GPU-c", model="Tesla T4")


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "found", lambda allowed: [(0,), (1,), (2,), (3,)] if allowed else [])


def slots_of(*gpus: str, at_once: int | None = None, listed: Sequence[Gpu] = (A, B)) -> list[Slot]:
    return list(asked(at_once=at_once, gpus=gpus, listed=lambda: listed))


def unlisted() -> list[Gpu]:
    pytest.fail("nobody needed the list")


def test_by_default_one_cell_has_the_whole_machine() -> None:
    assert list(asked(at_once=None, gpus=(), listed=unlisted)) == [WHOLE]
    assert list(asked(at_once=1, gpus=(), listed=unlisted)) == [WHOLE]


def test_one_gpu_is_taken_as_it_is_named_with_all_processors() -> None:
    assert list(asked(at_once=None, gpus=("0",), listed=unlisted)) == [Slot(gpu="0")]


def test_so_many_at_once_are_so_many_sets_of_processors() -> None:
    assert [slot.cpus for slot in slots_of(at_once=2)] == [(0, 1), (2, 3)]


@pytest.mark.parametrize("named", [("0", "1"), ("GPU-a", "GPU-b"), ("0", "GPU-b"), ("all",), ("all", "0")])
def test_each_of_several_gpus_has_one_cell_and_its_share_of_the_processors(named: tuple[str, ...]) -> None:
    assert slots_of(*named) == [
        Slot(cpus=(0, 1), gpu="GPU-a", at_once=2),
        Slot(cpus=(2, 3), gpu="GPU-b", at_once=2),
    ]
    assert slots_of(*named, at_once=2) == slots_of(*named)


def test_all_of_one_gpu_is_that_one_with_the_whole_machine() -> None:
    assert slots_of("all", listed=[A]) == [Slot(gpu="GPU-a")]


@pytest.mark.parametrize(
    ("named", "at_once", "said"),
    [
        (("0", "0"), None, "--gpu: GPU-a is named twice; a GPU has one cell at a time"),
        (("0", "GPU-a"), None, "--gpu: GPU-a is named twice; a GPU has one cell at a time"),
        (("0", "7"), None, "--gpu 7: NVIDIA's driver lists none such; it has 0 GPU-a, 1 GPU-b, 2 GPU-c"),
        (
            ("all",),
            None,
            "--gpu: unlike GPUs (NVIDIA L4, Tesla T4) can't share a table; name those of one model",
        ),
        (("0", "1"), 3, "--at-once 3: a GPU has one cell at a time, and 2 are named; leave it out"),
        (("0",), 2, "--at-once 2: a GPU has one cell at a time, and 1 are named; leave it out"),
    ],
)
def test_what_can_not_be_is_the_users_mistake_in_one_line(
    named: tuple[str, ...], at_once: int | None, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        slots_of(*named, at_once=at_once, listed=[A, B, OTHER])

    assert str(caught.value) == said


def test_all_of_no_gpus_is_the_machines_trouble() -> None:
    with pytest.raises(MachineError, match=r"^--gpu all: NVIDIA's driver lists none"):
        slots_of("all", listed=[])


class FakeDriver:
    """A small real command in the place of nvidia-smi."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "nvidia-smi"

    def says(self, *lines: str, code: int = 0) -> None:
        told = "\n".join(f"echo '{line}'" for line in lines)
        self._path.write_text(f"#!/bin/sh\n{told}\nexit {code}\n")
        self._path.chmod(0o755)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    monkeypatch.setenv("PATH", str(tmp_path))
    return FakeDriver(tmp_path)


def test_the_drivers_list_is_read(driver: FakeDriver) -> None:
    driver.says("0, GPU-a, NVIDIA L4", "1, GPU-b, NVIDIA H100, 80GB")

    assert listed_by_driver() == [A, Gpu(index="1", uuid="GPU-b", model="NVIDIA H100, 80GB")]


@pytest.mark.usefixtures("driver")
def test_no_driver_is_told() -> None:
    with pytest.raises(MachineError, match=r"^--gpu: no NVIDIA driver lists the GPUs \(no nvidia-smi\)"):
        listed_by_driver()


def test_a_driver_that_fails_is_told(driver: FakeDriver) -> None:
    driver.says("Failed to initialize NVML: Driver/library version mismatch", code=9)

    with pytest.raises(MachineError, match=r"^--gpu: NVIDIA's driver doesn't answer \(.*exit status 9"):
        listed_by_driver()


def test_a_driver_that_never_answers_is_not_waited_for(driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.says("late")
    monkeypatch.setattr(slots, "_DRIVER_PATIENCE_S", 0.0)

    with pytest.raises(MachineError, match="doesn't answer"):
        listed_by_driver()
