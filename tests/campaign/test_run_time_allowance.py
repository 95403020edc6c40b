from __future__ import annotations

import math

import pytest

from harness.campaign.run_time_allowance import STOPPING_S, UNLIMITED, Allowance, AllowanceSpent


def at(now: float, *, limit_s: float = 100.0) -> Allowance:
    return Allowance(limit_s=limit_s, began=1000.0, clock=lambda: 1000.0 + now)


def test_it_ends_early_enough_to_stop_what_is_at_work() -> None:
    at(100.0 - STOPPING_S - 0.1).check()
    with pytest.raises(AllowanceSpent):
        at(100.0 - STOPPING_S).check()


def test_work_of_unknown_length_begins_while_anything_is_left() -> None:
    assert at(0.0).has_room_for(None)
    assert not at(100.0).has_room_for(None)


def test_work_that_is_forecast_to_take_longer_does_not_begin() -> None:
    assert at(50.0).has_room_for(50.0 - STOPPING_S - 0.1)
    assert not at(50.0).has_room_for(50.0)
    assert not at(0.0, limit_s=math.nan).has_room_for(1.0)


def test_without_a_limit_there_is_always_room() -> None:
    UNLIMITED.check()
    assert UNLIMITED.has_room_for(1e12)
