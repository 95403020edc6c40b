"""How long what is left of a run will take: forecast from its start on, corrected by each cell that ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.campaign import forecast, totals
from harness.campaign.forecast import Rate, Rates
from harness.campaign.totals import BETWEEN_RUNS, Estimate
from harness.cells import Cell

# Where the spread is unknown, so much longer than forecast is slow.
_SLOW = 1.25


def _nothing() -> Rates:
    return {}


class Outlook:
    """Knows which cells are left, since when some of them are at work, and how long others took.

    What a kind of cell took in this run counts alone. Where none has ended yet, what it took earlier counts, times the
    pace of this run: how long the cells that have ended took, over their forecast at the start.
    """

    def __init__(
        self, rates: Callable[[], Rates] = _nothing, *, slots: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Expect nothing yet; ``rates`` gives what is known by then, on so many ``slots`` cells run side by side."""
        self._rates = rates
        self._slots = slots
        self._clock = clock
        self._before: Mapping[str, Sequence[Rate]] | None = None
        self._left: dict[str, Cell] = {}
        self._at_work: dict[str, tuple[float, float]] = {}
        self._ended: list[Cell] = []
        self._took_s = 0.0
        self._forecast: Estimate | None = None
        self.pace = 1.0
        """How long the cells that ended took, over their forecast at the start of the run; 1 where nothing is known."""
        self.is_slow = False
        """Whether they took longer than the spread of earlier ones explains."""

    def expects(self, cells: Iterable[Cell]) -> None:
        """Begin with these cells left, those included that are only known to follow."""
        if self._before is None:
            self._before = {key: tuple(found) for key, found in self._rates().items()}
        self._left = {cell.id: cell for cell in cells}
        self._learn()

    def begins(self, cell: Cell) -> None:
        """Count the seconds of a cell at work as spent, up to those that it was forecast to take."""
        known_s = forecast.seconds(cell, self._known()) if cell.id in self._left else None
        self._at_work[cell.id] = self._clock(), known_s or 0.0

    def ends(self, cell: Cell, *, wall_s: float | None) -> None:
        """Take the cell away and learn from its seconds; None where they tell nothing of others, as of a failure."""
        self._left.pop(cell.id, None)
        self._at_work.pop(cell.id, None)
        if wall_s is not None and self._before is not None and forecast.known(cell, self._before):
            self._ended.append(cell)
            self._took_s += wall_s
        self._learn()

    @property
    def is_known(self) -> bool:
        """Whether there is a forecast: something like each cell was run here."""
        return self._forecast is not None

    @property
    def is_expecting(self) -> bool:
        """Whether any cell is left."""
        return bool(self._left)

    def left_s(self) -> Estimate | None:
        """Return the seconds that are left, with a 95 % prediction interval; None where they can't be told."""
        whole = self._forecast
        if whole is None:
            return None
        now = self._clock()
        spent_s = sum(min(now - began, known_s) for began, known_s in tuple(self._at_work.values()))

        def rest(value: float) -> float:
            return max(0.0, value - spent_s) / self._slots

        if whole.low is None or whole.high is None:
            return Estimate(mean=rest(whole.mean), low=None, high=None)
        return Estimate(mean=rest(whole.mean), low=rest(whole.low), high=rest(whole.high))

    def _learn(self) -> None:
        self._judge()
        # What the pace of this run is becomes known as cells end, and so a part of the doubt goes.
        doubt = BETWEEN_RUNS / math.sqrt(1 + len(self._ended))
        self._forecast = totals.total(tuple(self._left.values()), self._known(), between_runs=doubt).wall_s

    def _judge(self) -> None:
        first = totals.total(self._ended, self._before or {}).wall_s if self._ended else None
        if first is None or first.mean <= 0:
            return
        self.pace = self._took_s / first.mean
        self.is_slow = self._took_s > (_SLOW * first.mean if first.high is None else first.high)

    def _known(self) -> Rates:
        before = self._before or {}
        return {
            key: found[len(before.get(key, ())) :] or [_at(self.pace, rate) for rate in found]
            for key, found in self._rates().items()
        }


def _at(pace: float, rate: Rate) -> Rate:
    return replace(
        rate,
        fixed_s=pace * rate.fixed_s,
        epoch_s=pace * rate.epoch_s,
        device_epoch_s=pace * rate.device_epoch_s,
    )
