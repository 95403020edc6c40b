from __future__ import annotations

from typing import Any

import pytest

from harness.cells import Cell, Names
from harness.spec import Backbone, Budget, Protocol, Tuner


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"tuner": Tuner(tuner="optuna-random", options={"x": 1})},
        {"tuner": Tuner(tuner="optuna-random", pruner="median")},
        {"backbone": Backbone(model="MobileNetV2", weights="none", train="all")},
        {"budget": Budget(epochs=7)},
        {"protocol": Protocol(epochs_per_trial=3, image_size=64)},
        {"source": {"content_hash": "b" * 64, "paths": ["/somewhere"]}},
        {"weights": {"sha256": "f" * 64, "path": None}},
        {"domains": {"dropout": {"kind": "fixed", "value": 0.1}}},
        {"environment": "x"},
        {"prices": "x"},
        {"code": "x"},
        {"audit": "trial"},
        {"schema_version": 99},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_can_change_the_result_makes_another_cell(cell: Cell, change: dict[str, Any]) -> None:
    assert cell.model_copy(update=change).id != cell.id


@pytest.mark.parametrize(
    "change",
    [
        {"names": Names(dataset="Ziffern", backbone="x", tuner="y", hyperparameters="z")},
        {"source": {"content_hash": "a" * 64, "paths": ["/elsewhere"]}},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, learning_rate_factors=[1.0])},
    ],
    ids=["names", "path of the data", "what is retrained afterwards"],
)
def test_what_cannot_change_the_result_leaves_the_cell_the_same(cell: Cell, change: dict[str, Any]) -> None:
    assert cell.model_copy(update=change).id == cell.id


def test_tuners_and_seeds_are_compared_within_one_group(cell: Cell) -> None:
    other = cell.model_copy(update={"seed": 5, "tuner": Tuner(tuner="default")})

    assert other.group == cell.group
    assert cell.model_copy(update={"budget": Budget(epochs=7)}).group != cell.group


def test_a_cell_goes_through_its_file_unchanged(cell: Cell) -> None:
    again = Cell.model_validate_json(cell.model_dump_json())

    assert again == cell
    assert again.id == cell.id


def test_the_order_of_hyperparameters_makes_another_cell(cell: Cell) -> None:
    """Tuners draw in that order, so another order gives other proposals."""
    reordered = dict(reversed(cell.domains.items()))

    assert cell.model_copy(update={"domains": reordered}).id != cell.id
