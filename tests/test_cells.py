from __future__ import annotations

from typing import Any

import pytest

from harness.cells import Cell, FixedTable, Names, SourceTable, WeightsTable
from harness.matrix_schema import Augmentation, Backbone, Budget, Columns, Dataset, Protocol, TunerSection


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"tuner": TunerSection(tuner="optuna-random", options={"x": 1})},
        {"tuner": TunerSection(tuner="optuna-random", pruner="median")},
        {"backbone": Backbone(model="MobileNetV2", weights="none", train="all")},
        {"budget": Budget(epochs=7)},
        {"protocol": Protocol(epochs_per_trial=3, image_size=64)},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, schedule="cosine")},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, warmup_epochs=1)},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, class_weights="balanced")},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, patience=1)},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, augmentation=Augmentation(zoom=0.1))},
        {"source": SourceTable(content_hash="b" * 64, paths=["/somewhere"])},
        {"weights": WeightsTable(sha256="f" * 64, path=None)},
        {"domains": {"dropout": FixedTable(kind="fixed", value=0.1)}},
        {"environment": "x"},
        {"prices": "x"},
        {"code": "x"},
        {"audit": "trial"},
        {"tuner_packages": {"tuners": "2.0"}},
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
        {"source": SourceTable(content_hash="a" * 64, paths=["/elsewhere"])},
        {"dataset": Dataset(source="digits", group_by="site", groups="sites.csv")},
        {"dataset": Dataset(source="digits", columns=Columns(image="file"))},
        {"dataset": Dataset(source="digits", data="birds", options={"every": 2})},
        {"protocol": Protocol(epochs_per_trial=3, image_size=32, learning_rate_factors=[1.0])},
    ],
    ids=[
        "names",
        "path of the data",
        "how its groups are told",
        "its columns",
        "how it is read",
        "what is retrained afterwards",
    ],
)
def test_what_cannot_change_the_result_leaves_the_cell_the_same(cell: Cell, change: dict[str, Any]) -> None:
    assert cell.model_copy(update=change).id == cell.id


def test_cells_keep_the_ids_that_they_had(cell: Cell) -> None:
    """Pinned: where a change is meant, every search is another one."""
    assert cell.id == "bab9b7b67b474298"


def test_tuners_and_seeds_are_compared_within_one_group(cell: Cell) -> None:
    other = cell.model_copy(update={"seed": 5, "tuner": TunerSection(tuner="default")})

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


def test_a_tuner_is_seeded_anew_for_each_problem(cell: Cell) -> None:
    """By the seed alone, random search proposed the same configurations for every backbone and data set."""
    others = [
        cell.model_copy(update={"source": SourceTable(content_hash="b" * 64)}),
        cell.model_copy(update={"backbone": Backbone(model="MobileNetV2", weights="none", train="all")}),
        cell.model_copy(update={"domains": {"dropout": FixedTable(kind="fixed", value=0.1)}}),
        cell.model_copy(update={"seed": 9}),
    ]

    assert len({cell.tuner_seed, *(other.tuner_seed for other in others)}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"code": "x"},
        {"environment": "x"},
        {"budget": Budget(epochs=7)},
        {"tuner": TunerSection(tuner="default")},
        {"protocol": Protocol(schedule="cosine", warmup_epochs=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_a_problem_is_run_leaves_the_tuners_seed_as_it_is(cell: Cell, change: dict[str, Any]) -> None:
    assert cell.model_copy(update=change).tuner_seed == cell.tuner_seed


def test_other_code_leaves_the_group_as_it_is(cell: Cell) -> None:
    assert cell.model_copy(update={"code": "x", "audit": "trial"}).group == cell.group


def test_what_one_tuners_library_needs_leaves_the_group_as_it_is(cell: Cell) -> None:
    assert cell.model_copy(update={"tuner_packages": {"tuners": "2.0"}}).group == cell.group


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (Budget(epochs=30), Budget(epochs=31), True),
        (Budget(epochs=30), Budget(epochs=30, trials=4), True),
        (Budget(epochs=3), Budget(epochs=30), False),
        (Budget(epochs=2), Budget(epochs=30), False),
        (Budget(epochs=30), Budget(epochs=30, wall_s=5), False),
    ],
)
def test_a_cell_without_tuning_stays_finished_under_a_budget_that_it_cant_spend(
    cell: Cell, one: Budget, other: Budget, *, is_same: bool
) -> None:
    """It trains one trial of three epochs."""
    untuned = cell.model_copy(update={"tuner": TunerSection(tuner="default")})
    ids = {untuned.model_copy(update={"budget": budget}).id for budget in (one, other)}
    groups = {untuned.model_copy(update={"budget": budget}).group for budget in (one, other)}

    assert (len(ids) == 1) is is_same
    assert len(groups) == 2


def test_a_tuned_cell_is_another_under_another_budget(cell: Cell) -> None:
    tuned = cell.model_copy(update={"tuner": TunerSection(tuner="optuna-random")})

    assert len({tuned.model_copy(update={"budget": Budget(epochs=n)}).id for n in (30, 31)}) == 2


def test_a_copy_with_something_changed_has_an_id_of_its_own(cell: Cell) -> None:
    before = cell.id

    assert cell.model_copy(update={"seed": cell.seed + 1}).id != before
    assert cell.model_copy() == cell
    assert cell.model_copy().id == before
