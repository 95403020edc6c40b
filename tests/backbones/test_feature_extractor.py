from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from harness.backbones import feature_extractor
from harness.catalogue import backbones

pytestmark = pytest.mark.train

PIXEL = np.array([[[[255.0, 127.5, 0.0]]]], dtype=np.float32)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("MobileNetV2", [1, 0, -1]),
        ("ResNet50V2", [1, 0, -1]),
        ("VGG16", [0 - 103.939, 127.5 - 116.779, 255 - 123.68]),
        ("DenseNet121", [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0 - 0.406) / 0.225]),
        ("EfficientNetV2B0", [255, 127.5, 0]),
        ("MobileNetV3Small", [255, 127.5, 0]),
        ("EfficientNetLite0", [255, 127.5, 0]),
    ],
)
def test_pixels_become_what_the_network_was_trained_on(model: str, expected: list[float]) -> None:
    assert np.asarray(preprocessed(model)).ravel() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", backbones.KNOWN)
def test_every_backbone_has_its_preprocessing(model: str) -> None:
    assert np.asarray(preprocessed(model)).shape == PIXEL.shape


def preprocessed(model: str) -> Any:
    images = keras.Input((1, 1, 3))
    return keras.Model(images, feature_extractor.preprocess(model, images))(PIXEL)
