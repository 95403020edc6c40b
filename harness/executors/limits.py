"""What a container may use at most."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UserError
from harness.spec import Container

_GIB = 2**30
_MIB = 2**20
# What is left out of the matrix: nearly all of the machine, so that a search that leaks ends before the machine does.
_SHARE_OF_MEMORY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Processors, memory (swap included), processes and threads, shared memory, and seconds (None: no deadline)."""

    cpus: float
    memory_bytes: int
    pids: int
    shm_bytes: int
    deadline_s: float | None

    @classmethod
    def declared(cls, asked: Container, *, cpus: int, memory_bytes: int) -> Limits:
        """Complete a matrix's ``[container]`` section for an engine with ``cpus`` and ``memory_bytes``.

        Raises:
            UserError: The engine has less than is asked for.
        """
        if asked.cpus is not None and asked.cpus > cpus:
            raise UserError(f"container.cpus: {asked.cpus:g} asked for, but the engine has {cpus}; lower it")
        if asked.memory_gib is not None and asked.memory_gib * _GIB > memory_bytes:
            has = f"{memory_bytes / _GIB:.1f}"
            raise UserError(f"container.memory_gib: {asked.memory_gib:g} asked for, but the engine has {has}; lower it")
        share = memory_bytes * _SHARE_OF_MEMORY
        return cls(
            cpus=float(cpus) if asked.cpus is None else asked.cpus,
            memory_bytes=int(share if asked.memory_gib is None else asked.memory_gib * _GIB),
            pids=asked.pids,
            shm_bytes=asked.shm_mib * _MIB,
            deadline_s=asked.deadline_s,
        )
