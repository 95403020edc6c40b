"""What one cell runs on, so that cells side by side don't disturb each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness import environment
from harness.errors import MachineError, UserError
from harness.executors import processor_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A share of the machine.

    ``cpus`` are the processors that a worker is held to, None for all that the harness may use. ``gpu`` is the UUID or
    index of its GPU, None for none of its own. ``at_once`` is how many slots the run has, all of them alike.
    """

    cpus: tuple[int, ...] | None = None
    gpu: str | None = None
    at_once: int = 1

    @property
    def alone(self) -> Slot:
        """The same GPU with the whole machine, for what runs beside nothing."""
        return Slot(gpu=self.gpu)

    @property
    def settings(self) -> dict[str, str]:
        """What a worker is told by its environment."""
        return {environment.AT_ONCE: str(self.at_once)}

    @property
    def cpu_set(self) -> str | None:
        """The processors as the kernel writes them; None for all."""
        return None if self.cpus is None else environment.cpu_list(self.cpus)

    @property
    def evidence(self) -> dict[str, Any]:
        """What a record says was given to its worker."""
        return {"cpu_set": self.cpu_set, "gpu": self.gpu, "at_once": self.at_once}

    @property
    def facts(self) -> dict[str, Any]:
        """What it changes in the facts of the harness's own process."""
        pinned = {} if self.cpus is None else {"logical_cpus": len(self.cpus), "cpu_set": self.cpu_set}
        return {"at_once": self.at_once, **pinned}


WHOLE = Slot()
"""All that the harness may use: the one slot of a run whose cells go one after another."""


def of_processors(at_once: int) -> list[Slot]:
    """Divide the processors that this process may use into equal sets that share no core.

    Raises:
        UserError: The sets would be unequal or empty; names the numbers that are possible.
        MachineError: Nothing can be pinned on this system.
    """
    if at_once == 1:
        return [WHOLE]
    found = _cores()
    possible = processor_sets.numbers(found)
    if at_once not in possible:
        numbers = ", ".join(map(str, possible))
        raise UserError(
            f"--at-once {at_once}: {_counted(found)} give no {at_once} equal sets; possible here: {numbers}"
        )
    return [Slot(cpus=cpus, at_once=at_once) for cpus in processor_sets.divided(found, at_once)]


def of_each_core() -> list[Slot]:
    """Give each core that this process may use a slot of its own; one for all where nothing can be pinned."""
    try:
        return of_processors(len(_cores()))
    except (MachineError, UserError):
        return [WHOLE]


def of_gpus(gpus: Sequence[str]) -> list[Slot]:
    """Give each GPU an equal set of the processors that this process may use; a remainder stays idle.

    Raises:
        UserError: There are fewer cores than GPUs.
        MachineError: Nothing can be pinned on this system.
    """
    found = _cores()
    sets = processor_sets.divided(found, len(gpus))
    if not sets[0]:
        raise UserError(f"--gpu: {_counted(found)} are too few for {len(gpus)} GPUs at once; name fewer")
    return [Slot(cpus=cpus, gpu=gpu, at_once=len(gpus)) for cpus, gpu in zip(sets, gpus, strict=True)]


def _cores() -> list[processor_sets.Core]:
    if not hasattr(os, "sched_getaffinity"):
        raise MachineError(
            "this system pins no process to processors, so that cells would disturb each other; one at a time"
        )
    return processor_sets.found(os.sched_getaffinity(0))


def _counted(found: Sequence[processor_sets.Core]) -> str:
    cpus = sum(map(len, found))
    return f"{cpus} processors on {len(found)} cores"
