from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.matrix_schema import Augmentation, Protocol
from harness.search_types import Outcome

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

pytestmark = pytest.mark.train

# Every option of the protocol that changes how a trial is trained or scored, at every value but its default.
OPTIONS: list[dict[str, Any]] = [
    *({"metric": metric} for metric in ("weighted_f1", "micro_f1", "accuracy")),
    {"precision": "mixed_float16"},
    {"precision": "mixed_bfloat16"},
    {"determinism": False},
    {"jit": True},
    {"tuner_threads": 2},
    {"schedule": "cosine"},
    {"warmup_epochs": 0.5},
    {"class_weights": "balanced"},
    {"patience": 1},
    {"augmentation": Augmentation(flip="vertical", rotation=0.1, translation=0.1, zoom=0.1, contrast=0.1)},
]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave the process at the defaults, whatever a search configured."""
    yield
    from harness.objectives import tensorflow_settings  # noqa: PLC0415 - TensorFlow, for marked tests only

    tensorflow_settings.configure(Protocol(), seed=1)


def test_every_option_is_tried() -> None:
    elsewhere = {"epochs_per_trial", "image_size", "split", "meter", "learning_rate_factors"}

    assert {name for option in OPTIONS for name in option} == set(Protocol.model_fields) - elsewhere


@pytest.mark.parametrize("train", ["head", "last:2", "all"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_option_of_the_protocol_trains_at_every_depth(bench: Bench, option: dict[str, Any], train: str) -> None:
    cell = bench.cell(model="file", train=train, images=80, epochs=2, epochs_per_trial=1)

    folder, outcome = bench.search(cell.model_copy(update={"protocol": cell.protocol.model_copy(update=option)}))

    assert outcome["status"] == "completed"
    assert [(trial.outcome, trial.reason) for trial in folder.trials()] == [(Outcome.COMPLETED, None)] * 2
    assert all(
        epoch.loss is not None and math.isfinite(epoch.loss) for trial in folder.trials() for epoch in trial.epochs
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_activations_come_back_from_the_cache_as_they_were_computed(bench: Bench, precision: str) -> None:
    from harness.objectives import tensorflow_settings  # noqa: PLC0415 - TensorFlow, for marked tests only
    from harness.worker import training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    plain, cell = bench.cell(images=40, seed=3), bench.cell(images=40, seed=3)
    cell = cell.model_copy(update={"protocol": cell.protocol.model_copy(update={"precision": precision})})
    tensorflow_settings.configure(plain.protocol, seed=1)
    exact = np.asarray(training_data.load(plain, bench.cache).training.rows, dtype=np.float32)
    tensorflow_settings.configure(cell.protocol, seed=1)

    rows = training_data.load(cell, bench.cache).training.rows

    assert str(rows.dtype) == precision.removeprefix("mixed_")
    np.testing.assert_allclose(np.asarray(rows, dtype=np.float32), exact, rtol=0.1, atol=0.05 * float(exact.max()))
