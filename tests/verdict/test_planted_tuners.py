"""Tuners of which the truth is known, replayed on made-up curves: what the product says of them is that truth."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import learning_curve_tables, prices
from harness.analysis import Group
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.statistics import Judged, Question, Verdict, areas, judged, overtuning, ranks
from harness.api import curves
from harness.catalogue.tuners import UNTUNED
from harness.cells import Cell, FixedTable, Names, SourceTable, WeightsTable, domains_of
from harness.learning_curve_tables import Header
from harness.matrix_schema import TunerSection
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable
from harness.search_types import Epoch, Outcome, Trial

pytestmark = pytest.mark.seconds

RATES = 20
OPTIMA = {"small": 5, "large": 14}
"""The place of the best rate of each backbone."""
LEAKY = 19
"""The place of a rate of which validation scores are too high, on both."""
EPOCHS = 3
PRICES = prices.load()

_PLANTED: dict[str, Any] = {"tuner": "file", "path": "planted_tuners.py"}
TUNERS: dict[str, dict[str, Any]] = {
    "optuna-random": {},
    "oracle": {**_PLANTED, "options": {"places": "5 14"}},
    "twin": {**_PLANTED, "options": {"draws": "one"}},
    "other twin": {**_PLANTED, "options": {"draws": "other"}},
    "slow twin": {**_PLANTED, "options": {"draws": "one", "thinks_s": 0.01}},
    "overfitter": {**_PLANTED, "options": {"places": "7 16 19"}},
    "rememberer": {**_PLANTED, "options": {"places": "5"}},
}
MATRIX = harness.Matrix(
    name="planted",
    base=Path(__file__).parent,
    seeds=[1, 2, 3, 4, 5],
    budget={"epochs": 6 * EPOCHS},
    protocol={"epochs_per_trial": EPOCHS},
    datasets={"any": {"source": "digits"}},
    backbones={
        "small": {"model": "EfficientNetLite0", "weights": "none"},
        "large": {"model": "MobileNetV2", "weights": "none"},
    },
    tuners=TUNERS,
    hyperparameters={"grid": {"learning_rate": {"choices": [place / RATES for place in range(1, RATES + 1)]}}},
)

FIXED = {
    name: table.value for name, table in domains_of(MATRIX.spaces["grid"]).items() if isinstance(table, FixedTable)
}


def _trials(backbone: str, seed: int) -> Iterator[Trial]:
    """Yield the curve of each rate: the further from the optimum the worse, in epochs of a millisecond."""
    luck = random.Random(f"{backbone} {seed}")  # noqa: S311 - made-up curves are no secret
    split = luck.gauss(0, 0.02)
    for place in range(RATES):
        good = 0.9 - 0.04 * abs(place - OPTIMA[backbone]) + split
        val, test = (0.95 + split, 0.75 + split) if place == LEAKY else (good, good)
        noise = luck.gauss(0, 0.005), luck.gauss(0, 0.005)
        epochs = tuple(
            Epoch(
                epoch=epoch,
                val_score=(val + noise[0]) * (1 - 0.2**epoch),
                test_score=(test + noise[1]) * (1 - 0.2**epoch),
                loss=1 / epoch,
                train_s=0.001,
                evaluate_s=0.0,
            )
            for epoch in range(1, EPOCHS + 1)
        )
        yield Trial(
            number=place,
            parameters={**FIXED, "learning_rate": (place + 1) / RATES},
            first_epoch=1,
            last_epoch=EPOCHS,
            parent=None,
            outcome=Outcome.COMPLETED,
            epochs=epochs,
            phases={"train": 0.001 * EPOCHS},
        )


def _written(backbone: str, folder: Path) -> Path:
    spec = MATRIX.spec
    cell = Cell(
        names=Names(dataset="any", backbone=backbone, tuner=UNTUNED, hyperparameters="grid"),
        dataset=spec.datasets["any"],
        source=SourceTable.model_validate({"content_hash": "made up"}),
        backbone=spec.backbones[backbone],
        weights=WeightsTable.model_validate({"sha256": None}),
        tuner=TunerSection(tuner=UNTUNED),
        domains=domains_of(MATRIX.spaces["grid"]),
        budget=spec.budget,
        protocol=spec.protocol,
        seed=1,
        environment="",
        code="",
    )
    header = Header(
        name=MATRIX.name,
        matrix=MATRIX.text,
        base=str(Path(__file__).parent),
        cell=cell,
        seeds=spec.seeds,
        data=DataTable(),
        model=BuiltTable(),
        environment=EnvironmentTable(),
    )
    table = folder / f"{backbone}.parquet"
    learning_curve_tables.write(table, header, [(seed, list(_trials(backbone, seed))) for seed in spec.seeds])
    return table


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """What is judged of ten searches of each tuner on five recorded seeds."""
    folder = tmp_path_factory.mktemp("planted")
    ran = curves.replay([_written(name, folder) for name in OPTIMA], results=folder, seeds=10)
    return judged(harness.load(ran.path, matrix=ran.matrix).comparable, prices=PRICES)


def test_one_that_knows_the_optimum_ranks_first_and_is_better_than_random_search(found: Judged) -> None:
    assert ranks(found.groups, found.verdicts).tuners[0] == "oracle"
    answered = found.verdicts.overall[Question.SCORE]
    assert answered.of("oracle", "optuna-random") is Verdict.BETTER
    assert answered.best == ("oracle",)


def test_one_tuner_under_two_names_ties_with_itself(found: Judged) -> None:
    scores = [each[Question.SCORE] for each in (found.verdicts.overall, *found.verdicts.within.values())]
    assert all(each.better for each in scores)
    assert {each.of("twin", "other twin") for each in scores} == {Verdict.OPEN}


def test_one_that_thinks_long_loses_on_cost_and_not_on_epochs(found: Judged) -> None:
    overall = found.verdicts.overall
    assert overall[Question.COST].of("slow twin", "twin") is Verdict.WORSE
    assert overall[Question.SCORE].of("slow twin", "twin") is Verdict.OPEN
    for group in found.groups:
        by_epochs, by_seconds = (_areas(group, axis) for axis in (Axis.EPOCHS, Axis.WALL_S))
        assert by_epochs["slow twin"] == by_epochs["twin"]
        assert by_seconds["slow twin"] < by_seconds["twin"]


def _areas(group: Group, axis: Axis) -> dict[str, float]:
    found = areas(group, axis=axis, score=Score.TEST, prices=PRICES)
    return {each.tuner: each.area.value or 0.0 for each in found}


def test_one_that_overfits_the_validation_images_shows_its_gap_and_what_it_lost(found: Judged) -> None:
    for group in found.groups:
        lost = {row.tuner: overtuning(row) for row in group.rows}
        gap, loss = lost["overfitter"].gap, lost["overfitter"].loss
        assert gap.low is not None
        assert loss.low is not None
        assert gap.low > 0.15
        assert loss.low > 0.05
        assert lost["overfitter"].losers == lost["overfitter"].searches == 10
        assert max(lost[name].gap.high or math.inf for name in ("oracle", "rememberer")) < 0.02
        row = {each.tuner: each for each in group.rows}
        assert (row["overfitter"].val_score.mean or 0.0) > (row["oracle"].val_score.mean or 1.0)
    assert found.verdicts.overall[Question.SCORE].of("overfitter", "oracle") is Verdict.WORSE


def test_one_that_remembers_another_group_s_optimum_does_not_profit(found: Judged) -> None:
    small, large = (found.verdicts.within[group.name][Question.SCORE] for group in found.groups)
    assert [group.name.backbone for group in found.groups] == ["small", "large"]
    assert "rememberer" in small.best
    assert large.of("rememberer", "oracle") is Verdict.WORSE
    assert large.of("rememberer", "optuna-random") is not Verdict.BETTER
    overall = found.verdicts.overall[Question.SCORE]
    assert overall.of("rememberer", "optuna-random") is not Verdict.BETTER


def test_what_stands_on_recorded_seeds_that_are_used_again_is_counted_by_these(found: Judged) -> None:
    rows = list(itertools.chain(*(group.rows for group in found.groups)))
    assert {(len(row.ok), row.test_score.n) for row in rows} == {(10, 5)}
