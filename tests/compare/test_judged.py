"""The figures of docs/compare.md, with few repetitions and fixed seeds: a guard, not the measurement."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

REPETITIONS = 20


@pytest.mark.parametrize("same_trials", [True, False])
def test_two_samples_of_the_same_thing_hardly_ever_raise_an_alarm(judging: ModuleType, *, same_trials: bool) -> None:
    world = judging.World(groups=2, tuners=3, same_trials=same_trials)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) <= 2


@pytest.mark.parametrize("loss", [{"slower": 1.1}, {"f1_loss": 0.03}])
def test_a_planted_loss_is_found(judging: ModuleType, loss: dict[str, float]) -> None:
    world = replace(judging.World(groups=2, tuners=3, noise=0.5), **loss)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) >= 0.95 * REPETITIONS


def test_a_planted_loss_in_one_tuner_is_found(judging: ModuleType) -> None:
    world = judging.World(groups=3, tuners=3, f1_loss=0.03, planted=judging.one_tuner)

    assert judging.alarms(world, repetitions=REPETITIONS, seed=1) >= 0.95 * REPETITIONS
