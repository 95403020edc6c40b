"""Hyperopt proposes what its own ``fmin`` would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix_schema
from harness.search_types import Outcome
from tests.tuners.library_loops import SEED, SPACE, places, score

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

library: Any = pytest.importorskip("hyperopt", reason="make setup installs it")
np: Any = pytest.importorskip("numpy")
adapter: Any = pytest.importorskip("harness.tuners.hyperopt")


@pytest.mark.seconds
def test_what_is_proposed_is_what_its_own_loop_would_propose(make: Make, search: FakeSearch) -> None:
    section = matrix_schema.TunerSection(tuner="hyperopt-tpe", options={"n_startup_jobs": 5})
    proposed: list[tuple[float, int, int]] = []

    def train(drawn: Mapping[str, float]) -> float:
        proposed.append((drawn["learning_rate"], int(drawn["batch_size"]), int(drawn["optimizer"])))
        return 1 - score(drawn["learning_rate"])

    library.fmin(
        train,
        adapter.search_space(section, SPACE),
        algo=adapter.partial(library.tpe.suggest, n_startup_jobs=5),
        max_evals=25,
        rstate=np.random.default_rng(SEED),
        show_progressbar=False,
        verbose=False,
    )

    assert places(search.run(make(section, SPACE, seed=SEED), 25)) == proposed


def test_a_third_of_the_expected_trials_are_drawn_at_random(make: Make) -> None:
    tuner: Any = make("hyperopt-tpe", SPACE, expected_trials=12)

    assert tuner._suggest.keywords["n_startup_jobs"] == 4


@pytest.mark.seconds
def test_the_first_and_the_last_value_of_a_list_are_drawn_as_often_as_the_others(
    make: Make, search: FakeSearch
) -> None:
    section = matrix_schema.TunerSection(tuner="hyperopt-tpe", options={"n_startup_jobs": 1_000})

    history = search.run(make(section, SPACE), 300)

    counts = [sum(trial.parameters["batch_size"] == size for trial in history) for size in (16, 32, 64)]
    assert min(counts) > 70, counts


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_what_failed_is_told_as_failed_and_has_no_loss(make: Make, search: FakeSearch, outcome: Outcome) -> None:
    tuner: Any = make("hyperopt-tpe", SPACE)

    search.run(tuner, 2, [outcome])

    assert tuner._trials.statuses() == ["fail", "ok"]
    assert tuner._trials.losses()[0] is None
