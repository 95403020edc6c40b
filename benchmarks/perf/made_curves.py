"""Tables of learning curves that nobody recorded: as many configurations, seeds and epochs as real ones have."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness import learning_curve_tables
from harness.campaign import curve_recording, matrix_resolution
from harness.cells import Cell
from harness.learning_curve_tables import Header
from harness.matrix import Matrix
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable
from harness.search_types import Epoch, Outcome, Parameters, Proposal, Trial
from harness.tuners.every_configuration import EveryConfiguration

EPOCHS_PER_TRIAL = 10
Sections = dict[str, dict[str, object]]
TUNERS: Sections = {
    **{name: {} for name in ("default", "kt-random", "kt-grid", "kt-hyperband")},
    **{f"optuna-{name}": {} for name in ("random", "grid", "tpe", "cmaes", "qmc", "nsga2")},
    "tpe-median": {"tuner": "optuna-tpe", "pruner": "median"},
    "tpe-asha": {"tuner": "optuna-tpe", "pruner": "asha"},
    "tpe-hyperband": {"tuner": "optuna-tpe", "pruner": "hyperband"},
}
"""Every tuner of the catalogue that needs neither seconds a search nor PyTorch, and three that prune."""

GRID: Sections = {
    "learning_rate": {"choices": [float(f"{10 ** (-4 + step / 10):.6g}") for step in range(41)], "default": 0.01},
    "batch_size": {"choices": [16, 32, 64, 128]},
    "dropout": {"choices": [0.0, 0.125, 0.25, 0.375, 0.5]},
}


SMALL_GRID: Sections = {"learning_rate": {"choices": [0.001, 0.01, 0.1]}, "batch_size": {"choices": [16, 32]}}


def declared(
    *,
    tables: int = 1,
    seeds: int = 10,
    epochs: int = 100,
    tuners: Sections = TUNERS,
    grid: Sections = GRID,
    base: Path = Path(),
) -> Matrix:
    """Return a matrix of that many groups, each a grid of 820 configurations unless another is given."""
    return Matrix(
        name="made",
        base=base,
        seeds=list(range(1, seeds + 1)),
        budget={"epochs": epochs},
        protocol={"epochs_per_trial": EPOCHS_PER_TRIAL, "image_size": 32},
        datasets={f"digits{number}": {"source": "digits", "max_images": 200 + number} for number in range(tables)},
        backbones={"EfficientNetLite0": {"weights": "none"}},
        tuners=tuners,
        hyperparameters={"grid": grid},
    )


def write(folder: Path, asked: Matrix) -> list[Path]:
    """Write a table for each group of a matrix, with all that its tuners may ask for."""
    cells = matrix_resolution.resolve(asked, cache=folder / "cache").cells
    groups = {cell.names.dataset: cell for cell in reversed(cells)}
    rungs = curve_recording.chains(asked.spec)
    return [_written(folder / f"{name}.parquet", cell, asked, rungs) for name, cell in sorted(groups.items())]


def _written(path: Path, cell: Cell, asked: Matrix, rungs: list[list[int]]) -> Path:
    header = Header(
        name=asked.name,
        matrix=asked.text,
        base=str(asked.path.parent),
        cell=cell,
        seeds=asked.spec.seeds,
        data=DataTable.model_validate({"train": 150, "validation": 25, "test": 25}),
        model=BuiltTable(),
        environment=EnvironmentTable.model_validate({"cpu_model": "none", "logical_cpus": 1}),
    )
    searches = [(seed, list(_trials(cell, seed, rungs))) for seed in asked.spec.seeds]
    learning_curve_tables.write(path, header, searches)
    return path


def _trials(cell: Cell, seed: int, rungs: list[list[int]]) -> Iterator[Trial]:
    every = EveryConfiguration(space=cell.space, rungs=rungs)
    number = 0
    while (proposal := every.ask()) is not None:
        trial = _trial(proposal, number, _quality(proposal.parameters, f"{cell.names.dataset} {seed}"))
        every.tell(trial)
        yield trial
        number += 1


def _trial(proposal: Proposal, number: int, quality: float) -> Trial:
    warm = 0.0 if proposal.parent is None else 0.5
    epochs = [
        _epoch(count, quality * (1 - math.exp(-(count / 3 + warm))))
        for count in range(proposal.first_epoch, proposal.last_epoch + 1)
    ]
    found = Trial.of(proposal, number=number, outcome=Outcome.COMPLETED, epochs=epochs, charged_epochs=len(epochs))
    spent = {"train": sum(epoch.train_s or 0.0 for epoch in epochs) + 0.01, "checkpoint": 0.002, "other": 0.001}
    return replace(found, phases=spent, cpu_s=0.02 * len(epochs))


def _epoch(count: int, score: float) -> Epoch:
    score = round(score, 6)
    return Epoch(
        epoch=count, val_score=score, loss=1 - score, train_s=0.02, evaluate_s=0.004, test_score=round(score * 0.98, 6)
    )


def _quality(parameters: Parameters, salt: str) -> float:
    """Return a smooth function of a configuration, with noise of its own for each."""
    drawn = int(hashlib.sha256(f"{salt} {sorted(parameters.items())}".encode()).hexdigest()[:8], 16) / 2**32
    rate, dropout = math.log10(float(parameters["learning_rate"])), float(parameters.get("dropout", 0.0))
    return 0.9 - 0.08 * (rate + 2.2) ** 2 / 2 - 0.1 * dropout + 0.03 * (drawn - 0.5)
