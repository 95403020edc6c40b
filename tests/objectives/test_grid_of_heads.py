"""Heads trained side by side, against the same heads trained alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.catalogue.grid_points import configurations
from harness.matrix_schema import Protocol
from harness.objectives import grid_of_heads, keras_training, scores, tensorflow_settings
from harness.objectives.epoch_graph import Needs
from harness.objectives.grid_of_heads import CurvesDiffer, GridOfHeads
from harness.objectives.keras_training import KerasObjective, Trained, TrainingData
from harness.objectives.trial_checkpoints import Checkpoints
from harness.phase_clock import Ledger
from harness.search_types import Diverged, Epoch, Outcome, Proposal, Trial
from harness.space import Choice, Fixed, Space
from harness.tuners.every_configuration import EveryConfiguration

pytestmark = pytest.mark.train

RUNGS = [[4], [2, 4], [1, 2, 4]]
# Rates at which training is steady: where it is chaotic, rounding grows to another curve that is as good.
SPACE = Space(
    {
        "learning_rate": Choice(choices=(1e-4, 1e-3, 3e-3), default=1e-3),
        "batch_size": Choice(choices=(16, 32), default=32),
        "dropout": Choice(choices=(0.0, 0.3), default=0.3),
        "optimizer": Fixed(value="adam"),
    }
)
SCORER = partial(scores.score, metric="macro_f1")


def alone(data: TrainingData, folder: Path) -> KerasObjective:
    protocol = Protocol(epochs_per_trial=4, image_size=32)
    tensorflow_settings.configure(protocol, seed=1)
    return KerasObjective(
        data=data,
        trained=lambda _: Trained(above=None, width=data.rows.shape[1]),
        scorer=SCORER,
        protocol=protocol,
        seed=3,
        ledger=Ledger(clock=time.monotonic, started=0.0),
        checkpoints=Checkpoints(folder),
        needs=Needs(),
    )


def grid(data: TrainingData, folder: Path, *, space: Space = SPACE, earlier: Sequence[Trial] = ()) -> GridOfHeads:
    ledger = Ledger(clock=time.monotonic, started=0.0)
    return GridOfHeads(
        alone(data, folder), data=data, space=space, rungs=RUNGS, scorer=SCORER, seed=3, ledger=ledger, earlier=earlier
    )


def trained(objective: KerasObjective | GridOfHeads, space: Space = SPACE) -> list[list[Epoch]]:
    """Train everything of the grid that Hyperband may ask for, test scores included."""
    tuner = EveryConfiguration(space=space, rungs=RUNGS)
    found: list[list[Epoch]] = []
    while (proposal := tuner.ask()) is not None:
        outcome, epochs = Outcome.COMPLETED, list[Epoch]()
        try:
            epochs.extend(replace(each, test_score=objective.test_score()) for each in objective.train(proposal))
        except Diverged:
            outcome = Outcome.DIVERGED
        trial = Trial.of(proposal, number=len(found), outcome=outcome, reason=None, epochs=tuple(epochs))
        tuner.tell(trial)
        objective.keep(trial.number)
        found.append(epochs)
    return found


def other_seeds(seed: int, number: int) -> npt.NDArray[np.int32]:
    return np.array([seed + 1, number], np.int32)


def test_heads_side_by_side_have_the_curves_of_heads_trained_alone(features: TrainingData, tmp_path: Path) -> None:
    one, other = trained(alone(features, tmp_path / "one")), trained(grid(features, tmp_path / "other"))

    assert len(one) == len(other) == 12 * 6
    for expected, found in zip(one, other, strict=True):
        assert [epoch.epoch for epoch in found] == [epoch.epoch for epoch in expected]
        np.testing.assert_allclose(
            [epoch.loss or 0.0 for epoch in found], [epoch.loss or 0.0 for epoch in expected], rtol=1e-4
        )
        # A score may move by an image where two classes are as likely as each other.
        for name in ("val_score", "test_score"):
            values = [[getattr(epoch, name) for epoch in epochs] for epochs in (found, expected)]
            np.testing.assert_allclose(values[0], values[1], atol=0.05)
    same = [a.val_score == b.val_score for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)]
    assert np.mean(same) > 0.98


def test_a_head_that_diverges_leaves_the_others_as_they_are(features: TrainingData, tmp_path: Path) -> None:
    wild = Space({**SPACE.domains, "learning_rate": Choice(choices=(1e-3, 1e38), default=1e-3)})
    calm = Space({**SPACE.domains, "learning_rate": Choice(choices=(1e-3, 2e-3), default=1e-3)})
    with_it = trained(grid(features, tmp_path / "one", space=wild), wild)
    without = trained(grid(features, tmp_path / "two", space=calm), calm)

    first = [each["learning_rate"] for each in configurations(calm)].count(1e-3) * 6
    seen = [
        [(e.epoch, e.val_score, e.loss) for epochs in found[:first] for e in epochs] for found in (with_it, without)
    ]
    assert seen[0] == seen[1]
    assert all(len(epochs) < 4 for epochs in with_it[first:])


def test_a_recording_that_was_interrupted_goes_on(features: TrainingData, tmp_path: Path) -> None:
    parameters = next(iter(configurations(SPACE)))
    first = Proposal(parameters=parameters, last_epoch=2)
    then = Proposal(parameters=parameters, first_epoch=3, last_epoch=4, parent=0)
    whole = grid(features, tmp_path)
    epochs = tuple(whole.train(first))
    whole.keep(0)
    earlier = Trial.of(first, number=0, outcome=Outcome.COMPLETED, reason=None, epochs=epochs)

    again = grid(features, tmp_path, earlier=[earlier])
    curves = [[(epoch.epoch, epoch.val_score, epoch.loss) for epoch in each.train(then)] for each in (whole, again)]
    assert curves[0] == curves[1]


def test_heads_that_differ_from_what_is_trained_alone_stop_the_recording(
    features: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = grid(features, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(keras_training, "epoch_seeds", other_seeds)
        next(objective.train(Proposal(parameters={**SPACE.defaults, "dropout": 0.0}, last_epoch=1)))
    with pytest.raises(CurvesDiffer, match="side by side"):
        list(objective.train(Proposal(parameters=SPACE.defaults, last_epoch=4)))


@pytest.mark.parametrize(
    ("rungs", "lasts"),
    [([[10]], {(): 10}), ([[10], [4, 10], [2, 4, 10]], {(): 10, (4,): 10, (2,): 4, (2, 4): 10})],
)
def test_a_trial_is_the_beginning_of_a_longer_one(rungs: list[list[int]], lasts: dict[tuple[int, ...], int]) -> None:
    assert grid_of_heads.last_epochs(rungs) == lasts
