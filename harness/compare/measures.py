"""What is compared: how it is read from a search, which way is worse, and the least change that matters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis import SearchResult, Status, Target
from harness.analysis import incumbent_curves as incumbents
from harness.errors import UserError
from harness.record_schema import ReadingTable

_MISS_PENALTY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing that may become worse.

    ``minimum`` is the least change that counts, ``drift`` what a machine may do by itself from one night to another and
    a change is tested against: differences of scores, or shares (0.05 is 5 %) where ``is_ratio``.
    """

    name: str
    title: str
    unit: str
    minimum: float
    drift: float = 0.0
    is_ratio: bool = True

    def change(self, baseline: float, candidate: float) -> float:
        """Return how much worse the candidate is: the score lost, or the logarithm of its cost over the baseline's."""
        return math.log(candidate / baseline) if self.is_ratio else baseline - candidate

    @property
    def least(self) -> float:
        """The minimum on the scale of ``change``."""
        return self._scaled(self.minimum)

    @property
    def granted(self) -> float:
        """The drift on the scale of ``change``."""
        return self._scaled(self.drift)

    def _scaled(self, amount: float) -> float:
        return math.log1p(amount) if self.is_ratio else amount


SCORE = Measure(name="score", title="test score at equal epochs", unit="", minimum=0.01, is_ratio=False)
TARGET = Measure(name="target", title="cost to target", unit="s", minimum=0.10, drift=0.02)
EPOCH = Measure(name="epoch", title="seconds per epoch", unit="s", minimum=0.05, drift=0.02)
THINKING = Measure(name="thinking", title="thinking per trial", unit="s", minimum=0.05, drift=0.02)
STARTUP = Measure(name="startup", title="start-up", unit="s", minimum=0.05, drift=0.02)
MEMORY = Measure(name="memory", title="peak memory", unit="MiB", minimum=0.05)
DEVICE_MEMORY = Measure(name="device-memory", title="peak device memory", unit="MiB", minimum=0.05)

MEASURES = (SCORE, TARGET, EPOCH, THINKING, STARTUP, MEMORY, DEVICE_MEMORY)
"""Everything that is compared, in the order of the tables."""

_MIB = 2**20


def named(measures: Sequence[Measure], score: str) -> tuple[Measure, ...]:
    """Return the measures with the score called by its name, as ``macro-F1``."""
    title = SCORE.title.replace("score", score)
    return tuple(replace(measure, title=title) if measure.name == SCORE.name else measure for measure in measures)


def with_minimums(given: Mapping[str, float]) -> tuple[Measure, ...]:
    """Return the measures with these least changes that count, by name.

    Raises:
        UserError: There is no such measure, or the change is less than 0.
    """
    known = [measure.name for measure in MEASURES]
    for name, minimum in given.items():
        if name not in known:
            raise UserError(f"--minimum {name} {minimum:g}: no such measure; choose from {', '.join(known)}")
        if not (math.isfinite(minimum) and minimum >= 0):
            raise UserError(f"--minimum {name} {minimum:g}: not a change that counts; give 0 or more")
    return tuple(replace(measure, minimum=given.get(measure.name, measure.minimum)) for measure in MEASURES)


def readings(search: SearchResult) -> dict[str, float]:
    """Return what one finished search says by itself, by the measure's name; what is unknown is left out.

    ``score`` is here that of the whole search.
    """
    if search.record is None or search.cost is None:
        return {}
    cost, record = search.cost, search.record
    found = {
        SCORE.name: search.test_score,
        EPOCH.name: cost.device_s / cost.epochs if cost.epochs and cost.device_s is not None else None,
        THINKING.name: cost.thinking_s / cost.trials if cost.trials and cost.thinking_s is not None else None,
        STARTUP.name: record.setup_phases.get("startup"),
        MEMORY.name: _mib(record.peak_memory_bytes),
        DEVICE_MEMORY.name: _mib(record.device_peak_memory_bytes),
    }
    return {name: value for name, value in found.items() if value is not None and _is_sound(name, value)}


def paired(baseline: SearchResult, candidate: SearchResult, goal: Target | None) -> dict[str, tuple[float, float]]:
    """Return baseline's and candidate's value of every measure that both have, by the measure's name."""
    ours, theirs = readings(baseline), readings(candidate)
    found = {name: (ours[name], theirs[name]) for name in ours if name in theirs and name != SCORE.name}
    score = _score_at_equal_epochs(baseline, candidate)
    costs = None if goal is None else (_cost_to(baseline, goal), _cost_to(candidate, goal))
    return (
        found
        | ({} if score is None else {SCORE.name: score})
        | ({} if not costs or min(costs) <= 0 else {TARGET.name: costs})
    )


def is_scored(search: SearchResult) -> bool:
    """Whether the search ran to its end and has an incumbent."""
    return search.status is Status.OK and search.incumbent is not None


def _score_at_equal_epochs(baseline: SearchResult, candidate: SearchResult) -> tuple[float, float] | None:
    """Return both incumbents' test score when the search that was charged fewer epochs had ended."""
    if baseline.cost is None or candidate.cost is None:
        return None
    epochs = min(baseline.cost.epochs, candidate.cost.epochs)
    ours, theirs = _score_after(baseline, epochs), _score_after(candidate, epochs)
    return None if ours is None or theirs is None else (ours, theirs)


def _score_after(search: SearchResult, epochs: int) -> float | None:
    reached = [step.test_score for step in search.curve if step.epochs <= epochs]
    return reached[-1] if reached else None


def _cost_to(search: SearchResult, goal: Target) -> float:
    """Return the search seconds to the goal; a miss counts twice what was spent (PAR2, as in SAT competitions).

    Unknown seconds are 0, which no search takes.
    """
    step = incumbents.first_at(search.curve, goal.at(search.training_seed))
    spent_s = None if search.cost is None else search.cost.wall_s
    return _MISS_PENALTY * (spent_s or 0.0) if step is None else step.wall_s or 0.0


def _mib(reading: ReadingTable) -> float | None:
    return None if reading.value is None else reading.value / _MIB


def _is_sound(name: str, value: float) -> bool:
    # A cost of 0 has no ratio to anything.
    return math.isfinite(value) and (value > 0 or name == SCORE.name)
