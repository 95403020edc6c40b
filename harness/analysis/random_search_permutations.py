"""Random search in every order that it could have had.

It draws its trials independently of each other, so that any order of those recorded was as likely as the one that
happened. Averaged over many orders, its curve, and what it costs to reach a score, depend on all of its trials and not
on which of them came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness import seeds
from harness.analysis.cost_axes import Axis, Score, costs_of, rate
from harness.analysis.incumbent_curves import Own
from harness.analysis.results_reading import SearchResult
from harness.prices import Prices
from harness.search_types import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDERS = 128
"""Of so many orders the mean is taken: its chance error is a tenth of what one order scatters."""

MOST_POINTS = 64
"""An averaged curve is given at no more than so many costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """A random search in ``ORDERS`` orders of its trials.

    ``cost`` and ``score`` have a row for each order: from ``cost[i, j]`` on the incumbent's score is ``score[i, j]``,
    which is NaN until there is an incumbent with a known score. ``spent`` is what all trials cost together.
    """

    cost: NDArray[np.float64]
    score: NDArray[np.float64]
    spent: float

    def at(self, cost: float) -> NDArray[np.float64]:
        """Return the incumbent's score in each order once so much is spent; NaN where there is none yet."""
        import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

        reached = (self.cost <= cost).sum(axis=1)
        rows = np.arange(len(self.cost))
        return np.where(reached > 0, self.score[rows, np.maximum(reached - 1, 0)], np.nan)

    def until(self, score: float) -> tuple[float, float]:
        """Return what an order spends on average until it has ``score``, or in all; and the share that has it."""
        import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

        hits = self.score >= score
        met = hits.any(axis=1)
        first = self.cost[np.arange(len(self.cost)), hits.argmax(axis=1)]
        return float(np.where(met, first, self.spent).mean()), float(met.mean())

    def averaged(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Return costs and mean score, from where every order has an incumbent on; None where one never has."""
        import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

        known = ~np.isnan(self.score)
        if not known.any(axis=1).all():
            return None
        begin = self.cost[np.arange(len(self.cost)), known.argmax(axis=1)].max()
        union = np.unique(np.append(self.cost[self.cost > begin], begin))
        if len(union) > MOST_POINTS:
            union = union[np.unique(np.linspace(0, len(union) - 1, MOST_POINTS).round().astype(int))]
        rows = np.take_along_axis(self.score, self._reached(union) - 1, axis=1)
        # Where all orders agree, their mean is what they agree on, to the last bit, so that a tie stays a tie.
        means = rows[0] + (rows - rows[0]).mean(axis=0)
        return tuple(union.tolist()), tuple(means.tolist())

    def _reached(self, at: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return how many epochs each order has behind it at the costs ``at``, which rise: (orders, costs)."""
        import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

        first = np.searchsorted(at, self.cost, side="left")
        # Each order's epochs, counted by the first of the costs that holds them; those beyond the last in a place more.
        places = len(at) + 1
        of_order = np.arange(len(self.cost))[:, None] * places
        counts = np.bincount((of_order + first).ravel(), minlength=len(self.cost) * places)
        return counts.reshape(len(self.cost), places)[:, :-1].cumsum(axis=1)


def orders(search: SearchResult, *, axis: Axis, score: Score, prices: Prices | None = None) -> Orders | None:
    """Return the search in many orders of its trials; None where it isn't random, or a cost or score is unknown.

    The test score is known in every order where the search scored its test images at the best epoch of each trial
    (``Cell.audit``). Only dollars need ``prices``. A trial that the budget cut stays the last. In which order the
    others are recorded changes nothing.
    """
    if not search.is_random or search.cost is None:
        return None
    trials = [trial.own for trial in search.tried if trial.own is not None]
    if not trials or len(trials) != len(search.tried) or not any(own.steps for own in trials):
        return None
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    last_is_cut = search.tried[-1].outcome is Outcome.CUT
    free = len(trials) - last_is_cut
    trials = [*sorted(trials[:free], key=_place), *trials[free:]]
    totals = costs_of([own.spent for own in trials], search, axis=axis, prices=prices)
    flat = [(number, step) for number, own in enumerate(trials) for step in own.steps]
    offsets = costs_of([step for _, step in flat], search, axis=axis, prices=prices)
    scores = [score.of(step) for _, step in flat]
    if totals is None or offsets is None or any(found is None for found in scores):
        return None
    drawn = _drawn(len(trials), last_is_cut)
    before = np.empty(drawn.shape)
    spent = np.asarray(totals)[drawn].cumsum(axis=1)
    np.put_along_axis(before, drawn, np.hstack([np.zeros((len(drawn), 1)), spent[:, :-1]]), axis=1)
    cost = before[:, [number for number, _ in flat]] + np.asarray(offsets)
    return _incumbents(cost, [step.val_score for _, step in flat], scores, spent=float(sum(totals)))


def averaged(
    search: SearchResult, *, axis: Axis, score: Score, prices: Prices | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return ``Orders.averaged`` of the search; None also where its orders can't be told."""

    def work_out() -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        found = orders(search, axis=axis, score=score, prices=prices)
        return None if found is None else found.averaged()

    # The orders themselves, of thousands of searches, would fill the memory.
    return search.once(("averaged", axis, score, rate(search, axis=axis, prices=prices)), work_out)


def spent_until(search: SearchResult, score: float, *, axis: Axis, prices: Prices | None = None) -> float | None:
    """Return what the search spends on average until it has a validation score; None where its orders can't be told."""

    def work_out() -> float | None:
        found = orders(search, axis=axis, score=Score.VALIDATION, prices=prices)
        return None if found is None else found.until(score)[0]

    return search.once(("until", score, axis, rate(search, axis=axis, prices=prices)), work_out)


def _place(own: Own) -> tuple[object, ...]:
    # Seconds come last: where a matrix is run again, the same scores are drawn in the same orders.
    return own.spent.epochs, [(step.epochs, step.val_score) for step in own.steps], own.spent.wall_s


def _incumbents(
    cost: NDArray[np.float64], val_score: list[float], scores: list[float | None], *, spent: float
) -> Orders:
    """Sort each order's epochs by cost, and let each stand until one with a greater validation score takes over."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    by_cost = np.argsort(cost, axis=1, kind="stable")
    rank = np.asarray(val_score)[by_cost]
    best = np.maximum.accumulate(rank, axis=1)
    takes_over = np.hstack([np.ones((len(cost), 1), dtype=bool), best[:, 1:] > best[:, :-1]])
    place = np.maximum.accumulate(np.where(takes_over, np.arange(cost.shape[1]), 0), axis=1)
    shown = np.asarray(scores, dtype=float)[by_cost]
    return Orders(
        cost=np.take_along_axis(cost, by_cost, axis=1), score=np.take_along_axis(shown, place, axis=1), spent=spent
    )


@lru_cache(maxsize=64)
def _drawn(trials: int, last_is_cut: bool) -> NDArray[np.intp]:  # noqa: FBT001 - a key of the cache
    """Return the trials' numbers in each order, of shape (``ORDERS``, trials): the same on every machine."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    free = trials - 1 if last_is_cut else trials
    drawn = np.random.default_rng(seeds.derive(trials, "orders")).random((ORDERS, free)).argsort(axis=1)
    return np.hstack([drawn, np.full((ORDERS, trials - free), free)]) if last_is_cut else drawn
