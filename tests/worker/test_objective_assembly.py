from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.matrix_schema import Augmentation
from harness.search_types import OutOfMemory, Parameters, TrialFailed
from harness.space import Choice, Domain, Fixed, Range, Space

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

pytestmark = pytest.mark.train

RATE: Mapping[str, Domain] = {"learning_rate": Range(low=1e-3, high=1.0, log=True, default=1e-2)}
OPTIMIZER = Choice(choices=("adam", "sgd", "rmsprop"), default="sgd")
WIDTH = Range(low=0, high=64, step=32, integer=True, default=32)


class FakeObjective:
    """Says of a model what it was built for; some can't be built."""

    def __init__(self, **broken: Exception) -> None:
        self.asked: list[Parameters] = []
        self._broken = broken

    def prepare(self, parameters: Parameters) -> dict[str, Any]:
        self.asked.append(parameters)
        if parameters["optimizer"] in self._broken:
            raise self._broken[str(parameters["optimizer"])]
        return {"trained_weights": len(self.asked)}


def others(*, most: int = 3, **domains: Domain) -> list[dict[str, Any]]:
    from harness.worker import objective_assembly  # noqa: PLC0415 - TensorFlow, for marked tests only

    found = objective_assembly.other_structures(Space({**RATE, **domains}), most=most)
    assert all(parameters["learning_rate"] == 1e-2 for parameters in found)
    return [{name: value for name, value in parameters.items() if name != "learning_rate"} for parameters in found]


def test_where_nothing_structural_is_tuned_the_default_is_all_there_is() -> None:
    assert others() == others(optimizer=Fixed(value="sgd"), hidden_units=Fixed(value=8)) == []


def test_every_structure_that_choices_and_steps_allow_is_foreseen() -> None:
    assert others(optimizer=OPTIMIZER) == [{"optimizer": "adam"}, {"optimizer": "rmsprop"}]
    assert others(hidden_units=WIDTH) == [{"hidden_units": 0}, {"hidden_units": 64}]
    depth = Choice(choices=(1, 5), default=1)
    assert others(fine_tune_depth=depth, hidden_units=Choice(choices=(0, 8), default=0)) == [
        {"fine_tune_depth": 5, "hidden_units": 0},
        {"fine_tune_depth": 1, "hidden_units": 8},
        {"fine_tune_depth": 5, "hidden_units": 8},
    ]


@pytest.mark.parametrize(
    ("device", "domain", "sizes"),
    [
        ("Fake GPU", None, [32]),
        ("Fake GPU", Choice(choices=(16, 64), default=16), [16, 64]),
        ("Fake GPU", Range(low=8, high=256, step=8, integer=True, default=24), [24]),
        ("cpu", Choice(choices=(16, 64), default=16), []),
    ],
)
def test_the_batches_that_trials_will_ask_for_are_warmed_up_on_a_gpu_alone(
    monkeypatch: pytest.MonkeyPatch, device: str, domain: Domain | None, sizes: list[int]
) -> None:
    from harness.objectives import tensorflow_settings  # noqa: PLC0415 - as above
    from harness.worker import objective_assembly  # noqa: PLC0415 - as above

    monkeypatch.setattr(tensorflow_settings, "device_name", lambda: device)
    domains = RATE if domain is None else {**RATE, "batch_size": domain}

    assert list(objective_assembly.warmed_up(Space(domains))) == sizes


def test_no_more_are_foreseen_than_are_kept() -> None:
    assert len(others(optimizer=OPTIMIZER, hidden_units=WIDTH)) == 3
    assert others(hidden_units=Range(low=1, high=512, log=True, integer=True, default=32)) == []
    assert others(most=0, optimizer=OPTIMIZER) == []


@pytest.mark.parametrize("error", [OutOfMemory("device full"), TrialFailed("no such kernel")])
def test_a_structure_that_can_not_be_built_ahead_is_left_to_the_trial_that_asks_for_it(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    from harness.worker import objective_assembly  # noqa: PLC0415 - TensorFlow, for marked tests only

    objective: Any = FakeObjective(adam=error)

    model = objective_assembly.prepare(objective, Space({**RATE, "optimizer": OPTIMIZER}))

    assert model == {"trained_weights": 1, "builds": 2}
    assert [parameters["optimizer"] for parameters in objective.asked] == ["sgd", "adam", "rmsprop"]
    (line,) = caplog.messages
    assert str(error) in line


def test_a_default_that_can_not_be_built_ends_the_search() -> None:
    from harness.worker import objective_assembly  # noqa: PLC0415 - TensorFlow, for marked tests only

    objective: Any = FakeObjective(sgd=OutOfMemory("device full"))

    with pytest.raises(OutOfMemory):
        objective_assembly.prepare(objective, Space({**RATE, "optimizer": OPTIMIZER}))


@pytest.mark.parametrize("train", ["head", "last:2", "all"])
@pytest.mark.parametrize("augments", [True, False])
def test_augmented_images_go_through_the_frozen_layers_whose_activations_are_scored(
    bench: Bench, train: str, *, augments: bool
) -> None:
    from harness.worker import objective_assembly, training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    cell = bench.cell(model="MobileNet", train=train, images=40)
    changes = {"augmentation": Augmentation(flip="horizontal")} if augments else {}
    cell = cell.model_copy(update={"protocol": cell.protocol.model_copy(update=changes)})
    data = training_data.load(cell, bench.cache)

    made = objective_assembly._trained(cell, data)
    frozen: list[Any] = [made(None).below, made(None).below]

    assert frozen[0] is frozen[1]
    assert (frozen[0] is not None) is (augments and train != "all")
    if frozen[0] is None:
        assert data.training.images is None
    else:
        assert data.training.images is not None
        activations = frozen[0](data.training.images.astype(np.float32), training=False)
        np.testing.assert_allclose(activations, data.training.rows, rtol=1e-3, atol=1e-5)
