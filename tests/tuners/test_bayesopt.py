"""bayesian-optimization proposes what its own ``maximize`` would."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix_schema
from harness.search_types import Outcome
from harness.space import Choice, Range, Space
from tests.tuners.library_loops import SEED, SPACE, places, score

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

library: Any = pytest.importorskip("bayes_opt", reason="make setup installs it")
adapter: Any = pytest.importorskip("harness.tuners.bayesopt")


@pytest.mark.seconds
def test_what_is_proposed_is_what_its_own_loop_would_propose(make: Make, search: FakeSearch) -> None:
    section = matrix_schema.TunerSection(tuner="bayesopt-gp", options={"init_points": 4})
    proposed: list[tuple[float, int, int]] = []

    def train(learning_rate: float, batch_size: int, optimizer: str) -> float:
        # Rounding carries the upper bound beyond itself; proposals are cut off there.
        proposed.append((min(math.exp(learning_rate), 1e-1), int(batch_size), int(optimizer)))
        return score(math.exp(learning_rate))

    with adapter._quiet():
        bounds = adapter.bounds(section, SPACE)
        library.BayesianOptimization(train, bounds, random_state=SEED, verbose=0).maximize(init_points=4, n_iter=5)

    history = search.run(make(section, SPACE, seed=SEED), 9)

    assert places(history) == proposed


def test_a_third_of_the_expected_trials_are_drawn_at_random(make: Make) -> None:
    tuner: Any = make("bayesopt-gp", SPACE, expected_trials=12)

    assert len(tuner._ahead) == 4


def test_numbers_are_shown_by_their_place_and_words_as_categories() -> None:
    space = Space(
        {
            **SPACE.domains,
            "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2),
            "hidden_units": Range(low=8, high=64, log=True, integer=True, default=32),
        }
    )

    assert adapter.bounds(matrix_schema.TunerSection(tuner="bayesopt-gp"), space) == {
        "learning_rate": (math.log(1e-5), math.log(1e-1)),
        "batch_size": (0, 2, int),
        "optimizer": ("0", "1"),
        "dropout": (0, 5, int),
        "hidden_units": (math.log(8), math.log(64)),
    }


def test_every_kind_of_domain_is_proposed_within_its_bounds(make: Make, search: FakeSearch) -> None:
    space = Space(
        {
            "learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3),
            "hidden_units": Range(low=8, high=64, log=True, integer=True, default=32),
            "batch_size": Choice(choices=(16,), default=16),
        }
    )

    history = search.run(make("bayesopt-gp", space), 8)

    assert all(space.contains(trial.parameters) for trial in history)


def test_kappa_reaches_the_acquisition(make: Make) -> None:
    section = matrix_schema.TunerSection(tuner="bayesopt-gp", options={"kappa": 1.5})
    tuner: Any = make(section, SPACE)

    assert tuner._optimizer.acquisition_function.kappa == 1.5


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_what_failed_has_a_score_of_0(make: Make, search: FakeSearch, outcome: Outcome) -> None:
    tuner: Any = make("bayesopt-gp", SPACE)

    search.run(tuner, 2, [outcome])

    assert tuner._optimizer.space.target[0] == 0.0 < tuner._optimizer.space.target[1]
