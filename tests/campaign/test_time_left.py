from __future__ import annotations

import pytest

from harness.campaign.forecast import Rate, likes
from harness.campaign.time_left import Outlook
from harness.cells import Cell
from harness.matrix_schema import Budget, TunerSection

Rates = dict[str, list[Rate]]


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cells(cell: Cell) -> list[Cell]:
    """Four cells of a hundred epochs, of two tuners with two seeds each."""
    asked = {"budget": Budget(epochs=100)}
    return [
        cell.model_copy(update={**asked, "tuner": TunerSection(tuner=tuner), "seed": seed})
        for tuner in ("optuna-tpe", "kt-random")
        for seed in (1, 2)
    ]


def rate(wall_s: float) -> Rate:
    return Rate(fixed_s=0.0, epoch_s=wall_s / 100, device_epoch_s=0.0, usd_per_hour=None)


def known(cells: list[Cell], *seconds: float) -> Rates:
    """Earlier cells of every kind that took so long."""
    keys = dict.fromkeys(key for each in cells for key in likes(each))
    return {key: [rate(each) for each in seconds] for key in keys}


def adds(rates: Rates, cell: Cell, wall_s: float) -> None:
    for key in likes(cell):
        rates.setdefault(key, []).append(rate(wall_s))


def mean(outlook: Outlook) -> float:
    left = outlook.left_s()
    assert left is not None
    return left.mean


def test_nothing_is_expected_before_it_is_told() -> None:
    outlook = Outlook()

    assert not outlook.is_expecting
    assert not outlook.is_known
    assert outlook.left_s() is None


def test_what_is_like_nothing_that_was_run_is_unknown(cells: list[Cell]) -> None:
    outlook = Outlook()
    outlook.expects(cells)

    assert outlook.is_expecting
    assert outlook.left_s() is None


def test_the_start_knows_what_a_plan_knows(cells: list[Cell]) -> None:
    outlook = Outlook(lambda: known(cells, 9.0, 11.0))
    outlook.expects(cells)

    left = outlook.left_s()
    assert left is not None
    assert left.mean == pytest.approx(40.0)
    assert left.low is not None
    assert left.high is not None
    assert left.low < 40.0 < left.high


def test_slots_share_what_is_left(cells: list[Cell]) -> None:
    outlook = Outlook(lambda: known(cells, 10.0), slots=4)
    outlook.expects(cells)

    assert mean(outlook) == pytest.approx(10.0)


def test_time_passes_for_cells_at_work_up_to_what_they_were_forecast_to_take(cells: list[Cell]) -> None:
    clock = FakeClock()
    outlook = Outlook(lambda: known(cells, 10.0), clock=clock)
    outlook.expects(cells)
    outlook.begins(cells[0])

    clock.now += 4.0
    assert mean(outlook) == pytest.approx(36.0)
    clock.now += 400.0
    assert mean(outlook) == pytest.approx(30.0)


def test_a_cell_that_took_twice_as_long_doubles_what_is_left(cells: list[Cell]) -> None:
    rates = known(cells, 10.0, 10.0)
    outlook = Outlook(lambda: rates)
    outlook.expects(cells)
    outlook.begins(cells[0])

    adds(rates, cells[0], 20.0)
    outlook.ends(cells[0], wall_s=20.0)

    assert outlook.pace == pytest.approx(2.0)
    assert outlook.is_slow
    assert mean(outlook) == pytest.approx(60.0)


def test_what_a_kind_takes_in_this_run_counts_alone(cells: list[Cell]) -> None:
    rates = known(cells, 10.0)
    outlook = Outlook(lambda: rates)
    outlook.expects(cells[:2])

    adds(rates, cells[0], 30.0)
    outlook.ends(cells[0], wall_s=30.0)

    assert mean(outlook) == pytest.approx(30.0)


def test_the_first_cell_of_a_kind_makes_the_rest_known(cells: list[Cell]) -> None:
    rates: Rates = {}
    outlook = Outlook(lambda: rates)
    outlook.expects(cells)

    adds(rates, cells[0], 5.0)
    outlook.ends(cells[0], wall_s=5.0)

    assert mean(outlook) == pytest.approx(15.0)
    assert (outlook.pace, outlook.is_slow) == (1.0, False)


def test_what_the_spread_explains_is_not_slow(cells: list[Cell]) -> None:
    outlook = Outlook(lambda: known(cells, 8.0, 12.0))
    outlook.expects(cells)
    outlook.ends(cells[0], wall_s=12.0)

    assert not outlook.is_slow


def test_a_failure_is_no_longer_left_and_teaches_nothing(cells: list[Cell]) -> None:
    outlook = Outlook(lambda: known(cells, 10.0))
    outlook.expects(cells)
    outlook.begins(cells[0])
    outlook.ends(cells[0], wall_s=None)

    assert mean(outlook) == pytest.approx(30.0)
    assert outlook.pace == 1.0


def test_the_interval_narrows_as_the_pace_of_the_run_becomes_known(cells: list[Cell]) -> None:
    many = [cells[0].model_copy(update={"seed": seed}) for seed in range(20)]
    outlook = Outlook(lambda: known(cells, 9.9, 10.1, 9.9, 10.1))

    def doubt() -> float:
        left = outlook.left_s()
        assert left is not None
        assert left.high is not None
        return left.high / left.mean

    outlook.expects(many)
    before = doubt()
    for each in many[:10]:
        outlook.ends(each, wall_s=10.0)

    assert doubt() < before


def test_nothing_is_left_once_all_have_ended(cells: list[Cell]) -> None:
    outlook = Outlook(lambda: known(cells, 10.0, 10.0))
    outlook.expects(cells[:1])
    outlook.ends(cells[0], wall_s=10.0)

    assert not outlook.is_expecting
    assert mean(outlook) == 0.0
