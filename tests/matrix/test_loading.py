from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import backbones, datasets, tuners
from harness.matrix import Matrix, load

Load = Callable[[dict[str, Any]], Matrix]

EXAMPLE = """\
seeds = [1, 2, 3]
[budget]
epochs = 60
[protocol]
epochs_per_trial = 10
image_size = 96
[datasets.animals]
source = "animals"
max_images = 1000
[backbones.MobileNetV2]
model = "MobileNetV2"
weights = "imagenet"
train = "head"
[tuners.default]
tuner = "default"
[tuners."optuna-tpe + hyperband"]
tuner = "optuna-tpe"
pruner = "hyperband"
[hyperparameters.full]
learning_rate = { low = 1e-4, high = 1e-1, log = true, default = 1e-3 }
batch_size = { choices = [16, 32, 64], default = 32 }
dropout = { low = 0.0, high = 0.6, default = 0.2 }
"""


def test_a_matrix_is_named_after_its_file(tmp_path: Path) -> None:
    file = tmp_path / "Größe 2.toml"
    file.write_text(EXAMPLE, "utf-8")

    matrix = load(file)

    assert matrix.name == "Größe 2"
    assert matrix.path == file
    assert matrix.spec.tuners["optuna-tpe + hyperband"].pruner == "hyperband"
    assert list(matrix.spaces) == ["full"]
    assert list(matrix.spaces["full"].tuned) == ["learning_rate", "batch_size", "dropout"]


def test_a_loaded_matrix_is_frozen(small: dict[str, Any], load_document: Load) -> None:
    matrix = load_document(small)

    with pytest.raises(dataclasses.FrozenInstanceError):
        matrix.name = "other"  # type: ignore[misc]  # what mypy forbids is tried here


def test_empty_sections_are_named_after_what_they_mean(small: dict[str, Any], load_document: Load) -> None:
    matrix = load_document(small).spec

    assert matrix.datasets["animals"].source == "animals"
    assert matrix.backbones["MobileNetV2"].model == "MobileNetV2"
    assert matrix.tuners["kt-random"].tuner == "kt-random"


def test_a_section_may_be_named_after_something_else(small: dict[str, Any], load_document: Load) -> None:
    matrix = load_document({**small, "tuners": {"default": {"tuner": "kt-random"}}}).spec

    assert matrix.tuners["default"].tuner == "kt-random"


def test_what_is_left_out_has_its_default(small: dict[str, Any], load_document: Load) -> None:
    matrix = load_document(small).spec

    assert matrix.protocol.metric == "macro_f1"
    assert matrix.protocol.split.validation == 0.2
    assert matrix.include == matrix.exclude == []


@pytest.mark.parametrize("name", tuners.KNOWN)
def test_every_tuner_of_the_catalogue_may_be_named(name: str, small: dict[str, Any], load_document: Load) -> None:
    assert load_document({**small, "tuners": {name: {}}}).spec.tuners[name].tuner == name


@pytest.mark.parametrize("name", backbones.KNOWN)
def test_every_backbone_of_the_catalogue_may_be_named(name: str, small: dict[str, Any], load_document: Load) -> None:
    document = {**small, "backbones": {name: {"weights": "none"}}}

    assert load_document(document).spec.backbones[name].model == name


@pytest.mark.parametrize("name", datasets.KNOWN)
def test_every_data_set_of_the_catalogue_may_be_named(name: str, small: dict[str, Any], load_document: Load) -> None:
    section = {"path": "data"} if datasets.KNOWN[name].needs_path else {}
    section |= {"data": "data"} if name == "file" else {}

    assert load_document({**small, "datasets": {name: section}}).spec.datasets[name].source == name


def test_fine_tune_depth_goes_with_a_backbone_that_is_trained_in_part(
    small: dict[str, Any], load_document: Load
) -> None:
    document = {
        **small,
        "backbones": {"MobileNetV2": {"train": "last:9"}},
        "hyperparameters": {"deep": {"fine_tune_depth": {"low": 0, "high": 9}}},
    }

    assert list(load_document(document).spaces["deep"].tuned) == ["fine_tune_depth"]


def test_importing_the_matrix_imports_nothing_heavy() -> None:
    code = """
import sys, time
import pydantic
from pydantic import BaseModel, BeforeValidator
start = time.process_time()
import harness.matrix
print(time.process_time() - start)
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ""}
    )

    cpu_s, modules = done.stdout.splitlines()
    heavy = {"numpy", "tensorflow", "keras", "keras_tuner", "optuna", "PIL", "sklearn", "scipy", "jsonschema"}
    assert not heavy & set(modules.split())
    assert float(cpu_s) < 0.25
