"""What of a matrix saves how much of its time, as far as the forecast can tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.campaign import forecast_totals
from harness.campaign.forecast import Rates
from harness.campaign.forecast_totals import Total
from harness.catalogue.tuners import RANDOM
from harness.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """A change of a matrix, and what is then forecast of the cells that are left; ``share`` of the time is saved."""

    change: str
    total: Total
    share: float


def savings(cells: Sequence[Cell], rates: Rates) -> list[Saving]:
    """Return what saves time of ``cells``, the most first; nothing where their time is unknown.

    Half the seeds, half the epochs, and for backbones, tuners and data sets the one that takes longest left out: random
    search and no tuning stay, as others are compared with them.
    """
    whole = forecast_totals.total(cells, rates).wall_s
    if whole is None or not whole.mean:
        return []
    found = []
    for change, left in _changes(cells, rates):
        total = forecast_totals.total(left, rates)
        if left and total.wall_s is not None:
            found.append(Saving(change=change, total=total, share=1 - total.wall_s.mean / whole.mean))
    return sorted(found, key=lambda saving: -saving.share)


def _changes(cells: Sequence[Cell], rates: Rates) -> Iterator[tuple[str, list[Cell]]]:
    seeds = sorted({cell.seed for cell in cells})
    kept = seeds[: math.ceil(len(seeds) / 2)]
    if len(kept) < len(seeds):
        yield f"{len(kept)} of {len(seeds)} seeds", [cell for cell in cells if cell.seed in kept]
    epochs = {cell.budget.epochs for cell in cells}
    if None not in epochs:
        yield "half the epochs", list(map(_halved, cells))
    yield from _without(cells, rates, "backbone", lambda cell: cell.names.backbone)
    yield from _without(cells, rates, "data set", lambda cell: cell.names.dataset)
    searching = [cell for cell in cells if cell.tuner.tuner not in (*RANDOM, "default")]
    for name in _longest(searching, rates, lambda cell: cell.names.tuner):
        yield f"without the tuner {name}", [cell for cell in cells if cell.names.tuner != name]


def _halved(cell: Cell) -> Cell:
    budget = cell.budget.model_copy(update={"epochs": math.ceil((cell.budget.epochs or 0) / 2)})
    return cell.model_copy(update={"budget": budget})


def _without(
    cells: Sequence[Cell], rates: Rates, what: str, name_of: Callable[[Cell], str]
) -> Iterator[tuple[str, list[Cell]]]:
    for name in _longest(cells, rates, name_of):
        yield f"without the {what} {name}", [cell for cell in cells if name_of(cell) != name]


def _longest(cells: Sequence[Cell], rates: Rates, name_of: Callable[[Cell], str]) -> list[str]:
    """Return the name whose cells take longest together, in a list; nothing where there is one name alone."""
    names = list(dict.fromkeys(map(name_of, cells)))

    def taken_s(name: str) -> float:
        total = forecast_totals.total([cell for cell in cells if name_of(cell) == name], rates).wall_s
        return 0.0 if total is None else total.mean

    return [max(names, key=taken_s)] if len(names) > 1 else []
