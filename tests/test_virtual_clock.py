"""The clock that recorded seconds drive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.search_types import Outcome, Proposal, Trial
from harness.virtual_clock import ThinkingTuner, VirtualClock

PROPOSAL = Proposal(parameters={"learning_rate": 0.1}, last_epoch=2)


class FakeTuner:
    """Proposes always the same, stops what is good, and has a bug where it is told."""

    def ask(self) -> Proposal | None:
        return PROPOSAL

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        return (proposal, epoch) == (PROPOSAL, 1) and score > 0.5

    def tell(self, trial: Trial) -> None:
        raise ZeroDivisionError(trial.number)


def ticking() -> Iterator[float]:
    seconds = 0.0
    while True:
        yield seconds
        seconds += 0.25


def test_it_stands_still_until_it_is_told_to_go_on() -> None:
    clock = VirtualClock()
    assert (clock(), clock()) == (0.0, 0.0)
    clock.advance(2.0, cpu_s=1.5)
    clock.advance(1.0)
    assert (clock(), clock.cpu_s()) == (3.0, 1.5)


def test_thinking_lets_it_go_on_by_what_was_measured() -> None:
    readings = ticking()
    clock = VirtualClock(thinking=lambda: next(readings))
    tuner = ThinkingTuner(FakeTuner(), clock)
    assert tuner.ask() == PROPOSAL
    assert tuner.report(PROPOSAL, 1, 0.75)
    assert not tuner.report(PROPOSAL, 2, 0.25)
    assert (clock(), clock.cpu_s()) == (0.75, 0.75)


def test_thinking_that_ends_in_an_error_is_charged_too() -> None:
    readings = ticking()
    clock = VirtualClock(thinking=lambda: next(readings))
    trial = Trial.of(PROPOSAL, number=0, outcome=Outcome.COMPLETED, epochs=[])
    with pytest.raises(ZeroDivisionError):
        ThinkingTuner(FakeTuner(), clock).tell(trial)
    assert clock() == 0.25


def test_without_thinking_a_tuner_takes_no_time() -> None:
    clock = VirtualClock(thinking=None)
    ThinkingTuner(FakeTuner(), clock).ask()
    assert clock() == 0.0
