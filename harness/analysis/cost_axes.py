"""What a score is drawn and judged against: the cost axes, and where a search's incumbents stand on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import attrgetter

from harness.analysis.costs import cost_usd
from harness.analysis.incumbent_curves import Step
from harness.analysis.results_reading import SearchResult
from harness.prices import Prices
from harness.search_types import Reading

_SECONDS_PER_HOUR = 3600


class Axis(StrEnum):
    """A kind of cost. Each counts the tuner's thinking where it can, and none the audit on test images."""

    EPOCHS = "epochs"
    WALL_S = "wall_s"
    DEVICE_S = "device_s"
    ENERGY_J = "energy_j"
    COST_USD = "cost_usd"

    @property
    def label(self) -> str:
        """The axis as a reader sees it, with its unit."""
        return _LABELS[self]


class Score(StrEnum):
    """On which images an incumbent is scored."""

    VALIDATION = "val_score"
    TEST = "test_score"

    def called(self, name: str) -> str:
        """Return the score as a reader sees it; ``name`` is what it is called, as ``macro-F1``."""
        return f"{'validation' if self is Score.VALIDATION else 'test'} {name}"

    def of(self, step: Step) -> float | None:
        """Return the score of an incumbent; None where it was not recorded."""
        return step.val_score if self is Score.VALIDATION else step.test_score


_SPENT_BY: dict[Axis, Callable[[Step], float | None]] = {
    Axis.WALL_S: attrgetter("wall_s"),
    Axis.DEVICE_S: attrgetter("device_s"),
    Axis.ENERGY_J: attrgetter("energy_j"),
}

_LABELS = {
    Axis.EPOCHS: "epochs",
    Axis.WALL_S: "search s",
    Axis.DEVICE_S: "device s",
    Axis.ENERGY_J: "joules",
    Axis.COST_USD: "USD",
}


def spent(search: SearchResult, *, axis: Axis, prices: Prices) -> Reading:
    """Return what the whole search cost on ``axis``, or the reason why that is unknown."""
    cost = search.cost
    if cost is None:
        return Reading.unknown(search.reason or "no record")
    if axis is Axis.ENERGY_J:
        return cost.energy_j
    if axis is Axis.COST_USD:
        return cost_usd(cost, environment=search.environment, prices=prices)
    found = {Axis.EPOCHS: cost.epochs, Axis.WALL_S: cost.wall_s}.get(axis, cost.device_s)
    return Reading.unknown("another tool trained it") if found is None else Reading(value=float(found))


def rate(search: SearchResult, *, axis: Axis, prices: Prices | None) -> float | None:
    """Return the dollars per hour of the search's device where ``axis`` counts in dollars and a price is known."""
    return None if axis is not Axis.COST_USD or prices is None else prices.per_hour(search.environment).value


def costs(search: SearchResult, *, axis: Axis, prices: Prices) -> tuple[float, ...] | None:
    """Return what had been spent when each incumbent of ``search.curve`` took over; None where one is unknown."""
    return costs_of(search.curve, search, axis=axis, prices=prices)


def costs_of(
    steps: Sequence[Step], search: SearchResult, *, axis: Axis, prices: Prices | None
) -> tuple[float, ...] | None:
    """Return what had been spent at each of these steps of ``search``; None where one is unknown."""
    if axis is Axis.COST_USD:
        per_hour = rate(search, axis=axis, prices=prices)
        seconds = [step.wall_s for step in steps if step.wall_s is not None]
        if per_hour is None or len(seconds) < len(steps):
            return None
        return tuple(each / _SECONDS_PER_HOUR * per_hour for each in seconds)
    if axis is Axis.EPOCHS:
        return tuple(float(step.epochs) for step in steps)
    found = tuple(map(_SPENT_BY[axis], steps))
    return None if None in found else tuple(each for each in found if each is not None)
