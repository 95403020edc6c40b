"""A small run with every end that a trial and a search can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis import MatrixResults
from harness.exports import writing
from harness.exports.exported_searches import Export
from harness.prices import Prices
from harness.search_types import Outcome
from tests.analysis.conftest import Made, made
from tests.reports.conftest import price_list

__all__ = ["made", "price_list"]

CELL = {
    "tuner": {"tuner": "optuna-tpe"},
    "protocol": {"metric": "macro_f1"},
    "domains": {
        "learning_rate": {"kind": "range", "low": 1e-4, "high": 0.1, "log": True, "default": 1e-3},
        "dropout": {"kind": "range", "low": 0.0, "high": 0.5, "step": 0.1, "default": 0.2},
        "hidden_units": {"kind": "range", "low": 0, "high": 64, "step": 32, "integer": True, "default": 0},
        "batch_size": {"kind": "choice", "choices": [16, 32], "default": 32},
        "optimizer": {"kind": "fixed", "value": "adam"},
    },
}
PARAMETERS = {"learning_rate": 0.01, "dropout": 0.3, "hidden_units": 32, "batch_size": 16, "optimizer": "adam"}


def exported(results: MatrixResults, prices: Prices, output: Path) -> Export:
    return Export(name="my matrix", results=results, prices=prices, output=output)


@pytest.fixture
def results(made: Made) -> MatrixResults:
    return filled(made)


def filled(made: Made) -> MatrixResults:
    """Two searches that ended well, one that failed, and one that never ran."""
    made.search(
        [
            made.trial(0, 0.5, 0.75, parameters=PARAMETERS),
            made.trial(1, 0.25, parameters={**PARAMETERS, "batch_size": 32}, outcome=Outcome.PRUNED, reason="pruned"),
            made.trial(2, parameters=PARAMETERS, outcome=Outcome.FAILED, reason="no such kernel", energy_j=None),
            made.trial(3, 0.375, parameters=PARAMETERS, outcome=Outcome.DIVERGED),
            made.trial(4, parameters=PARAMETERS, outcome=Outcome.CUT),
        ],
        "tpe",
        1,
        cell=CELL,
    )
    made.search([made.trial(0, 0.625, parameters=PARAMETERS)], "random", 1, cell=CELL)
    made.search([], "random", 2, cell=CELL, status="failed", reason="boom")
    made.plan("random", 3)
    return made.results()


@pytest.fixture
def write(results: MatrixResults, price_list: Prices, tmp_path: Path) -> Written:
    """Return what writes the run in a format."""
    return Written(results, price_list, tmp_path)


class Written:
    """Writes the small run."""

    def __init__(self, results: MatrixResults, prices: Prices, folder: Path) -> None:
        self.results, self.prices, self.folder = results, prices, folder

    def __call__(self, to: str, name: str) -> Path:
        return writing.write(to, exported(self.results, self.prices, self.folder / name))
