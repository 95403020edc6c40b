from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import prices
from harness.analysis.costs import Spent, cost, cost_usd
from harness.record_schema import BuiltTable, EnvironmentTable, ReadingTable
from harness.search_types import Outcome

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

CLOSING = {"ask": 0.5, "tell": 0.25, "checkpoint": 0.125, "shutdown": 9.0, "audit": 9.0, "other": 9.0}


def test_wall_seconds_leave_out_audit_and_shutdown(made: Made) -> None:
    spent = cost([made.trial(0, 0.5)], closing_phases=CLOSING, energy=ReadingTable())
    assert spent.wall_s == (1.0 + 2.0 + 1.0 + 0.5) + 0.5 + 0.25 + 0.125


def test_the_last_ask_is_thinking_too(made: Made) -> None:
    spent = cost([made.trial(0, 0.5)], closing_phases=CLOSING, energy=ReadingTable())
    assert spent.thinking_s == (1.0 + 0.5) + (0.5 + 0.25)
    assert spent.wall_s is not None
    assert spent.thinking_share == pytest.approx(2.25 / spent.wall_s)


def test_what_another_tool_trained_has_epochs_and_no_known_seconds(made: Made) -> None:
    trial = made.trial(0, 0.5, 0.75, phases={}, cpu_s=None, energy_j=None)

    spent = cost([made.trial(0, 0.5), trial], closing_phases={}, energy=ReadingTable(reason="another tool searched"))

    assert (spent.epochs, spent.trials) == (3, 2)
    assert {spent.wall_s, spent.device_s, spent.thinking_s, spent.cpu_s, spent.thinking_share} == {None}
    assert spent.energy_j.reason == "another tool searched"
    assert spent.outcomes[trial.outcome].wall_s is None


def test_everything_is_charged_whatever_the_outcome(made: Made) -> None:
    trials = [made.trial(0, 0.5), made.trial(1, outcome=Outcome.DIVERGED, charged_epochs=1, energy_j=0.0)]
    spent = cost(trials, closing_phases={}, energy=ReadingTable())
    assert (spent.epochs, spent.trials, spent.cpu_s, spent.device_s) == (2, 2, 20.0, 3.0)
    assert spent.outcomes == {
        Outcome.COMPLETED: Spent(trials=1, epochs=1, wall_s=4.5),
        Outcome.DIVERGED: Spent(trials=1, epochs=1, wall_s=1.5),
    }
    assert spent.energy_j.value == 5.0


def test_energy_is_unknown_as_soon_as_one_trials_is(made: Made) -> None:
    trials = [made.trial(0, 0.5), made.trial(1, 0.5, energy_j=None)]
    assert cost(trials, closing_phases={}, energy=ReadingTable(reason="no counter")).energy_j.value is None
    assert cost(trials, closing_phases={}, energy=ReadingTable(reason="no counter")).energy_j.reason == "no counter"
    assert cost(trials, closing_phases={}, energy=ReadingTable()).energy_j.reason == "unknown in 1 of 2 trials"


def test_zero_joules_are_known(made: Made) -> None:
    assert cost([made.trial(0, 0.5, energy_j=0.0)], closing_phases={}, energy=ReadingTable()).energy_j.value == 0.0


def test_a_search_without_trials_costs_no_seconds_but_unknown_joules() -> None:
    spent = cost([], closing_phases={}, energy=ReadingTable())
    assert (spent.wall_s, spent.trials, spent.thinking_share) == (0.0, 0, None)
    assert spent.energy_j.value is None


def test_dollars_are_wall_hours_times_the_price(made: Made) -> None:
    spent = cost([made.trial(0, 0.5)], closing_phases={}, energy=ReadingTable())
    found = cost_usd(spent, environment=EnvironmentTable(device="Tesla T4"), prices=prices.load())
    assert found.value == pytest.approx(4.5 / 3600 * 0.526)


def test_an_unknown_device_costs_an_unknown_sum(made: Made) -> None:
    spent = cost([made.trial(0, 0.5)], closing_phases={}, energy=ReadingTable())
    found = cost_usd(spent, environment=EnvironmentTable(device="NVIDIA GeForce RTX 4090"), prices=prices.load())
    assert found.value is None
    assert "4090" in str(found.reason)


def test_builds_are_counted_and_not_charged_whenever_they_happen(made: Made) -> None:
    phases = made.trial(0, 0.5).phases
    trials = [made.trial(0, 0.5), made.trial(1, 0.5, phases={**phases, "build": 20.0})]
    plain = cost([made.trial(0, 0.5), made.trial(1, 0.5)], closing_phases=CLOSING, energy=ReadingTable())

    spent = cost(
        trials, closing_phases=CLOSING, energy=ReadingTable(), setup_phases={"build": 4.0}, model=BuiltTable(builds=3)
    )

    assert (spent.builds, spent.build_s, spent.late_build_s) == (3 + 1, 24.0, 20.0)
    assert (spent.wall_s, spent.device_s, spent.thinking_s) == (plain.wall_s, plain.device_s, plain.thinking_s)


def test_a_record_that_does_not_count_its_builds_made_one_before_the_first_ask(made: Made) -> None:
    trials = [made.trial(0, 0.5)]

    def built(**told: Any) -> int | None:
        return cost(trials, closing_phases={}, energy=ReadingTable(), **told).builds

    assert built(setup_phases={"build": 4.0}) == 1
    assert built(setup_phases={"startup": 3.0}) == built() == 0
