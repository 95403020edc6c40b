"""What the retrainings at multiples of the best learning rate found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis.incumbent_curves import best_epoch
from harness.analysis.means_and_t_intervals import Interval, interval
from harness.analysis.results_reading import MatrixResults, SearchResult, Status
from harness.results_folder import GroupName
from harness.search_types import Epoch, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePoint:
    """One learning rate at which a group's best configuration was trained again; ``factor`` 1 is what was found."""

    group: GroupName
    learning_rate: float
    factor: float | None


def checks(results: MatrixResults) -> dict[RatePoint, list[Epoch | None]]:
    """Return each training's best epoch by learning rate, in the order of the plan; None where none has a score."""
    found: dict[RatePoint, list[Epoch | None]] = {}
    names = {search.planned.group: search for search in reversed(results.searches)}
    for search in results.retrainings:
        if search.status is Status.OK:
            belongs = names.get(search.planned.parent_group or "", search)
            for point, trial in _trials(search, belongs):
                found.setdefault(point, []).append(best_epoch(trial))
    order = list(dict.fromkeys(point.group for point in found))
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0].group), item[0].learning_rate)))


def intervals_of(epochs: list[Epoch | None]) -> tuple[Interval, Interval]:
    """Return validation and test scores over trainings; those without a score are left out."""
    known = [epoch for epoch in epochs if epoch is not None]
    test_score = interval([epoch.test_score for epoch in known if epoch.test_score is not None])
    return interval([epoch.val_score for epoch in known]), test_score


def _trials(search: SearchResult, belongs: SearchResult) -> Iterator[tuple[RatePoint, Trial]]:
    base = _base(search)
    for trial in search.trials:
        rate = trial.parameters.get("learning_rate")
        if isinstance(rate, (int, float)):
            factor = float(f"{rate / base:.6g}") if base else None
            yield RatePoint(group=belongs.planned.name.group, learning_rate=rate, factor=factor), trial


def _base(search: SearchResult) -> float | None:
    table = search.domains.get("learning_rate")
    found = None if table is None else table.domain.default
    return found if isinstance(found, (int, float)) else None
