"""How many backbones, epochs and seeds a budget has room for, by the forecast of ``harness plan``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.campaign import forecast_totals
from harness.campaign.forecast import Rates
from harness.campaign.forecast_totals import Total
from harness.cells import Cell
from harness.matrix_advice.spending import Spending
from harness.matrix_schema import Budget

EPOCHS_PER_TRIAL = 10
# A search needs some trials to learn from, and a comparison some seeds to tell a difference from chance.
_RUNGS = ((2, 240, 8), (2, 120, 4), (1, 120, 4), (1, 60, 3), (1, 40, 1))
_MOST_SEEDS = 20
# Runs of one machine differ by a quarter; tables, pictures and the start of workers take their time too.
_SHARE = 0.75
_APART_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A comparison of the first ``backbones``, with ``seeds`` searches of ``epochs`` for each tuner.

    ``total`` is its forecast; ``is_within`` whether that is less than what may be spent.
    """

    backbones: int
    epochs: int
    seeds: int
    total: Total
    is_within: bool


def fitted(cells: Sequence[Cell], rates: Rates, spending: Spending) -> Fit:
    """Return the largest comparison that ``spending`` has room for; the smallest one where it has none.

    Args:
        cells: One seed's cells, of every backbone and tuner.
        rates: What like cells took.
        spending: What the whole may take.
    """
    names = list(dict.fromkeys(cell.names.backbone for cell in cells))
    tuners = len({cell.names.tuner for cell in cells})
    room = _room(spending)
    for backbones, epochs, least in _RUNGS:
        chosen = _chosen(cells, names[:backbones], epochs)
        share = spending.share_of(forecast_totals.total(chosen, rates))
        seeds = _balanced(math.floor(room / share) if share else 0, tuners)
        if backbones <= len(names) and seeds >= least:
            return _fit(chosen, rates, spending, (backbones, epochs, seeds))
    backbones, epochs, least = _RUNGS[-1]
    return _fit(_chosen(cells, names[:backbones], epochs), rates, spending, (backbones, epochs, least))


def _room(spending: Spending) -> float:
    """Return the share of it that searches may be forecast to take."""
    apart = 0.0 if spending.wall_s is None else _APART_S / spending.wall_s
    return max(0.0, _SHARE - apart)


def _balanced(seeds: int, tuners: int) -> int:
    """Return so many seeds that each tuner stands in each place equally often, where there are enough for that."""
    kept = min(seeds, _MOST_SEEDS)
    return kept - kept % tuners if kept >= tuners else kept


def _chosen(cells: Sequence[Cell], names: Sequence[str], epochs: int) -> list[Cell]:
    change = {"budget": Budget(epochs=epochs)}
    return [cell.model_copy(update=change) for cell in cells if cell.names.backbone in names]


def _fit(cells: Sequence[Cell], rates: Rates, spending: Spending, size: tuple[int, int, int]) -> Fit:
    backbones, epochs, seeds = size
    total = forecast_totals.total([cell for cell in cells for _ in range(seeds)], rates)
    share = spending.share_of(total)
    return Fit(backbones=backbones, epochs=epochs, seeds=seeds, total=total, is_within=share is not None and share < 1)
