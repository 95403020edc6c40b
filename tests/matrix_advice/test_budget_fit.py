from __future__ import annotations

from pathlib import Path

import pytest

from harness.campaign import forecast, matrix_resolution
from harness.campaign.forecast import Rate, Rates
from harness.cells import Cell
from harness.matrix_advice import budget_fit
from harness.matrix_advice.proposed_matrix import MatrixProposal
from harness.matrix_advice.reachable_weights import Reached
from harness.matrix_advice.spending import spending


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    backbones = [Reached(model=model, weights="none", trained_on="") for model in ("MobileNetV2", "EfficientNetLite0")]
    proposal = MatrixProposal(name="a", dataset={"source": "digits"}, images=100, image_size=96, backbones=backbones)
    return list(matrix_resolution.resolve(proposal.matrix(base=tmp_path), cache=tmp_path).cells)


def paces(cells: list[Cell], *, epoch_s: float) -> Rates:
    rate = Rate(fixed_s=1.0, epoch_s=epoch_s, device_epoch_s=epoch_s, usd_per_hour=3600.0)
    return {key: [rate] for cell in cells for key in forecast.likes(cell)}


@pytest.mark.parametrize(
    ("budget", "shape"),
    [
        ("2 hours", (2, 240, 20)),
        ("30 minutes", (2, 240, 8)),
        ("15 minutes", (2, 120, 8)),
        ("7 minutes", (2, 120, 4)),
        ("5 minutes", (1, 120, 4)),
        ("100 s", (1, 60, 3)),
        ("$80", (1, 60, 3)),
    ],
)
def test_more_money_buys_seeds_and_backbones_and_stays_within_the_budget(
    cells: list[Cell], budget: str, shape: tuple[int, int, int]
) -> None:
    fit = budget_fit.fitted(cells, paces(cells, epoch_s=0.08), spending(budget))

    assert (fit.backbones, fit.epochs, fit.seeds) == shape
    assert fit.is_within


def test_what_fits_nothing_gets_the_least_that_compares_anything_and_is_told(cells: list[Cell]) -> None:
    fit = budget_fit.fitted(cells, paces(cells, epoch_s=60.0), spending("1 minute"))

    assert (fit.backbones, fit.epochs, fit.seeds) == (1, 40, 1)
    assert not fit.is_within
