"""On what slots the command line wants cells to run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import MachineError, UserError
from harness.executors import WHOLE, Slot, slots

ALL = "all"
_DRIVER_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as NVIDIA's driver lists it."""

    index: str
    uuid: str
    model: str


def asked(*, at_once: int | None, gpus: Sequence[str], listed: Callable[[], Sequence[Gpu]]) -> Sequence[Slot]:
    """Return the slots that ``--at-once`` and the ``--gpu`` options come to, all alike; at least one.

    One GPU, or none, is one slot with the whole machine. Of several each is a slot, and they are told by UUID.

    Raises:
        UserError: They contradict each other, the GPUs are unlike, or processors can't be divided so.
        MachineError: The driver lists no GPU, or the system pins no process.
    """
    if not gpus:
        return (WHOLE,) if at_once is None else slots.of_processors(at_once)
    is_named = len(gpus) == 1 and ALL not in gpus
    devices = tuple(gpus) if is_named else _alike(gpus, listed())
    if at_once not in (None, len(devices)):
        raise UserError(
            f"--at-once {at_once}: a GPU has one cell at a time, and {len(devices)} are named; leave it out"
        )
    return (Slot(gpu=devices[0]),) if len(devices) == 1 else slots.of_gpus(devices)


def listed_by_driver() -> list[Gpu]:
    """Return the GPUs that NVIDIA's driver answers for.

    Raises:
        MachineError: There is no driver, or it doesn't answer.
    """
    command = shutil.which("nvidia-smi")
    if command is None:
        raise MachineError("--gpu: no NVIDIA driver lists the GPUs (no nvidia-smi); name one GPU, or leave it out")
    query = [command, "--query-gpu=index,uuid,name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=_DRIVER_PATIENCE_S)
    except (subprocess.SubprocessError, OSError) as error:
        raise MachineError(f"--gpu: NVIDIA's driver doesn't answer ({error}); see harness doctor") from error
    return [_listed(line) for line in answer.stdout.splitlines()]


def _listed(line: str) -> Gpu:
    index, uuid, model = line.split(", ", 2)
    return Gpu(index=index, uuid=uuid, model=model)


def _alike(names: Sequence[str], listed: Sequence[Gpu]) -> tuple[str, ...]:
    """Return the UUIDs of the named GPUs, which must be of one model: their times are compared."""
    found = list(listed) if ALL in names else [_named(name, listed) for name in names]
    if not found:
        raise MachineError("--gpu all: NVIDIA's driver lists none; leave it out, or see harness doctor")
    twice = [gpu.uuid for gpu in found if found.count(gpu) > 1]
    if twice:
        raise UserError(f"--gpu: {twice[0]} is named twice; a GPU has one cell at a time")
    models = sorted({gpu.model for gpu in found})
    if len(models) > 1:
        raise UserError(f"--gpu: unlike GPUs ({', '.join(models)}) can't share a table; name those of one model")
    return tuple(gpu.uuid for gpu in found)


def _named(name: str, listed: Sequence[Gpu]) -> Gpu:
    for gpu in listed:
        if name in (gpu.index, gpu.uuid):
            return gpu
    known = ", ".join(f"{gpu.index} {gpu.uuid}" for gpu in listed)
    raise UserError(f"--gpu {name}: NVIDIA's driver lists none such; it has {known or 'none'}")
