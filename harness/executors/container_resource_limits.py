"""What a container may use at most."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.errors import UserError
from harness.executors.slots import WHOLE, Slot
from harness.matrix_schema import Container

_GIB = 2**30
_MIB = 2**20
# What is left out of the matrix: nearly all of the machine, so that a search that leaks ends before the machine does.
_SHARE_OF_MEMORY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """Processors, memory (swap included), processes and threads, shared memory, and seconds (None: no deadline)."""

    cpus: float
    memory_bytes: int
    pids: int
    shm_bytes: int
    deadline_s: float | None

    @classmethod
    def declared(cls, asked: Container, *, cpus: int, memory_bytes: int, slot: Slot = WHOLE) -> ContainerLimits:
        """Complete a matrix's ``[container]`` section for an engine with ``cpus`` and ``memory_bytes``.

        What it leaves out is all that the engine has: ``within`` gives the part of a slot.

        Raises:
            UserError: A slot such as ``slot`` has less than is asked for.
        """
        alone = slot.at_once == 1
        has = "the engine has" if alone else f"each of {slot.at_once} cells at once has"
        way = "lower it" if alone else "lower it, or --at-once"
        most_cpus = cpus if slot.cpus is None else len(slot.cpus)
        if asked.cpus is not None and asked.cpus > most_cpus:
            raise UserError(f"container.cpus: {asked.cpus:g} asked for, but {has} {most_cpus}; {way}")
        most_gib = memory_bytes / slot.at_once / _GIB
        if asked.memory_gib is not None and asked.memory_gib > most_gib:
            raise UserError(f"container.memory_gib: {asked.memory_gib:g} asked for, but {has} {most_gib:.1f}; {way}")
        share = memory_bytes * _SHARE_OF_MEMORY
        return cls(
            cpus=float(cpus) if asked.cpus is None else asked.cpus,
            memory_bytes=int(share if asked.memory_gib is None else asked.memory_gib * _GIB),
            pids=asked.pids,
            shm_bytes=asked.shm_mib * _MIB,
            deadline_s=asked.deadline_s,
        )

    def within(self, slot: Slot, *, memory_bytes: int) -> ContainerLimits:
        """Return the limits of a worker in a slot, one of several on an engine with ``memory_bytes``."""
        fits = self.memory_bytes * slot.at_once <= memory_bytes
        share = int(memory_bytes * _SHARE_OF_MEMORY) // slot.at_once
        return replace(
            self,
            cpus=self.cpus if slot.cpus is None else min(self.cpus, float(len(slot.cpus))),
            memory_bytes=self.memory_bytes if fits else share,
        )
