"""How busy the machine was with other work while a search ran, and whether its seconds can be trusted.

Read from Linux's ``/proc``, once when the search first asks and once when it ends:

- ``others_share``: processor seconds of all but this process on the processors that it may use, over these
  processors' time (``/proc/stat`` without steal, less ``cpu_s`` of this process and its children);
- ``steal_share``: what the hypervisor took of these processors, over their time (``/proc/stat``);
- ``waiting_share``: share of the time in which some task of the machine waited for a processor, the search's own
  threads included (pressure stall information, "some"; ``/proc/pressure/cpu``);
- ``runnable_others``: mean number of tasks that could run besides the one that looks (``/proc/loadavg``, the
  ``procs_running`` of ``/proc/stat`` without its long list of interrupts), looked at after each trial.

**The rule.** A search is disturbed, and its seconds aren't to be trusted, where others used more than
``MOST_OTHERS_SHARE`` of its processors' time or more than ``MOST_STEAL_SHARE`` was stolen. What waits and could run is
kept and decides nothing: a search with more threads than processors makes its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

from harness.record_schema import BusynessTable, ReadingTable
from harness.search_types import Reading

# The kernel's own work for a search, writing to the disk for example, and a quiet host take a few percent; beyond a
# tenth seconds differ by more than the 5 % that comparisons look for.
MOST_OTHERS_SHARE = 0.10
# Stolen time stops a thread in the midst of its work, and delays all that wait for it: half as much does as much harm.
MOST_STEAL_SHARE = 0.05

_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ, _STEAL = 0, 1, 2, 5, 6, 7
_BUSY = (_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One look: seconds of the processors, of tasks that waited anywhere, and of this process."""

    at_s: float
    busy_s: Reading
    steal_s: Reading
    waited_s: Reading
    cpu_s: float


@dataclass(slots=True, kw_only=True)
class Busyness:
    """Looks at ``proc`` from its making on, for the processors ``cpus``; ``clock`` and ``cpu_s`` tell seconds."""

    cpus: Collection[int]
    clock: Callable[[], float]
    cpu_s: Callable[[], float]
    proc: Path = Path("/proc")
    _runnable: list[Reading] = field(default_factory=list)
    _first: _Seen = field(init=False)

    def __post_init__(self) -> None:
        """Take the first look."""
        self._first = self._look()

    def sample(self) -> None:
        """Count who could run now."""
        self._runnable.append(_read(self.proc / "loadavg", _runnable_others))

    def facts(self, *, resumed: bool) -> dict[str, object]:
        """Return what a record keeps: each share with its value or the reason why it is unknown."""
        first, last = self._first, self._look()
        span_s = last.at_s - first.at_s
        of_cpus_s = span_s * len(self.cpus)
        used_s = last.cpu_s - first.cpu_s
        return {
            "covers": "its last process, which resumed the search" if resumed else "first ask to end",
            "span_s": span_s,
            "others_share": asdict(_share(first.busy_s, last.busy_s, of_s=of_cpus_s, less_s=used_s)),
            "steal_share": asdict(_share(first.steal_s, last.steal_s, of_s=of_cpus_s)),
            "waiting_share": asdict(_share(first.waited_s, last.waited_s, of_s=span_s)),
            "runnable_others": asdict(_mean(self._runnable)),
        }

    def _look(self) -> _Seen:
        stat = self.proc / "stat"
        return _Seen(
            at_s=self.clock(),
            busy_s=_read(stat, lambda text: _of_cpus(text, self.cpus, _BUSY)),
            steal_s=_read(stat, lambda text: _of_cpus(text, self.cpus, (_STEAL,))),
            waited_s=_read(self.proc / "pressure" / "cpu", _waited_s),
            cpu_s=self.cpu_s(),
        )


def disturbance(busyness: BusynessTable) -> str | None:
    """Return in words what disturbed a search, by the rule above; None where nothing is known to have."""
    others, steal = _value(busyness.others_share), _value(busyness.steal_share)
    found = []
    if others is not None and others > MOST_OTHERS_SHARE:
        found.append(f"others used {100 * others:.0f} % of its processors' time")
    if steal is not None and steal > MOST_STEAL_SHARE:
        found.append(f"the hypervisor took {100 * steal:.0f} % of its processors' time")
    return ", ".join(found) or None


def _value(reading: ReadingTable | None) -> float | None:
    return None if reading is None else reading.value


def _share(first: Reading, last: Reading, *, of_s: float, less_s: float = 0.0) -> Reading:
    if first.value is None or last.value is None:
        return first if first.value is None else last
    if of_s <= 0:
        return Reading.unknown("no time passed")
    # Own seconds are counted by the scheduler, all others by ticks of the clock: their difference may fall below 0.
    return Reading(value=max(0.0, last.value - first.value - less_s) / of_s)


def _mean(looks: Collection[Reading]) -> Reading:
    values = [look.value for look in looks if look.value is not None]
    if values:
        return Reading(value=fmean(values))
    return next(iter(looks), Reading.unknown("no trial ended"))


def _read(path: Path, parse: Callable[[str], float]) -> Reading:
    try:
        return Reading(value=parse(path.read_text("utf-8")))
    except OSError as error:
        return Reading.unknown(f"{path}: {error.strerror}")
    except (ValueError, LookupError) as error:
        return Reading.unknown(f"{path}: not as Linux writes it ({error})")


def _of_cpus(text: str, cpus: Collection[int], columns: Collection[int]) -> float:
    lines = dict(line.split(maxsplit=1) for line in text.splitlines() if line.startswith("cpu"))
    counted = [[int(ticks) for ticks in lines[f"cpu{cpu}"].split()] for cpu in cpus]
    if not any(map(sum, counted)):
        raise ValueError("all counters are 0")
    return sum(ticks[column] for ticks in counted for column in columns) / os.sysconf("SC_CLK_TCK")


def _waited_s(text: str) -> float:
    (line,) = (line for line in text.splitlines() if line.startswith("some "))
    return int(line.rpartition("total=")[2]) / 1e6


def _runnable_others(text: str) -> float:
    return max(0.0, float(text.split()[3].split("/", maxsplit=1)[0]) - 1)
