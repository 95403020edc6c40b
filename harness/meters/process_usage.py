"""CPU seconds, joules and memory of this process and its children."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.meters.energy import EnergyCounter
from harness.search_types import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used up between two readings; ``energy_j`` is None where no counter can be read."""

    cpu_s: float
    energy_j: float | None


class Usage:
    """Counts CPU seconds and joules from one ``take`` to the next, without what passes while ``paused``.

    What the readings themselves use is left out too.
    """

    def __init__(self, *, cpu_s: Callable[[], float], energy: EnergyCounter | None) -> None:
        """Begin now."""
        self._cpu_s = cpu_s
        self._energy = energy
        self._mark = self._begin()
        self._sum = Used(cpu_s=0.0, energy_j=None if energy is None else 0.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what the block uses."""
        self._add()
        try:
            yield
        finally:
            self._mark = self._begin()

    def take(self) -> Used:
        """Return what was used since the last ``take``, and begin anew."""
        with self.paused():
            taken = self._sum
            self._sum = Used(cpu_s=0.0, energy_j=None if self._energy is None else 0.0)
        return taken

    def _begin(self) -> Used:
        # In this order, as in the other below: reading joules uses CPU seconds.
        energy_j = self._energy_j()
        return Used(cpu_s=self._cpu_s(), energy_j=energy_j)

    def _end(self) -> Used:
        cpu_s = self._cpu_s()
        return Used(cpu_s=cpu_s, energy_j=self._energy_j())

    def _energy_j(self) -> float | None:
        return None if self._energy is None else self._energy.read_j()

    def _add(self) -> None:
        now = self._end()
        energy_j = None
        if self._sum.energy_j is not None and now.energy_j is not None and self._mark.energy_j is not None:
            energy_j = self._sum.energy_j + now.energy_j - self._mark.energy_j
        self._sum = Used(cpu_s=self._sum.cpu_s + now.cpu_s - self._mark.cpu_s, energy_j=energy_j)


def cpu_s() -> float:
    """Return user and system seconds of this process and of its children that have ended."""
    import resource  # noqa: PLC0415 - no part of Windows, where tables are made and nothing is searched

    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_memory() -> Reading:
    """Return the largest resident memory of this process so far, in bytes."""
    import resource  # noqa: PLC0415 - as above

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    return Reading(value=float(peak if sys.platform == "darwin" else peak * 1024))
