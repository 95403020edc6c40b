from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest

from harness.catalogue import backbones
from harness.matrix_schema import Backbone

LISTED = list(backbones.KNOWN.values())


def mistakes(image_size: int = 96, **section: Any) -> list[str]:
    return backbones.mistakes(Backbone(**{"model": "MobileNetV2", **section}), image_size)


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"alpha": 0.35},
        {"alpha": 1},
        {"alpha": 1.4, "train": "last:104"},
        {"weights": "none", "alpha": 0.2},
        {"weights": "packaged", "alpha": 1.0},
        {"weights": "my weights/ü.weights.h5", "alpha": 0.6, "weights_sha256": "0" * 64},
        {"weights": "w.KERAS"},
        {"model": "EfficientNetLite0", "weights": "packaged", "train": "all"},
        {"model": "MobileNetV3Small", "alpha": 0.75},
        {"model": "NASNetLarge"},
        {"model": "EfficientNetV2B0", "weights_sha256": "0" * 64},
        {"model": "file", "path": "mine.py", "weights": "none"},
        {
            "model": "file",
            "path": "mine.py",
            "weights": "w.keras",
            "weights_sha256": "0" * 64,
            "options": {"blocks": 3},
        },
    ],
)
def test_a_section_that_can_be_run_has_no_mistakes(section: dict[str, Any]) -> None:
    assert mistakes(**section) == []


@pytest.mark.parametrize("model", backbones.KNOWN)
@pytest.mark.parametrize("weights", ["imagenet", "packaged", "none"])
def test_every_offered_combination_has_no_mistakes(model: str, weights: str) -> None:
    known = backbones.KNOWN[model]

    found = mistakes(known.image_size, model=model, weights=weights)

    assert (found == []) == (weights in known.sources)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"model": "MobilNetV2"}, "model: unknown backbone 'MobilNetV2'; did you mean 'MobileNetV2'?"),
        ({"model": "resnet50v2"}, "model: unknown backbone 'resnet50v2'; did you mean 'ResNet50V2'?"),
        (
            {"model": "VGG16", "weights": "packaged"},
            "weights: VGG16 has no 'packaged' weights; MobileNetV2, EfficientNetLite0 have",
        ),
        (
            {"model": "EfficientNetLite0"},
            "weights: EfficientNetLite0 has no 'imagenet' download; its 'packaged' weights were trained on ImageNet",
        ),
        (
            {"weights": "imagnet"},
            (
                "weights: unknown weights 'imagnet'; did you mean 'imagenet'?"
                " A weights file ends in .keras, .h5 or .weights.h5"
            ),
        ),
        (
            {"weights": "w.pth"},
            (
                "weights: unknown weights 'w.pth'; write imagenet, packaged or none,"
                " or a weights file, which ends in .keras, .h5 or .weights.h5"
            ),
        ),
        (
            {"model": "ResNet50", "alpha": 0.5},
            (
                "alpha: ResNet50 has no width multiplier; remove it, or use"
                " MobileNetV2, MobileNet, MobileNetV3Large, MobileNetV3Small"
            ),
        ),
        (
            {"alpha": 0.4},
            "alpha: MobileNetV2 has no ImageNet weights for 0.4; there are 0.35, 0.5, 0.75, 1, 1.3, 1.4",
        ),
        ({"weights": "packaged", "alpha": 0.5}, "alpha: the packaged weights of MobileNetV2 are for 1, not 0.5"),
        ({"weights": "none", "alpha": 0.01}, "alpha: 0.01 leaves no channels; use at least 0.1"),
        ({"path": "mine.py"}, "path: is for model = 'file', not MobileNetV2; remove it, or set model to that"),
        (
            {"options": {"blocks": 3}},
            "options: is for model = 'file', not MobileNetV2; remove it, or set model to that",
        ),
        (
            {"model": "file", "weights": "none"},
            "path: is missing; name the Python file that the model is in, or package:NAME",
        ),
        (
            {"model": "file", "path": "mine.py"},
            (
                "weights: there are no 'imagenet' weights for a model of your own;"
                " write 'none' where its file sets them, or the name of a weights file"
            ),
        ),
        (
            {"model": "file", "path": "mine.py", "weights": "non"},
            ("weights: unknown weights 'non'; did you mean 'none'? A weights file ends in .keras, .h5 or .weights.h5"),
        ),
        (
            {"model": "file", "path": "mine.py", "weights": "none", "weights_sha256": "0" * 64},
            "weights_sha256: weights = 'none' has no file to check; remove one of the two",
        ),
        (
            {"model": "file", "path": "mine.py", "weights": "none", "alpha": 0.5},
            "alpha: is for models of keras.applications; remove it, or write it into options",
        ),
        (
            {"weights": "none", "weights_sha256": "0" * 64},
            "weights_sha256: weights = 'none' has no file to check; remove one of the two",
        ),
        (
            {"weights": "packaged", "weights_sha256": "0" * 64},
            (
                "weights_sha256: the packaged weights of MobileNetV2 are"
                f" 272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1, not {'0' * 64}"
            ),
        ),
        (
            {"train": "last:105"},
            "train: 'last:105' is more than the 104 layers of MobileNetV2 with weights; write 'all'",
        ),
    ],
)
def test_a_mistake_names_key_value_and_way_out(section: dict[str, Any], expected: str) -> None:
    assert mistakes(**section) == [expected]


