from __future__ import annotations

import math

import pytest
from scipy import stats

from harness.campaign import forecast, forecast_totals
from harness.campaign.forecast import Rate, Rates
from harness.cells import Cell
from harness.matrix_schema import Budget, TunerSection


def rate(epoch_s: float, *, fixed_s: float = 10.0, usd_per_hour: float | None = 3.6) -> Rate:
    return Rate(fixed_s=fixed_s, epoch_s=epoch_s, device_epoch_s=epoch_s / 2, usd_per_hour=usd_per_hour)


class LikeAll(dict[str, tuple[Rate, ...]]):
    """Rates under whatever key: every cell is like every other."""

    def __init__(self, *found: Rate) -> None:
        super().__init__()
        self.found = found

    def get(self, _key: str, _default: object = None) -> tuple[Rate, ...]:
        return self.found


def like_all(*found: Rate) -> Rates:
    return LikeAll(*found)


@pytest.fixture
def asked(cell: Cell) -> Cell:
    return cell.model_copy(update={"tuner": TunerSection(tuner="optuna-tpe"), "budget": Budget(epochs=100)})


def test_nothing_pending_takes_nothing(asked: Cell) -> None:
    nothing = forecast_totals.ForecastInterval(mean=0.0, low=0.0, high=0.0)

    assert forecast_totals.total([], {}) == forecast_totals.Total(wall_s=nothing, device_s=nothing, cost_usd=nothing)
    assert forecast_totals.total([asked], {}) == forecast_totals.Total(wall_s=None, device_s=None, cost_usd=None)


def test_one_earlier_search_gives_a_sum_without_bounds(asked: Cell) -> None:
    found = forecast_totals.total([asked, asked], like_all(rate(1.0)))

    assert found.wall_s == forecast_totals.ForecastInterval(mean=2 * 110.0, low=None, high=None)
    assert found.device_s == forecast_totals.ForecastInterval(mean=2 * 50.0, low=None, high=None)
    assert found.cost_usd is not None
    assert found.cost_usd.mean == pytest.approx(2 * 110.0 / 3600 * 3.6)


def test_the_interval_is_that_of_further_draws(asked: Cell) -> None:
    found = forecast_totals.total([asked], like_all(rate(1.0), rate(2.0), rate(3.0)), between_runs=0.0).wall_s

    # One draw more from three of standard deviation 100 s: Student's prediction interval, with two degrees of freedom.
    half = stats.t.ppf(0.975, 2) * 100.0 * math.sqrt(1 + 1 / 3)
    assert found is not None
    assert (found.mean, found.low) == (210.0, max(0.0, 210.0 - half))
    assert found.high == pytest.approx(210.0 + half)


def test_equal_searches_of_a_run_that_is_like_all_others_leave_no_doubt(asked: Cell) -> None:
    found = forecast_totals.total([asked], like_all(rate(1.0), rate(1.0)), between_runs=0.0).wall_s

    assert found == forecast_totals.ForecastInterval(mean=110.0, low=110.0, high=110.0)


def test_a_machine_without_a_price_costs_unknown_dollars(asked: Cell) -> None:
    found = forecast_totals.total([asked], like_all(rate(1.0), rate(1.0, usd_per_hour=None)))

    assert found.cost_usd is None
    assert found.wall_s is not None


@pytest.mark.parametrize(
    ("budget", "wall_s"),
    [
        (Budget(epochs=100), 110.0),
        (Budget(wall_s=60.0), 70.0),
        (Budget(epochs=100, wall_s=60.0), 70.0),
        (Budget(device_s=20.0), 50.0),
        (Budget(cost_usd=0.02), 30.0),
        (Budget(epochs=10, cost_usd=0.02), 20.0),
    ],
)
def test_the_first_limit_of_a_budget_counts(asked: Cell, budget: Budget, wall_s: float) -> None:
    limited = asked.model_copy(update={"budget": budget})

    assert forecast.wall_s(limited, rate(1.0)) == pytest.approx(wall_s)
    assert forecast.device_s(limited, rate(1.0)) == pytest.approx((wall_s - 10.0) / 2)


def test_dollars_that_no_machine_charges_end_no_search(asked: Cell) -> None:
    limited = asked.model_copy(update={"budget": Budget(cost_usd=0.02)})

    assert forecast.wall_s(limited, rate(1.0, usd_per_hour=None)) is None


def test_equal_searches_leave_the_doubt_whether_the_next_run_is_as_fast(asked: Cell) -> None:
    def doubt(count: int) -> float:
        found = forecast_totals.total([asked] * count, like_all(rate(1.0), rate(1.0)), between_runs=0.1).wall_s
        assert found is not None
        assert found.high is not None
        return (found.high - found.mean) / found.mean

    # The whole run is slow or fast: its doubt doesn't shrink with the number of cells.
    assert doubt(5) == pytest.approx(doubt(500))
    assert doubt(5) > 0.1 * stats.norm.ppf(0.975)


def test_an_interval_takes_the_spread_of_cells_and_that_of_runs_together(asked: Cell) -> None:
    rates = like_all(rate(1.0), rate(2.0), rate(3.0))

    apart, together = (forecast_totals.total([asked], rates, between_runs=spread).wall_s for spread in (0.0, 0.5))

    assert apart is not None
    assert together is not None
    assert apart.high is not None
    assert together.high is not None
    assert together.mean == apart.mean
    assert together.high != apart.high
