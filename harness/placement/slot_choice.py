"""On what slots cells are to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import MachineError, UserError
from harness.executors import WHOLE, Slot, slots
from harness.meters import nvml
from harness.meters.nvml import Found, Gpu

ALL = "all"
NO_GPU = "device: the matrix asks for a GPU, and NVIDIA's driver lists none; see docs/gpu-host.md"
"""Why a matrix that asks for a GPU isn't run where there is none."""
_HIDDEN = ("", "-1", "NoDevFiles")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSlots:
    """What cells run on, one each, all alike; and the UUIDs of GPUs that this host has and no cell is given."""

    slots: Sequence[Slot] = (WHOLE,)
    idle: tuple[str, ...] = ()

    @property
    def has_gpus(self) -> bool:
        """Whether each of the slots has a GPU."""
        return self.slots[0].gpu is not None

    def __str__(self) -> str:
        """Say which GPUs there are for how many cells."""
        number = len(self.slots)
        if not self.has_gpus:
            return "no GPU" if number == 1 else f"no GPU, {number} cells at once"
        named = ", ".join(str(slot.gpu) for slot in self.slots)
        told = f"GPU {named}" if number == 1 else f"GPUs {named}, a cell on each"
        return f"{told}; idle: {', '.join(self.idle)}" if self.idle else told


def asked(
    *, at_once: int | None, gpus: Sequence[str], find: Callable[[], Found], shown: Mapping[str, str]
) -> ChosenSlots:
    """Return what ``--at-once`` and the ``--gpu`` options come to.

    One GPU, or none, is one slot with the whole machine. Of several each is a slot, and they are told by UUID. ``all``
    is what the environment ``shown`` leaves of them: see ``visible``.

    Raises:
        UserError: They contradict each other, the GPUs are unlike, or processors can't be divided so.
        MachineError: The driver lists no GPU, or the system pins no process.
    """
    if not gpus:
        return ChosenSlots(slots=slots.of_processors(at_once or 1))
    is_named = len(gpus) == 1 and ALL not in gpus
    devices = tuple(gpus) if is_named else _alike(gpus, find(), shown)
    if at_once not in (None, len(devices)):
        raise UserError(
            f"--at-once {at_once}: a GPU has one cell at a time, and {len(devices)} are named; leave it out"
        )
    return ChosenSlots(slots=_of(devices))


def of_processes(
    *, at_once: int | None, gpus: Sequence[str], find: Callable[[], Found], shown: Mapping[str, str]
) -> ChosenSlots:
    """Return the same for local processes, which see every GPU unless one is named.

    Raises:
        UserError: As ``asked``, and where processes side by side would share a GPU.
        MachineError: As ``asked``.
    """
    if not gpus and at_once not in (None, 1) and visible(find(), shown):
        raise UserError(
            f"--at-once {at_once}: local processes would share a GPU; give each its own with --executor local "
            "--gpu all, or hide them: CUDA_VISIBLE_DEVICES="
        )
    return asked(at_once=at_once, gpus=gpus, find=find, shown=shown)


def of_host(
    *, at_once: int | None, find: Callable[[], Found], shown: Mapping[str, str], needs_gpu: bool
) -> ChosenSlots:
    """Return each GPU of this host with one cell, if they are of one model, else the first; without any as ``asked``.

    Raises:
        UserError: More cells at once than GPUs, or processors can't be divided so.
        MachineError: A GPU is needed and there is none, or the system pins no process.
    """
    listed = visible(find(), shown)
    if not listed and needs_gpu:
        raise MachineError(NO_GPU)
    if not listed:
        return ChosenSlots(slots=slots.of_processors(at_once or 1))
    alike = listed if len({gpu.name for gpu in listed}) == 1 else listed[:1]
    number = len(alike) if at_once is None else at_once
    if number > len(alike):
        raise UserError(f"--at-once {at_once}: a GPU has one cell at a time, and {len(alike)} are alike; lower it")
    uuids = [gpu.uuid for gpu in listed]
    return ChosenSlots(slots=_of(uuids[:number]), idle=tuple(uuids[number:]))


def visible(found: Found, shown: Mapping[str, str]) -> list[Gpu]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES in ``shown`` leaves, all where it isn't set: others may be others'.

    Raises:
        MachineError: It can't be told which GPU is meant.
    """
    names = shown.get("CUDA_VISIBLE_DEVICES")
    if names is None or not found.gpus:
        return list(found.gpus)
    # Among like GPUs CUDA numbers them as the bus does.
    by_bus = shown.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({gpu.name for gpu in found.gpus}) == 1
    left = []
    for name in (each.strip() for each in names.split(",")):
        if name in _HIDDEN:
            break
        gpu = nvml.choose(found, name, by_bus=by_bus)
        if not isinstance(gpu, Gpu):
            raise MachineError(f"CUDA_VISIBLE_DEVICES: {gpu.reason}")
        left.append(gpu)
    return list(dict.fromkeys(left))


def sees_none(find: Callable[[], Found], shown: Mapping[str, str]) -> bool:
    """Whether local processes that are given no GPU see none; False where it can't be told which they see."""
    try:
        return not visible(find(), shown)
    except MachineError:
        return False


def _of(devices: Sequence[str]) -> Sequence[Slot]:
    return (Slot(gpu=devices[0]),) if len(devices) == 1 else slots.of_gpus(devices)


def _alike(names: Sequence[str], found: Found, shown: Mapping[str, str]) -> tuple[str, ...]:
    """Return the UUIDs of the named GPUs, which must be of one model: their times are compared."""
    if not found.gpus:
        raise MachineError(f"--gpu: {found.reason}; see harness doctor")
    gpus = visible(found, shown) if ALL in names else [_named(name, found.gpus) for name in names]
    if not gpus:
        raise UserError("--gpu all: CUDA_VISIBLE_DEVICES hides every GPU; name them by UUID, or unset it")
    uuids = [gpu.uuid for gpu in gpus]
    twice = [uuid for uuid in uuids if uuids.count(uuid) > 1]
    if twice:
        raise UserError(f"--gpu: {twice[0]} is named twice; a GPU has one cell at a time")
    models = sorted({gpu.name for gpu in gpus})
    if len(models) > 1:
        raise UserError(f"--gpu: unlike GPUs ({', '.join(models)}) can't share a table; name those of one model")
    return tuple(uuids)


def _named(name: str, listed: Sequence[Gpu]) -> Gpu:
    for gpu in listed:
        if name in (gpu.place, gpu.uuid):
            return gpu
    known = ", ".join(f"{gpu.place} {gpu.uuid}" for gpu in listed)
    raise UserError(f"--gpu {name}: NVIDIA's driver lists none such; it has {known}")
