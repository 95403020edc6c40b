from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from harness.phase_clock import Ledger, on_the_clock


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_the_time_before_the_ledger_is_start_up(clock: FakeClock) -> None:
    clock.passes(4.0)

    assert Ledger(clock=clock, started=100.0).take() == {"startup": 4.0, "other": 0.0}


def test_an_inner_phase_is_not_counted_twice(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)

    with ledger.phase("train"):
        clock.passes(1.0)
        with ledger.phase("build"):
            clock.passes(10.0)
        clock.passes(2.0)

    taken = ledger.take()
    assert (taken["train"], taken["build"], taken["other"]) == (3.0, 10.0, 0.0)


def test_time_outside_every_phase_is_other(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    with ledger.phase("ask"):
        clock.passes(1.0)
    clock.passes(0.5)

    assert ledger.take()["other"] == 0.5


def test_a_phase_that_raises_is_booked_and_left(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    with suppress(RuntimeError), ledger.phase("train"):
        clock.passes(1.0)
        raise RuntimeError
    clock.passes(2.0)

    taken = ledger.take()
    assert (taken["train"], taken["other"]) == (1.0, 2.0)


def test_taking_begins_anew(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    clock.passes(1.0)
    ledger.take()
    clock.passes(2.0)

    assert ledger.take() == {"other": 2.0}


def test_taking_inside_a_phase_splits_it(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    with ledger.phase("ask"):
        clock.passes(1.0)
        first = ledger.take()
        clock.passes(2.0)
    second = ledger.take()

    assert (first["ask"], second["ask"]) == (1.0, 2.0)


def test_booked_seconds_include_the_running_phase(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    with ledger.phase("train"):
        clock.passes(3.0)

        assert ledger.booked("train", "evaluate") == 3.0


def test_a_misspelt_phase_is_refused(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)

    with pytest.raises(ValueError, match="unknown phase 'trian'"), ledger.phase("trian"):
        pass


def test_phases_sum_to_the_wall_clock_of_a_real_clock() -> None:
    began = time.monotonic()
    ledger = Ledger(clock=time.monotonic, started=began)
    total = 0.0
    for _ in range(50):
        with ledger.phase("ask"), ledger.phase("train"):
            time.sleep(0.0005)
        total += sum(ledger.take().values())

    total += sum(ledger.take().values())

    assert total == pytest.approx(time.monotonic() - began, rel=0.01)


def test_audit_builds_and_the_reading_of_meters_are_off_the_clock() -> None:
    assert on_the_clock({"train": 2.0, "ask": 1.0, "audit": 50.0, "build": 20.0, "meter": 5.0}) == 3.0


def test_audit_and_builds_pause_whatever_else_is_counted(clock: FakeClock) -> None:
    ledger = Ledger(clock=clock, started=100.0)
    heard: list[str] = []

    @contextmanager
    def paused() -> Iterator[None]:
        heard.append("stops")
        try:
            yield
        finally:
            heard.append("goes on")

    ledger.pause(paused)
    with ledger.phase("train"):
        pass
    assert heard == []
    with ledger.phase("audit"), ledger.phase("build"):
        heard.append("both")
    with suppress(ZeroDivisionError), ledger.phase("train"), ledger.phase("build"):
        raise ZeroDivisionError
    with ledger.phase("ask"), ledger.phase("meter"):
        pass

    assert heard == ["stops", "both", "goes on", "stops", "goes on"]
