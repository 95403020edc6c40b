from __future__ import annotations

from collections.abc import Mapping, Sequence

import pynvml
import pytest

from harness.errors import MachineError, UserError
from harness.executors import WHOLE, Slot, processor_sets
from harness.meters import nvml
from harness.meters.nvml import Found
from harness.placement.slot_choice import ChosenSlots, asked, of_host, of_processes, visible
from tests.meters.fake_nvml import FakeDevice, FakeNvml, cut, instance

A, B = FakeDevice(uuid="GPU-a", name="NVIDIA L4"), FakeDevice(uuid="GPU-b", name="NVIDIA L4")
OTHER = FakeDevice(uuid="GPU-c", name="Tesla T4")
HALVES = (Slot(cpus=(0, 1), gpu="GPU-a", at_once=2), Slot(cpus=(2, 3), gpu="GPU-b", at_once=2))


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_sets, "found", lambda allowed: [(0,), (1,), (2,), (3,)] if allowed else [])


def found(*devices: FakeDevice) -> Found:
    return nvml.find_through(FakeNvml(*devices))


def slots_of(*gpus: str, at_once: int | None = None, listed: Sequence[FakeDevice] = (A, B)) -> list[Slot]:
    return list(asked(at_once=at_once, gpus=gpus, find=lambda: found(*listed), shown={}).slots)


def host_of(*listed: FakeDevice, at_once: int | None = None, needs_gpu: bool = False) -> ChosenSlots:
    return of_host(at_once=at_once, find=lambda: found(*listed), shown={}, needs_gpu=needs_gpu)


def unlisted() -> Found:
    pytest.fail("nobody needed the list")


def test_by_default_one_cell_has_the_whole_machine() -> None:
    assert list(asked(at_once=None, gpus=(), find=unlisted, shown={}).slots) == [WHOLE]
    assert list(asked(at_once=1, gpus=(), find=unlisted, shown={}).slots) == [WHOLE]


def test_one_gpu_is_taken_as_it_is_named_with_all_processors() -> None:
    assert list(asked(at_once=None, gpus=("0",), find=unlisted, shown={}).slots) == [Slot(gpu="0")]


def test_instances_of_one_size_are_gpus_of_one_model_each_by_its_own_uuid() -> None:
    device = cut(instance("MIG-a"), instance("MIG-b"))

    assert [slot.gpu for slot in host_of(device).slots] == ["MIG-a", "MIG-b"]
    assert [slot.gpu for slot in slots_of("0:0", "MIG-b", listed=[device])] == ["MIG-a", "MIG-b"]


def test_of_instances_of_unlike_sizes_the_first_is_taken_and_none_for_the_whole_gpu() -> None:
    device = cut(instance("MIG-a"), instance("MIG-b", "2g.10gb"))

    assert str(host_of(device)) == "GPU MIG-a; idle: MIG-b"
    with pytest.raises(UserError, match=r"lists none such; it has 0:0 MIG-a, 0:1 MIG-b$"):
        slots_of("0", "MIG-b", listed=[device])
    with pytest.raises(UserError, match=r"unlike GPUs \(.*MIG 1g\.5gb, .*MIG 2g\.10gb\)"):
        slots_of("all", listed=[device])


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


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (FakeNvml(starts=pynvml.NVMLError_LibraryNotFound()), "no NVIDIA driver"),
        (FakeNvml(), "the NVIDIA driver lists no GPU"),
        (FakeNvml(starts=pynvml.NVMLError_Unknown()), r"the NVIDIA driver doesn't answer \(unknown error\)"),
    ],
)
@pytest.mark.parametrize("named", [("all",), ("0", "1")])
def test_gpus_that_no_driver_lists_are_the_machines_trouble(
    library: FakeNvml, reason: str, named: tuple[str, ...]
) -> None:
    with pytest.raises(MachineError, match=rf"^--gpu: {reason}; see harness doctor$"):
        asked(at_once=None, gpus=named, find=lambda: nvml.find_through(library), shown={})


