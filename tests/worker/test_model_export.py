from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.records import CellFolder
from harness.search_types import Trial
from harness.space import Domain, Fixed

if TYPE_CHECKING:
    from harness.cells import Cell
    from harness.worker.training_data import Loaded
    from tests.worker.conftest import Bench

pytestmark = [
    pytest.mark.train,
    # Keras 3.15 reads the variables of a Normalization layer so when it saves them.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SMALL: Mapping[str, Domain] = {"learning_rate": Fixed(value=0.01), "batch_size": Fixed(value=32)}


def saved(bench: Bench, cell: Cell, searched: CellFolder) -> tuple[CellFolder, dict[str, Any]]:
    """Save what a search found, in a fresh folder."""
    from harness.worker import tasks  # noqa: PLC0415 - TensorFlow, for marked tests only

    folder = bench.folder(cell)
    folder.take_trials(searched)
    return folder, tasks.save(folder, cache=bench.cache, started=time.monotonic())


def best_scores(folder: CellFolder) -> tuple[float, float | None]:
    epochs = [epoch for trial in folder.trials() for epoch in trial.epochs]
    best = max(epochs, key=lambda epoch: epoch.val_score)
    return best.val_score, best.test_score


def score_by_plain_keras(bench: Bench, cell: Cell, folder: CellFolder) -> float:
    """What the file says of the test images, with nothing of the harness in between but the images."""
    import keras  # noqa: PLC0415 - see above
    from sklearn.metrics import f1_score  # noqa: PLC0415 - see above

    from harness.datasets import decoded_images  # noqa: PLC0415 - see above
    from harness.datasets.verified_sources import Source  # noqa: PLC0415 - see above
    from harness.worker import training_data  # noqa: PLC0415 - see above

    loaded: Loaded = training_data.load(cell, bench.cache)
    source = Source.from_json(cell.source.told)
    pictures = decoded_images.load(source, cell.dataset, image_size=cell.protocol.image_size, cache=bench.cache).images
    test, labels = loaded.training.test, loaded.training.labels
    model = keras.models.load_model(folder.model)
    probabilities = model.predict(pictures[test].astype("float32"), verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    score: float = f1_score(labels[test], probabilities.argmax(axis=1), average="macro")
    return score


@pytest.mark.parametrize(
    ("model", "train", "domains"),
    [
        ("EfficientNetLite0", "head", {}),
        ("MobileNet", "last:2", {"hidden_units": Fixed(value=8)}),
        ("MobileNetV2", "last:3", {"fine_tune_depth": Fixed(value=2)}),
        ("file", "all", {}),
    ],
)
def test_the_saved_model_scores_on_the_test_images_what_its_trial_did(
    bench: Bench, model: str, train: str, domains: Mapping[str, Domain]
) -> None:
    cell = bench.cell(model=model, train=train, domains={**SMALL, **domains}, epochs=4)
    searched, _ = bench.search(cell)

    folder, outcome = saved(bench, cell, searched)

    val_score, test_score = best_scores(searched)
    assert test_score is not None
    assert (outcome["saved"]["val_score"], outcome["saved"]["test_score"]) == (val_score, test_score)
    assert outcome["saved"]["saved_test_score"] == test_score
    assert score_by_plain_keras(bench, cell, folder) == pytest.approx(test_score, abs=1e-9)


def test_a_trial_that_continues_others_is_trained_again_after_them(bench: Bench) -> None:
    cell = bench.cell("kt-hyperband", epochs=24, epochs_per_trial=4)
    searched, _ = bench.search(cell)
    trials = searched.trials()
    child = next(trial for trial in trials if trial.parent is not None and trial.epochs)
    # Of the trials up to it, it is made the best.
    last = child.epochs[-1]
    made = bench.folder(cell)
    for trial in trials[: child.number + 1]:
        made.append(_scored(trial, best=last.epoch if trial is child else None))

    _, outcome = saved(bench, cell, made)

    assert outcome["saved"]["val_score"] == last.val_score


def _scored(trial: Trial, *, best: int | None) -> Trial:
    """The trial, its ``best`` epoch scored above all others."""
    epochs = tuple(replace(epoch, val_score=1.0 if epoch.epoch == best else 0.0) for epoch in trial.epochs)
    return replace(trial, epochs=epochs)


def test_a_search_without_a_score_has_no_model_to_save(bench: Bench) -> None:
    cell = bench.cell()

    with pytest.raises(UserError, match="no trial of the search has a score"):
        saved(bench, cell, bench.folder(cell))


def test_a_model_that_keras_can_not_load_by_itself_is_refused(bench: Bench) -> None:
    from harness.objectives import standalone_model  # noqa: PLC0415 - see above

    path = bench.folder(bench.cell()).model
    path.write_bytes(b"no model")

    with pytest.raises(UserError, match="Keras can't load the saved model by itself"):
        standalone_model.load(path)
