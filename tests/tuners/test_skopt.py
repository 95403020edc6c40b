"""scikit-optimize proposes what ``gp_minimize`` would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix_schema
from harness.search_types import Outcome
from harness.space import Range, Space
from tests.tuners.library_loops import SEED, SPACE, places, score

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

library: Any = pytest.importorskip("skopt", reason="make setup installs it")
adapter: Any = pytest.importorskip("harness.tuners.skopt")


@pytest.mark.seconds
def test_what_is_proposed_is_what_its_own_loop_would_propose(make: Make, search: FakeSearch) -> None:
    section = matrix_schema.TunerSection(tuner="skopt-gp", options={"n_initial_points": 4})
    with adapter._quiet():
        found = library.gp_minimize(
            lambda point: 1 - score(point[0]),
            adapter.dimensions(section, SPACE),
            n_calls=9,
            n_initial_points=4,
            random_state=SEED,
        )

    history = search.run(make(section, SPACE, seed=SEED), 9)

    assert places(history) == [(float(rate), int(size), int(optimizer)) for rate, size, optimizer in found.x_iters]


def test_a_third_of_the_expected_trials_are_drawn_at_random(make: Make) -> None:
    tuner: Any = make("skopt-gp", SPACE, expected_trials=12)

    assert tuner._optimizer._n_initial_points == 4


def test_numbers_are_shown_by_their_place_and_words_as_categories() -> None:
    space = Space({**SPACE.domains, "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2)})

    rates, sizes, optimizers, dropout = adapter.dimensions(matrix_schema.TunerSection(tuner="skopt-gp"), space)

    assert (rates.low, rates.high, rates.prior) == (1e-5, 1e-1, "log-uniform")
    assert ((sizes.low, sizes.high), (dropout.low, dropout.high)) == ((0, 2), (0, 5))
    assert tuple(optimizers.categories) == (0, 1)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_what_failed_costs_the_most(make: Make, search: FakeSearch, outcome: Outcome) -> None:
    tuner: Any = make("skopt-gp", SPACE)

    search.run(tuner, 2, [outcome])

    assert tuner._optimizer.yi[0] == 1.0 > tuner._optimizer.yi[1]
