"""What a search cost, from its trials and the phases after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.incumbent_curves import charged_s, total
from harness.phase_clock import BUILD, DEVICE, THINKING, on_the_clock
from harness.prices import Prices
from harness.record_schema import BuiltTable, EnvironmentTable, ReadingTable
from harness.search_types import Outcome, Reading, Trial

# After the last tell the search still stores that trial and asks once more; the rest of the closing is the process's.
_CLOSING = ("ask", "tell", "checkpoint")
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What went into trials: their number, the epochs charged, and their seconds without the audit."""

    trials: int
    epochs: int
    wall_s: float | None

    def __add__(self, other: Spent) -> Spent:
        """Return what went into both."""
        return Spent(
            trials=self.trials + other.trials,
            epochs=self.epochs + other.epochs,
            wall_s=total([self.wall_s, other.wall_s]),
        )


NOTHING = Spent(trials=0, epochs=0, wall_s=0.0)
"""What went into no trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one search spent.

    ``wall_s`` is what the search is charged for: every phase of its trials but builds, the audit and the reading of
    meters, and the ask, tell and checkpoint after the last trial; neither what came before the first ask (start-up,
    data) nor the shutdown. ``device_s`` is training and evaluation, ``thinking_s`` ask and tell, ``cpu_s`` the
    processor seconds of the trials without builds and the audit. ``energy_j`` is unknown as soon as that of one trial
    is. ``epochs`` are the charged ones. ``builds`` and ``build_s`` are charged nowhere: all that the record knows of,
    before the first ask and after it; ``late_build_s`` is the part after it, which the tuner's proposals caused.
    ``outcomes`` divides trials and epochs by how the trials ended; its seconds leave out what came after the last one.
    Seconds and builds are None where another tool trained, and nobody booked them.
    """

    wall_s: float | None
    device_s: float | None
    thinking_s: float | None
    cpu_s: float | None
    energy_j: Reading
    epochs: int
    trials: int
    builds: int | None
    build_s: float | None
    late_build_s: float | None
    outcomes: Mapping[Outcome, Spent]

    @property
    def thinking_share(self) -> float | None:
        """The tuner's thinking as a share of the search seconds; None where there are none."""
        return self.thinking_s / self.wall_s if self.thinking_s is not None and self.wall_s else None


def cost(
    trials: Sequence[Trial],
    *,
    closing_phases: Mapping[str, float],
    energy: ReadingTable,
    setup_phases: Mapping[str, float] | None = None,
    model: BuiltTable | None = None,
) -> Cost:
    """Return what a search with these trials cost.

    ``energy`` says why joules are unknown, if they are; ``setup_phases`` and ``model`` what was built before.
    """
    closing = {name: closing_phases.get(name, 0.0) for name in _CLOSING}
    before = setup_phases or {}
    spent = [*(trial.phases for trial in trials), closing]
    late_build_s = _booked(spent, BUILD)
    is_known = all(trial.phases for trial in trials)
    return Cost(
        wall_s=sum(on_the_clock(dict(phases)) for phases in spent) if is_known else None,
        device_s=_booked(spent, DEVICE) if is_known else None,
        thinking_s=_booked(spent, THINKING) if is_known else None,
        cpu_s=total(trial.cpu_s for trial in trials),
        energy_j=_energy(trials, energy),
        epochs=sum(trial.charged_epochs for trial in trials),
        trials=len(trials),
        builds=_builds(trials, before, model or BuiltTable()) if is_known else None,
        build_s=_booked([before], BUILD) + late_build_s if is_known else None,
        late_build_s=late_build_s if is_known else None,
        outcomes=_by_outcome(trials),
    )


def cost_usd(spent: Cost, *, environment: EnvironmentTable, prices: Prices) -> Reading:
    """Return the search seconds in dollars, or the reason why its machine has no price."""
    per_hour = prices.per_hour(environment)
    if per_hour.value is None:
        return per_hour
    if spent.wall_s is None:
        return Reading.unknown("its seconds are unknown")
    return Reading(value=spent.wall_s / _SECONDS_PER_HOUR * per_hour.value)


def _builds(trials: Sequence[Trial], setup_phases: Mapping[str, float], model: BuiltTable) -> int:
    """Return how many builds were made; where the record doesn't count those before the first ask, it was one."""
    prepared = model.builds if "build" in setup_phases else 0
    return prepared + sum("build" in trial.phases for trial in trials)


def _by_outcome(trials: Sequence[Trial]) -> dict[Outcome, Spent]:
    found: dict[Outcome, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.outcome, []).append(trial)
    return {
        outcome: Spent(
            trials=len(alike),
            epochs=sum(trial.charged_epochs for trial in alike),
            wall_s=total(charged_s(trial) for trial in alike),
        )
        for outcome, alike in found.items()
    }


def _booked(spent: Sequence[Mapping[str, float]], names: tuple[str, ...]) -> float:
    return sum(phases.get(name, 0.0) for phases in spent for name in names)


def _energy(trials: Sequence[Trial], energy: ReadingTable) -> Reading:
    read = [trial.energy_j for trial in trials]
    known = [joules for joules in read if joules is not None]
    if read and len(known) == len(read):
        return Reading(value=sum(known))
    if not read:
        return Reading.unknown("no trial was run")
    return Reading.unknown(str(energy.reason or f"unknown in {len(read) - len(known)} of {len(read)} trials"))
