"""The figures of docs/compare.md, with small matrices and fixed seeds: a guard, not the measurement."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

# Each takes seconds of simulation; what a verdict says of given runs is shown quickly by test_verdict.py.
pytestmark = pytest.mark.slow

REPETITIONS = 100
FALSE_ALARMS, POWER = 0.05, 0.95


@pytest.mark.parametrize("same_trials", [True, False])
def test_two_samples_of_the_same_thing_hardly_ever_raise_an_alarm(judging: ModuleType, *, same_trials: bool) -> None:
    world = judging.World(groups=2, tuners=3, same_trials=same_trials)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) <= FALSE_ALARMS * REPETITIONS


@pytest.mark.parametrize("loss", [{"slower": 1.1, "same_trials": True}, {"score_loss": 0.03}])
def test_a_planted_loss_is_found(judging: ModuleType, loss: dict[str, float]) -> None:
    world = replace(judging.World(groups=2, tuners=3), **loss)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) >= POWER * REPETITIONS


@pytest.mark.parametrize("loss", [{"slower": 1.1, "same_trials": True, "noise": 0.5}, {"score_loss": 0.03}])
def test_a_planted_loss_in_one_tuner_is_found(judging: ModuleType, loss: dict[str, float]) -> None:
    world = replace(judging.World(groups=3, tuners=3, planted=judging.one_tuner), **loss)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) >= POWER * REPETITIONS
