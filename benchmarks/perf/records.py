"""Results of a matrix that nobody ran: as many searches, trials and epochs as a figure asks for."""

from __future__ import annotations

import random
from pathlib import Path

from harness import files, stored_file_validation
from harness.records import CellFolder, Record
from harness.results_folder import MatrixFolder, Planned
from harness.search_types import Epoch, Outcome, Trial

TUNERS = (
    "default",
    "kt-random",
    "kt-bayesian",
    "kt-hyperband",
    "optuna-random",
    "optuna-tpe",
    "optuna-gp",
    "optuna-qmc",
)
SEEDS = 10
TRIALS = 10
EPOCHS_PER_TRIAL = 10

_SECTIONS = {
    "backbone": {"model": "MobileNetV2", "train": "head", "alpha": 1.0, "weights": "imagenet"},
    "domains": {
        "learning_rate": {"kind": "range", "low": 1e-5, "high": 0.1, "log": True, "default": 1e-3},
        "dropout": {"kind": "range", "low": 0.0, "high": 0.6, "log": False, "default": 0.2},
        "optimizer": {"kind": "choice", "choices": ["adam", "sgd"], "default": "adam"},
    },
    "protocol": {"epochs_per_trial": EPOCHS_PER_TRIAL, "image_size": 160, "learning_rate_factors": []},
    "budget": {"epochs": TRIALS * EPOCHS_PER_TRIAL},
}
_ENVIRONMENT = {
    "device": "cpu",
    "cpu_model": "AMD EPYC",
    "logical_cpus": 2,
    "memory_bytes": 25274793984,
    "packages": {"tensorflow-cpu": "2.21.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0"},
}


def write(path: Path, *, cells: int) -> int:
    """Write that many searches of a hundred epochs, in groups of eight tuners and ten seeds; return the epochs."""
    folder = MatrixFolder(path)
    planned = [_planned(index) for index in range(cells)]
    for cell in planned:
        _write_search(folder.cell(cell.id), cell)
    folder.write_plan(planned)
    return cells * TRIALS * EPOCHS_PER_TRIAL


def _planned(index: int) -> Planned:
    group, rest = divmod(index, len(TUNERS) * SEEDS)
    tuner, seed = divmod(rest, SEEDS)
    return Planned(
        id=f"{index:016x}",
        group=f"{group:016x}",
        dataset=f"data {group}",
        backbone="MobileNetV2",
        hyperparameters="full",
        tuner=TUNERS[tuner],
        seed=seed,
    )


def _write_search(folder: CellFolder, cell: Planned) -> None:
    draw = random.Random(cell.id)  # noqa: S311 - numbers that only have to look like scores
    folder.path.mkdir(parents=True)
    trials = [_trial(number, draw) for number in range(TRIALS)]
    for trial in trials:
        folder.append(trial)
    folder.seal(_record(cell, trials, draw))


def _trial(number: int, draw: random.Random) -> Trial:
    reached = draw.uniform(0.2, 0.9)
    epochs = tuple(
        Epoch(
            epoch=epoch,
            val_score=reached * epoch / (epoch + 1) + draw.gauss(0, 0.01),
            loss=draw.uniform(0, 3),
            train_s=draw.uniform(0.03, 0.05),
            evaluate_s=draw.uniform(0.002, 0.01),
            test_score=draw.uniform(0.2, 0.9),
        )
        for epoch in range(1, EPOCHS_PER_TRIAL + 1)
    )
    return Trial(
        number=number,
        parameters={
            "learning_rate": 10 ** draw.uniform(-5, -1),
            "dropout": draw.uniform(0, 0.6),
            "optimizer": draw.choice(["adam", "sgd"]),
        },
        first_epoch=1,
        last_epoch=EPOCHS_PER_TRIAL,
        parent=None,
        outcome=Outcome.COMPLETED,
        epochs=epochs,
        phases=_phases(draw, "ask", "train", "evaluate", "tell", "checkpoint", "audit", "other"),
        charged_epochs=EPOCHS_PER_TRIAL,
        images=6000,
        cpu_s=draw.uniform(0.5, 1.0),
    )


def _record(cell: Planned, trials: list[Trial], draw: random.Random) -> Record:
    setup, closing = _phases(draw, "startup", "data", "build"), _phases(draw, "ask", "checkpoint", "shutdown")
    told = {
        "schema_version": 1,
        "cell": {**_SECTIONS, "tuner": {"tuner": cell.tuner}, "seed": cell.seed},
        "status": "completed",
        "ended": "budget: epochs",
        "reason": None,
        "started_at": f"2026-01-{1 + cell.seed % 28:02}T00:00:00+00:00",
        "attempts": 1,
        "trials": len(trials),
        "wall_s": sum(sum(phases.values()) for phases in (setup, closing, *(trial.phases for trial in trials))),
        "setup_phases": setup,
        "closing_phases": closing,
        "peak_memory_bytes": {"value": draw.uniform(6e8, 7e8), "reason": None},
        "energy": {"value": None, "reason": "no RAPL counter under /sys/class/powercap"},
        "device_peak_memory_bytes": {"value": None, "reason": "no GPU: the device's memory is the machine's"},
        "data": {"images": 1000, "train": 600, "validation": 200, "test": 200},
        "model": {"parameters": 2257984, "trainable": 0, "width": 1280, "trained_weights": 12810},
        "environment": _ENVIRONMENT,
        "evidence": {},
    }
    return stored_file_validation.checked(files.readable_json(told), Record, where="a record")


def _phases(draw: random.Random, *names: str) -> dict[str, float]:
    return {name: draw.uniform(0.001, 0.1) for name in names}
