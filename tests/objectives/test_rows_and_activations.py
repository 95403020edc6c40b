from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from harness.errors import MachineError
from harness.objectives import frozen_activations, training_inputs
from harness.objectives.training_inputs import Rows
from harness.objectives.trial_checkpoints import Checkpoints

pytestmark = pytest.mark.train


def mean_colour() -> keras.Model:
    images = keras.Input((4, 4, 3))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("count", [1, frozen_activations.BATCH, 3 * frozen_activations.BATCH + 1])
def test_activations_are_the_models_output_for_every_image(tmp_path: Path, count: int) -> None:
    given = images(count)

    frozen_activations.compute(tmp_path, "key", below=mean_colour(), images=given, facts={"width": 3})

    found = frozen_activations.find(tmp_path, "key")
    assert found is not None
    assert found.values is not None
    assert found.facts == {"width": 3}
    np.testing.assert_allclose(found.values, given.mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("name", ["activations.npy", "facts.json"])
@pytest.mark.parametrize("left", [0, 5, -1])
def test_activations_that_were_cut_off_are_the_machines_trouble_with_the_way_out(
    tmp_path: Path, name: str, left: int
) -> None:
    frozen_activations.compute(tmp_path, "ä key", below=mean_colour(), images=images(3), facts={"width": 3})
    path = tmp_path / "activations" / "ä key" / name
    path.write_bytes(path.read_bytes()[:left].rstrip(b"}\n"))

    with pytest.raises(MachineError) as caught:
        frozen_activations.find(tmp_path, "ä key")

    assert str(caught.value).startswith(f"{path}: was not left as it was written: ")
    assert str(caught.value).endswith(f"; delete {path.parent} and run again")
    assert "\n" not in str(caught.value)


def test_activations_are_mapped_from_the_disk_not_read(tmp_path: Path) -> None:
    frozen_activations.compute(tmp_path, "key", below=mean_colour(), images=images(3), facts={})

    found = frozen_activations.find(tmp_path, "key")

    assert found is not None
    assert isinstance(found.values, np.memmap)
    assert not found.values.flags.writeable


def test_what_was_never_computed_is_none(tmp_path: Path) -> None:
    assert frozen_activations.find(tmp_path, "key") is None


def test_computing_twice_keeps_the_first_and_leaves_no_scraps(tmp_path: Path) -> None:
    for width in (1, 2):
        frozen_activations.compute(tmp_path, "key", below=mean_colour(), images=images(3), facts={"width": width})

    assert json.loads((tmp_path / "activations" / "key" / "facts.json").read_text()) == {"width": 1}
    assert [path.name for path in (tmp_path / "activations").iterdir()] == ["key"]


def test_a_computation_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="incompatible"):
        frozen_activations.compute(tmp_path, "key", below=mean_colour(), images=images(3)[:, :2], facts={})

    assert frozen_activations.find(tmp_path, "key") is None
    assert list((tmp_path / "activations").iterdir()) == []


def test_a_backbone_without_a_frozen_part_leaves_facts_alone(tmp_path: Path) -> None:
    frozen_activations.compute(tmp_path, "key", below=None, images=images(3), facts={"width": 7})

    found = frozen_activations.find(tmp_path, "key")

    assert found is not None
    assert found.values is None


def test_rows_too_large_for_memory_are_gathered_from_the_disk_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    given, index = images(9), np.array([8, 0, 3, 3], np.int32)
    in_memory = Rows(given).gather(index)

    monkeypatch.setattr(training_inputs, "LARGEST_IN_MEMORY_BYTES", 0)
    from_disk = Rows(given).gather(index)

    np.testing.assert_array_equal(in_memory, given[index].astype(np.float32))
    np.testing.assert_array_equal(from_disk, in_memory)


def test_weights_come_back_as_they_were_kept_in_order(tmp_path: Path) -> None:
    weights = [np.full((2, 3), float(number), np.float32) for number in range(12)]
    checkpoints = Checkpoints(tmp_path / "checkpoints")

    checkpoints.save(7, weights)

    for kept, given in zip(checkpoints.load(7), weights, strict=True):
        np.testing.assert_array_equal(kept, given)
