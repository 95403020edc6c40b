"""DEHB proposes what its own ``run()`` would, in whole epochs."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix_schema
from harness.errors import UserError
from harness.search_types import Outcome
from tests.tuners.library_loops import SEED, SPACE, places, score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.tuners.conftest import FakeSearch, Make

library: Any = pytest.importorskip("dehb", reason="make setup installs it")
adapter: Any = pytest.importorskip("harness.tuners.dehb")

TRIALS = 60


def by_its_own_loop(folder: Path) -> list[tuple[object, ...]]:
    proposed: list[tuple[object, ...]] = []

    def train(config: Mapping[str, float], fidelity: float, **_: object) -> dict[str, float]:
        epochs = max(1, round(fidelity))
        proposed.append((config["learning_rate"], int(config["batch_size"]), int(config["optimizer"]), epochs))
        return {"fitness": 1 - score(config["learning_rate"], epochs=epochs), "cost": float(epochs)}

    shown = adapter.configuration_space.shown(matrix_schema.TunerSection(tuner="dehb"), SPACE, seed=SEED)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Please ", category=DeprecationWarning)
        optimizer = library.DEHB(
            cs=shown, f=train, min_fidelity=1, max_fidelity=10, n_workers=1, seed=SEED, output_path=folder
        )
        adapter.logger.remove()
        optimizer.run(fevals=TRIALS)
    return proposed


@pytest.mark.seconds
def test_what_is_proposed_is_what_its_own_loop_would_propose(make: Make, search: FakeSearch, tmp_path: Path) -> None:
    history = search.run(make("dehb", SPACE, seed=SEED, epochs_per_trial=10), TRIALS)

    lengths = [trial.last_epoch for trial in history]
    assert by_its_own_loop(tmp_path) == [
        (*place, length) for place, length in zip(places(history), lengths, strict=True)
    ]


@pytest.mark.parametrize(
    ("epochs", "options", "lengths"),
    [
        (10, {}, {1, 3, 10}),
        (9, {"min_fidelity": 3}, {3, 9}),
        (8, {"eta": 2}, {1, 2, 4, 8}),
        (2, {}, {1, 2}),
        (1, {}, {1}),
    ],
    ids=str,
)
def test_fractions_of_epochs_are_rounded(
    make: Make, search: FakeSearch, epochs: int, options: dict[str, Any], lengths: set[int]
) -> None:
    section = matrix_schema.TunerSection(tuner="dehb", options=options)

    history = search.run(make(section, SPACE, epochs_per_trial=epochs), 40)

    assert {trial.last_epoch for trial in history} == lengths
    assert {(trial.first_epoch, trial.parent) for trial in history} == {(1, None)}


def test_shortest_trials_that_are_as_long_as_all_are_a_mistake(make: Make) -> None:
    section = matrix_schema.TunerSection(tuner="dehb", options={"min_fidelity": 9})

    with pytest.raises(UserError, match=r"^options\.min_fidelity: 9 is not less than the 9 epochs of a trial$"):
        make(section, SPACE, epochs_per_trial=9)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_what_failed_costs_the_most_and_is_told(make: Make, search: FakeSearch, outcome: Outcome) -> None:
    tuner = make("dehb", SPACE)
    assert isinstance(tuner, adapter.Dehb)

    search.run(tuner, 2, [outcome])

    fitness = [entry[2] for entry in tuner._optimizer.history]
    assert fitness[0] == 1.0 > fitness[1]


def test_nothing_is_printed_and_no_thread_is_left(
    make: Make, search: FakeSearch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()

    search.run(make("dehb", SPACE), 5)

    assert capfd.readouterr() == ("", "")
    assert threading.active_count() == before
