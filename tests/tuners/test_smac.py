"""SMAC proposes what its own ``optimize()`` would, and is told what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix_schema
from harness.search_types import Outcome
from harness.space import Choice, Space
from tests.tuners.library_loops import SEED, SPACE, places, score

if TYPE_CHECKING:
    from ConfigSpace import Configuration, ConfigurationSpace

    from tests.tuners.conftest import FakeSearch, Make

library: Any = pytest.importorskip("smac", reason="make setup installs it")
adapter: Any = pytest.importorskip("harness.tuners.smac")

TRIALS = 12


def facade_of(tuner: object) -> Any:
    assert isinstance(tuner, adapter.Smac)
    return tuner._facade


def cost(config: Configuration) -> float:
    """What the fake search's score of this configuration misses after its nine epochs."""
    return 1 - score(config["learning_rate"])


def by_its_own_loop(space: ConfigurationSpace, folder: Path) -> list[tuple[object, ...]]:
    proposed: list[tuple[object, ...]] = []

    def train(config: Configuration, seed: int = 0) -> float:  # noqa: ARG001 (SMAC looks for it by name)
        proposed.append((float(config["learning_rate"]), int(config["batch_size"]), int(config["optimizer"])))
        return cost(config)

    scenario = library.Scenario(space, deterministic=True, n_trials=TRIALS, seed=SEED, output_directory=folder)
    library.HyperparameterOptimizationFacade(scenario, train, logging_level=False, overwrite=True).optimize()
    return proposed


@pytest.mark.seconds
def test_what_is_proposed_is_what_its_own_loop_would_propose(make: Make, search: FakeSearch, tmp_path: Path) -> None:
    shown = adapter.configuration_space.shown(matrix_schema.TunerSection(tuner="smac"), SPACE, seed=SEED)

    history = search.run(make("smac", SPACE, seed=SEED, expected_trials=TRIALS), TRIALS)

    assert by_its_own_loop(shown, tmp_path) == places(history)


@pytest.mark.parametrize(("expected", "start"), [(8, 2), (20, 5), (400, 30), (None, 25), (1, 1)])
def test_a_quarter_of_the_expected_trials_starts_the_model_as_smac_has_it(
    make: Make, expected: int | None, start: int
) -> None:
    facade = facade_of(make("smac", SPACE, expected_trials=expected))
    space = adapter.configuration_space.shown(matrix_schema.TunerSection(tuner="smac"), SPACE, seed=SEED)
    scenario = library.Scenario(space, seed=SEED) if expected is None else library.Scenario(space, n_trials=expected)
    own = library.HyperparameterOptimizationFacade.get_initial_design(scenario)

    assert facade._initial_design._n_configs == own._n_configs == start


def test_options_reach_the_parts_that_they_are_of(make: Make) -> None:
    options = {"n_configs": 4, "n_trees": 5, "xi": 0.1, "challengers": 99, "retrain_after": 2, "probability": 0.5}
    section = matrix_schema.TunerSection.model_validate({"tuner": "smac", "options": options})

    facade = facade_of(make(section, SPACE, expected_trials=8))

    assert facade._initial_design._n_configs == 4
    assert facade._model._rf_opts["n_estimators"] == 5
    assert facade._acquisition_function.meta["xi"] == 0.1
    assert facade._acquisition_maximizer.meta["challengers"] == 99
    assert facade._config_selector.meta["retrain_after"] == 2
    assert facade._random_design.meta["probability"] == 0.5


@pytest.mark.parametrize(
    ("outcome", "status", "cost_told"),
    [
        (Outcome.FAILED, "CRASHED", 1.0),
        (Outcome.OUT_OF_MEMORY, "MEMORYOUT", 1.0),
        (Outcome.DIVERGED, "SUCCESS", 0.5),
    ],
)
def test_how_a_trial_ended_is_told(
    make: Make, search: FakeSearch, outcome: Outcome, status: str, cost_told: float
) -> None:
    tuner = make("smac", SPACE)

    search.scored_by(lambda _: 1.0).run(tuner, 1, [outcome])

    (value,) = facade_of(tuner).runhistory.values()
    assert (value.status.name, value.cost) == (status, cost_told)


def test_nothing_is_printed(make: Make, search: FakeSearch, capfd: pytest.CaptureFixture[str]) -> None:
    small = Space({"learning_rate": Choice(choices=(1e-4, 1e-3, 1e-2), default=1e-3)})

    search.run(make("smac", small), 5)

    assert capfd.readouterr() == ("", "")
