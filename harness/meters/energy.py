"""Joules of the device that trains: the processor's own counter (RAPL), or a GPU's. Never both in one number."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.meters.nvml import Gpu
from harness.search_types import Reading

POWERCAP = Path("/sys/class/powercap")


class EnergyCounter(Protocol):
    """A counter of joules that only grows."""

    def read_j(self) -> float | None:
        """Return joules since some fixed moment; None where the counter doesn't answer this time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Where trials' joules come from: a counter and what it ``covers``, or None and the ``reason``."""

    counter: EnergyCounter | None
    covers: str
    reason: str | None = None

    @property
    def facts(self) -> dict[str, float | str | None]:
        """What a record says of it: a reading of 0 joules at the search's start where the counter can be read."""
        return {"value": None if self.counter is None else 0.0, "reason": self.reason, "covers": self.covers}


@dataclass(slots=True)
class RaplCounter:
    """The processor packages' energy, from Linux's powercap files.

    The files count microjoules and wrap at ``max_energy_range_uj``; one wrap between two readings is undone. Only
    whole packages are summed: cores and memory domains overlap with them.
    """

    packages: tuple[Path, ...]
    _wraps_uj: dict[Path, int] = field(default_factory=dict)
    _last_uj: dict[Path, int] = field(default_factory=dict)

    def read_j(self) -> float:
        """Return joules, wraps undone."""
        return sum(self._unwrapped_uj(package) for package in self.packages) / 1e6

    def _unwrapped_uj(self, package: Path) -> int:
        now = int((package / "energy_uj").read_text())
        if now < self._last_uj.get(package, 0):
            wrap = int((package / "max_energy_range_uj").read_text())
            self._wraps_uj[package] = self._wraps_uj.get(package, 0) + wrap
        self._last_uj[package] = now
        return now + self._wraps_uj.get(package, 0)


def find_energy_counter(powercap: Path = POWERCAP) -> tuple[EnergyCounter | None, Reading]:
    """Return the processor's energy counter, or None and the reason as an unknown reading."""
    # intel-rapl:0 is a package, intel-rapl:0:1 a part of it. AMD processors use the same names.
    packages = tuple(path for path in sorted(powercap.glob("intel-rapl:*")) if path.name.count(":") == 1)
    if not packages:
        return None, Reading.unknown(f"no RAPL counter under {powercap}")
    counter = RaplCounter(packages)
    try:
        counter.read_j()
    except PermissionError:
        return None, Reading.unknown(f"{packages[0] / 'energy_uj'} is readable by root only")
    except OSError as error:
        return None, Reading.unknown(f"{packages[0] / 'energy_uj'} can't be read: {error.strerror}")
    return counter, Reading(value=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCounter:
    """A GPU's energy since its driver was loaded."""

    gpu: Gpu

    def read_j(self) -> float | None:
        """Return joules."""
        return self.gpu.energy_j().value


def of_processor(powercap: Path = POWERCAP, *, at_once: int = 1) -> Energy:
    """Return the processor packages' energy: for searches that train on the CPU.

    Unknown where several cells are ``at_once`` under way: the counter knows no shares, and all of it for each of them
    would count every joule so many times.
    """
    covers = "processor packages (RAPL)"
    if at_once > 1:
        return Energy(counter=None, covers=covers, reason=f"{at_once} cells at once share the processor's counter")
    counter, reading = find_energy_counter(powercap)
    return Energy(counter=counter, covers=covers, reason=reading.reason)


def of_gpu(gpu: Gpu | Reading) -> Energy:
    """Return a GPU's energy, for searches that train on it; the processor's is not in it, nor the rest's."""
    reading = gpu.energy_j() if isinstance(gpu, Gpu) else gpu
    counter = GpuCounter(gpu=gpu) if isinstance(gpu, Gpu) and reading.value is not None else None
    return Energy(counter=counter, covers="the GPU (NVML)", reason=reading.reason)
