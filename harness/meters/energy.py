"""Joules from the processor's own counter (RAPL). GPU counters are read on the host of a container."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.model import Reading

POWERCAP = Path("/sys/class/powercap")


class EnergyCounter(Protocol):
    """A counter of joules that only grows."""

    def read_j(self) -> float:
        """Return joules since some fixed moment."""
        ...


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