def test_a_name_like_no_other_is_answered_with_all() -> None:
    (line,) = mistakes(model="Ünknown 模型")

    assert line.startswith("model: unknown backbone 'Ünknown 模型'; known are MobileNetV2, EfficientNetV2B0, ConvNeXt")


@pytest.mark.parametrize(("model", "smallest"), [("InceptionV3", 75), ("Xception", 71)])
def test_images_may_be_too_small_for_a_model(model: str, smallest: int) -> None:
    assert mistakes(smallest, model=model) == []
    assert mistakes(smallest - 1, model=model) == [
        f"model: {model} needs images of at least {smallest} pixels; image_size is {smallest - 1}"
    ]


def test_several_mistakes_are_all_named() -> None:
    found = mistakes(64, model="InceptionV3", weights="packaged", alpha=0.5, train="last:999")

    assert [line.split(":")[0] for line in found] == ["weights", "alpha", "model", "train"]


@pytest.mark.parametrize(
    ("alpha", "image_size", "file"),
    [
        (1.0, 160, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5"),
        (0.35, 33, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"),
    ],
)
def test_weights_are_chosen_by_alpha_and_image_size(alpha: float, image_size: int, file: str) -> None:
    download = backbones.KNOWN["MobileNetV2"].download(alpha=alpha, image_size=image_size)

    assert download is not None
    assert download.file == file


def test_there_are_no_weights_for_an_unpublished_alpha() -> None:
    assert backbones.KNOWN["MobileNetV2"].download(alpha=0.9, image_size=224) is None


def test_the_backbones_of_the_study_come_first_and_the_others_by_name() -> None:
    first, second, *others = backbones.KNOWN

    assert (first, second) == ("MobileNetV2", "EfficientNetV2B0")
    assert len(others) == 39
    assert others == sorted(others)


def test_every_download_is_pinned_but_those_that_keras_does_not_pin() -> None:
    unpinned = {known.name for known in LISTED for file in known.imagenet if file.md5 is None and file.sha256 is None}

    assert unpinned == {"MobileNet", "MobileNetV2"}


def test_the_catalogue_holds_every_model_of_the_installed_keras() -> None:
    models = {name for name in dir(keras.applications) if inspect.isfunction(getattr(keras.applications, name))}

    assert {known.name for known in LISTED if known.module is not None} == models


@pytest.mark.parametrize("known", [known for known in LISTED if known.module], ids=lambda known: known.name)
def test_downloads_are_those_of_the_installed_keras(known: backbones.KnownBackbone) -> None:
    source = inspect.getsource(sys.modules[getattr(keras.applications, known.name).__module__])
    if known.module == "resnet_v2":
        source = inspect.getsource(sys.modules["keras.src.applications.resnet"])

    for file in known.imagenet:
        assert f'"{file.md5 or file.sha256}"' in source or known.name in {"MobileNet", "MobileNetV2"}
        assert file.url.rpartition("/")[0] in source.replace('"\n    "', "")


@pytest.mark.train
@pytest.mark.parametrize("name", ["EfficientNetLite0", "MobileNetV3Small", "VGG16"])
def test_an_entry_is_what_the_installed_keras_says(generator: ModuleType, name: str) -> None:
    assert {"name": name, **as_json(generator.entry(name))} == as_json(asdict(backbones.KNOWN[name]))


@pytest.mark.train
@pytest.mark.slow
def test_the_whole_catalogue_is_what_the_installed_keras_says(generator: ModuleType) -> None:
    assert as_json(generator.catalogue()) == json.loads(generator.PATH.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Import the script that made the catalogue."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "catalogue_backbones.py"
    spec = importlib.util.spec_from_file_location("catalogue_backbones", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_the_catalogue_needs_no_trainer() -> None:
    code = "import sys, harness.catalogue.backbones; print({'numpy', 'keras', 'tensorflow'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "set()"