def test_all_gpus_are_those_that_the_environment_shows() -> None:
    shown = {"CUDA_VISIBLE_DEVICES": "GPU-b"}
    assert asked(at_once=None, gpus=("all",), find=lambda: found(A, B), shown=shown).slots == (Slot(gpu="GPU-b"),)

    with pytest.raises(UserError, match="CUDA_VISIBLE_DEVICES hides every GPU"):
        asked(at_once=None, gpus=("all",), find=lambda: found(A, B), shown={"CUDA_VISIBLE_DEVICES": ""})


def test_a_host_gives_each_of_its_gpus_a_cell_where_they_are_of_one_model() -> None:
    assert host_of(A) == ChosenSlots(slots=(Slot(gpu="GPU-a"),))
    assert tuple(host_of(A, B).slots) == HALVES
    assert str(host_of(A, B)) == "GPUs GPU-a, GPU-b, a cell on each"


@pytest.mark.parametrize(("listed", "idle"), [((A, OTHER), "GPU-c"), ((A, B, OTHER), "GPU-b, GPU-c")])
def test_of_unlike_gpus_the_first_is_taken(listed: tuple[FakeDevice, ...], idle: str) -> None:
    chosen = host_of(*listed)

    assert chosen.slots == (Slot(gpu="GPU-a"),)
    assert str(chosen) == f"GPU GPU-a; idle: {idle}"


def test_so_many_cells_at_once_take_so_many_of_the_hosts_gpus() -> None:
    assert host_of(A, B, at_once=1) == ChosenSlots(slots=(Slot(gpu="GPU-a"),), idle=("GPU-b",))

    with pytest.raises(UserError, match=r"^--at-once 3: a GPU has one cell at a time, and 2 are alike; lower it$"):
        host_of(A, B, at_once=3)


def test_a_host_without_gpus_has_processors_unless_a_gpu_is_needed() -> None:
    assert list(host_of().slots) == [WHOLE]
    assert str(host_of()) == "no GPU"
    assert [slot.cpus for slot in host_of(at_once=2).slots] == [(0, 1), (2, 3)]
    assert str(host_of(at_once=2)) == "no GPU, 2 cells at once"

    with pytest.raises(MachineError, match=r"^device: the matrix asks for a GPU, and NVIDIA's driver lists none"):
        host_of(needs_gpu=True)


def test_processes_side_by_side_share_no_gpu() -> None:
    def of(*gpus: str, at_once: int | None = None, shown: str | None = None) -> list[Slot]:
        environ = {} if shown is None else {"CUDA_VISIBLE_DEVICES": shown}
        return list(of_processes(at_once=at_once, gpus=gpus, find=lambda: found(A, B), shown=environ).slots)

    assert of() == of(at_once=1) == [WHOLE]
    assert of("all") == list(HALVES)
    assert [slot.cpus for slot in of(at_once=2, shown="")] == [(0, 1), (2, 3)]
    with pytest.raises(UserError, match=r"^--at-once 2: local processes would share a GPU; give each its own"):
        of(at_once=2)


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ({}, ["GPU-a", "GPU-b"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ["GPU-b"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-b, GPU-a"}, ["GPU-b", "GPU-a"]),
        ({"CUDA_VISIBLE_DEVICES": "0,0"}, ["GPU-a"]),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,0"}, ["GPU-b"]),
    ],
)
def test_gpus_that_the_environment_hides_are_not_taken(shown: Mapping[str, str], left: list[str]) -> None:
    assert [gpu.uuid for gpu in visible(found(A, B), shown)] == left


def test_a_number_among_unlike_gpus_is_not_guessed_unless_it_counts_by_the_bus() -> None:
    shown = {"CUDA_VISIBLE_DEVICES": "1"}
    with pytest.raises(MachineError, match=r"^CUDA_VISIBLE_DEVICES: which GPU '1' is can't be told"):
        visible(found(A, OTHER), shown)

    assert [gpu.uuid for gpu in visible(found(A, OTHER), {**shown, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})] == ["GPU-c"]


def test_without_a_gpu_there_is_none_to_be_hidden() -> None:
    assert visible(found(), {"CUDA_VISIBLE_DEVICES": "3"}) == []
