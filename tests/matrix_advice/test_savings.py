from __future__ import annotations

from pathlib import Path

import pytest

from harness.campaign import forecast, matrix_resolution
from harness.campaign.forecast import Rate
from harness.cells import Cell
from harness.matrix import Matrix
from harness.matrix_advice import savings


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    matrix = Matrix(
        name="a",
        seeds=[1, 2, 3],
        budget={"epochs": 40},
        datasets={"digits": {}},
        backbones={model: {"weights": "none"} for model in ("MobileNetV2", "EfficientNetLite0")},
        tuners={"default": {}, "kt-random": {}, "optuna-tpe": {}, "kt-bayesian": {}},
        hyperparameters={"lr": {"learning_rate": {"low": 0.1, "high": 1.0}}},
    )
    return list(matrix_resolution.resolve(matrix, cache=tmp_path).cells)


def test_what_saves_most_comes_first_and_what_others_are_compared_with_stays(cells: list[Cell]) -> None:
    pace = {"MobileNetV2": 1.0, "EfficientNetLite0": 3.0}
    rates = {
        forecast.likes(cell)[0]: [
            Rate(
                fixed_s=0.0,
                epoch_s=pace[cell.names.backbone] * (4.0 if cell.names.tuner == "kt-bayesian" else 1.0),
                device_epoch_s=0.1,
                usd_per_hour=None,
            )
        ]
        for cell in cells
    }

    found = [(saving.change, round(saving.share, 2)) for saving in savings.savings(cells, rates)]

    assert found == [
        ("without the backbone EfficientNetLite0", 0.75),
        ("without the tuner kt-bayesian", 0.64),
        ("half the epochs", 0.48),
        ("2 of 3 seeds", 0.33),
    ]


def test_nothing_is_advised_where_nothing_is_known(cells: list[Cell]) -> None:
    assert savings.savings(cells, {}) == []
    assert savings.savings([], {}) == []
