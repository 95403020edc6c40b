"""How long what is left of a run will take: forecast from its start on, corrected by each cell that ends."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.campaign import forecast, forecast_totals
from harness.campaign.forecast import Rate, Rates
from harness.campaign.forecast_totals import BETWEEN_RUNS, ForecastInterval
from harness.cells import Cell

# Where the spread is unknown, so much longer than forecast is slow.
_SLOW = 1.25


def _nothing() -> Rates:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Cells that are forecast alike: a matrix has few kinds and many cells; ``cell`` is one of them."""

    likes: tuple[str, str]
    budget: str
    most_epochs: int | None
    cell: Cell = field(compare=False)

    @classmethod
    def of(cls, cell: Cell) -> _Kind:
        return cls(
            likes=forecast.likes(cell),
            budget=cell.budget.model_dump_json(),
            most_epochs=forecast.most_epochs(cell),
            cell=cell,
        )


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
        self._now: Rates = {}
        self._left: dict[str, _Kind] = {}
        self._at_work: dict[str, tuple[float, float]] = {}
        self._ended: Counter[_Kind] = Counter()
        self._took_s = 0.0
        self._forecast: ForecastInterval | None = None
        self.pace = 1.0
        """How long the cells that ended took, over their forecast at the start of the run; 1 where nothing is known."""
        self.is_slow = False
        """Whether they took longer than the spread of earlier ones explains."""

    def expects(self, cells: Iterable[Cell]) -> None:
        """Begin with these cells left, those included that are only known to follow."""
        self._now = self._rates()
        if self._before is None:
            self._before = {key: tuple(found) for key, found in self._now.items()}
        self._left = {cell.id: _Kind.of(cell) for cell in cells}
        self._learn()

    def begins(self, cell: Cell) -> None:
        """Count the seconds of a cell at work as spent, up to those that it is forecast to take."""
        kind = self._left.get(cell.id)
        found = None if kind is None else self._sum(Counter([kind]), self._known)
        self._at_work[cell.id] = self._clock(), 0.0 if found is None else found.mean

    def ends(self, cell: Cell, *, wall_s: float | None) -> None:
        """Take the cell away and learn from its seconds; None where they tell nothing of others, as of a failure."""
        kind = self._left.pop(cell.id, None)
        self._at_work.pop(cell.id, None)
        self._now = self._rates()
        if wall_s is not None and kind is not None and self._earlier(kind):
            self._ended[kind] += 1
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

    def left_s(self) -> ForecastInterval | None:
        """Return the seconds that are left, with a 95 % prediction interval; None where they can't be told."""
        whole = self._forecast
        if whole is None:
            return None
        now = self._clock()
        spent_s = sum(min(now - began, known_s) for began, known_s in tuple(self._at_work.values()))

        def rest(value: float) -> float:
            return max(0.0, value - spent_s) / self._slots

        if whole.low is None or whole.high is None:
            return ForecastInterval(mean=rest(whole.mean), low=None, high=None)
        return ForecastInterval(mean=rest(whole.mean), low=rest(whole.low), high=rest(whole.high))

    def _learn(self) -> None:
        first = self._sum(self._ended, self._earlier)
        if first is not None and first.mean > 0:
            self.pace = self._took_s / first.mean
            self.is_slow = self._took_s > (_SLOW * first.mean if first.high is None else first.high)
        # What the pace of this run is becomes known as cells end, and so a part of the doubt goes.
        doubt = BETWEEN_RUNS / math.sqrt(1 + self._ended.total())
        self._forecast = self._sum(Counter(self._left.values()), self._known, between_runs=doubt)

    def _sum(
        self,
        kinds: Mapping[_Kind, int],
        rates_of: Callable[[_Kind], Sequence[Rate]],
        *,
        between_runs: float = BETWEEN_RUNS,
    ) -> ForecastInterval | None:
        taken: Counter[tuple[float, ...]] = Counter()
        for kind, count in kinds.items():
            found = [forecast.wall_s(kind.cell, rate) for rate in rates_of(kind)]
            known = tuple(seconds for seconds in found if seconds is not None)
            if not known or len(known) < len(found):
                return None
            taken[known] += count
        return forecast_totals.estimate(taken, between_runs=between_runs)

    def _earlier(self, kind: _Kind) -> Sequence[Rate]:
        before = self._before or {}
        return next((found for key in kind.likes if (found := before.get(key))), ())

    def _known(self, kind: _Kind) -> Sequence[Rate]:
        return next((found for key in kind.likes if (found := self._under(key))), ())

    def _under(self, key: str) -> Sequence[Rate]:
        earlier = (self._before or {}).get(key, ())
        in_this_run = self._now.get(key, ())[len(earlier) :]
        return in_this_run or [_at(self.pace, rate) for rate in earlier]


def _at(pace: float, rate: Rate) -> Rate:
    return replace(
        rate,
        fixed_s=pace * rate.fixed_s,
        epoch_s=pace * rate.epoch_s,
        device_epoch_s=pace * rate.device_epoch_s,
    )
