"""Which processors are one core, and how cores are divided so that cells at work side by side share none.

Topology: https://docs.kernel.org/admin-guide/cputopology.html.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from harness.errors import MachineError

SYSFS = Path("/sys/devices/system/cpu")

Core = tuple[int, ...]


def found(allowed: Collection[int], *, sysfs: Path = SYSFS) -> list[Core]:
    """Return the allowed processors by core, hyper-threads together; neighbours stand side by side.

    Raises:
        MachineError: The kernel doesn't say which processors share a core.
    """
    try:
        by_core = {_siblings(cpu, sysfs): _package(cpu, sysfs) for cpu in allowed}
    except (OSError, ValueError) as error:
        raise MachineError(
            f"{sysfs}: doesn't say which processors share a core ({error}); leave --at-once out"
        ) from error
    within = sorted((package, tuple(sorted(core.intersection(allowed)))) for core, package in by_core.items())
    return [core for _, core in within]


def numbers(cores: Sequence[Core]) -> list[int]:
    """Return into how many equal sets the cores can be divided with none left over."""
    most = math.gcd(*map(len, _alike(cores)))
    return [number for number in range(1, most + 1) if most % number == 0]


def divided(cores: Sequence[Core], number: int) -> list[Core]:
    """Return ``number`` disjoint sets of processors, of as many whole cores each; what doesn't divide is in none.

    Cores with and without hyper-threads are dealt out apart, so that every set has as many of each.
    """
    return [tuple(sorted(_share(cores, number, position))) for position in range(number)]


def _share(cores: Sequence[Core], number: int, position: int) -> Iterator[int]:
    for alike in _alike(cores):
        size = len(alike) // number
        for core in alike[position * size : (position + 1) * size]:
            yield from core


def _alike(cores: Sequence[Core]) -> list[list[Core]]:
    """Return the cores by how many processors of each may be used."""
    by_size: dict[int, list[Core]] = defaultdict(list)
    for core in cores:
        by_size[len(core)].append(core)
    return list(by_size.values())


def _siblings(cpu: int, sysfs: Path) -> frozenset[int]:
    text = (sysfs / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text()
    return frozenset(each for part in text.strip().split(",") for each in _between(part))


def _between(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def _package(cpu: int, sysfs: Path) -> int:
    return int((sysfs / f"cpu{cpu}" / "topology" / "physical_package_id").read_text())
