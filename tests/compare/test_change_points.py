from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from harness.compare import change_points
from harness.compare.history import Night
from harness.reports import rendering

BEGAN = dt.date(2026, 1, 1)


def nights(values: list[float], *, measure: str = "epoch", like: str = "l") -> list[Night]:
    return [
        Night(
            schema_version=3,
            night=f"{BEGAN + dt.timedelta(days=number)}T01:17:00+00:00",
            like=like,
            searches=1,
            planned=1,
            values={measure: {"all searches": value}},
        )
        for number, value in enumerate(values)
    ]


def noisy(levels: list[float], spread: float, seed: int = 1) -> list[float]:
    return [float(value) for value in np.array(levels) + np.random.default_rng(seed).normal(0.0, spread, len(levels))]


def test_a_jump_is_found_with_its_night_and_size() -> None:
    found = change_points.find(nights(noisy([1.0] * 20 + [1.1] * 20, 0.005)))

    assert [(shift.since.night, shift.nights, shift.is_worse) for shift in found.shifts] == [
        ("2026-01-21T01:17:00+00:00", 20, True)
    ]
    assert math.expm1(found.shifts[0].change) == pytest.approx(0.1, abs=0.01)


def test_a_slow_creep_is_found_though_no_night_is_worse_than_the_one_before() -> None:
    # 0.1 % a night drowns in the 1 % by which nights differ, and is 6 % after two months.
    found = change_points.find(nights(noisy([1.0 + 0.001 * night for night in range(60)], 0.01)))

    assert found.worse


def test_what_becomes_faster_is_a_shift_and_no_worse() -> None:
    found = change_points.find(nights(noisy([1.1] * 20 + [1.0] * 20, 0.005)))

    assert len(found.shifts) == 1
    assert found.worse == []


def test_a_score_that_falls_is_worse_and_one_that_rises_is_not() -> None:
    falling = change_points.find(nights(noisy([0.9] * 20 + [0.88] * 20, 0.002), measure="score"))
    rising = change_points.find(nights(noisy([0.88] * 20 + [0.9] * 20, 0.002), measure="score"))

    assert [len(falling.worse), len(falling.shifts), len(rising.worse), len(rising.shifts)] == [1, 1, 0, 1]


def test_a_single_bad_night_is_no_level() -> None:
    values = noisy([1.0] * 40, 0.005)
    values[17] = 1.5

    assert change_points.find(nights(values)).shifts == []


@pytest.mark.parametrize("values", [[0.9] * 40, [0.9]])
def test_nights_that_are_all_the_same_have_no_shift(values: list[float]) -> None:
    assert change_points.find(nights(values, measure="score")).shifts == []


def test_too_few_nights_are_said() -> None:
    found = change_points.find(nights([1.0] * 10 + [2.0] * 10))

    assert found.is_too_short
    assert found.shifts == []
    assert "At least 28 nights are needed." in rendering.markdown(change_points.report(found))


def test_nights_of_another_machine_are_left_out_and_told() -> None:
    found = change_points.find([*nights([3.0] * 30, like="old"), *nights(noisy([1.0] * 30, 0.01))])

    assert (found.nights, found.earlier, found.shifts) == (30, 30, [])
    assert "30 nights of other machines" in rendering.markdown(change_points.report(found))


def test_the_table_says_what_changed_and_by_how_much() -> None:
    text = rendering.markdown(change_points.report(change_points.find(nights(noisy([1.0] * 20 + [1.1] * 20, 0.0001)))))

    assert "# Drift over 40 nights: worse" in text
    assert "2026-01-21" in text
    assert "+10.0 %" in text


def test_histories_of_chance_alone_hardly_ever_have_a_shift() -> None:
    # 114 series are what benchmarks/nightly.toml has; docs/compare.md has the figures of more repetitions.
    random = np.random.default_rng(1)
    alarms = sum(
        any(change_points.change_points(list(one), series=114) for one in random.normal(0.0, 0.01, (114, 60)))
        for _ in range(20)
    )

    assert alarms <= 2
