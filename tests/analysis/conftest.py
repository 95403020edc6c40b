"""Small results folders, written through the same doors as real ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import analysis, files, stored_file_validation
from harness.analysis import MatrixResults
from harness.records import Record
from harness.results_folder import MatrixFolder, Planned
from harness.search_types import Epoch, Outcome, Trial

ENVIRONMENT: Mapping[str, Any] = {
    "device": "cpu",
    "cpu_model": "Fake CPU 3000",
    "logical_cpus": 2,
    "memory_bytes": 8 * 2**30,
    "platform": "Linux-6.1",
    "python": "3.12.0",
    "packages": {"tensorflow-cpu": "2.21.0", "keras": "3.15.0", "keras_tuner": "1.4.8", "optuna": "5.0.0"},
    "determinism": True,
    "precision": "float32",
    "jit": False,
}


class Made:
    """A results folder under construction; ``results`` writes its plan and reads it all back."""

    def __init__(self, path: Path) -> None:
        self.folder = MatrixFolder(path)
        self.planned: list[Planned] = []
        self.protocol: dict[str, Any] = {}
        self.recorded: int | None = None

    def trial(self, number: int, *scores: float, **changes: Any) -> Trial:
        """One second of asking, then two of training and one of evaluation for each epoch; 0.1 lower on test images."""
        epochs = tuple(
            Epoch(
                epoch=count,
                val_score=score,
                loss=1.0,
                train_s=2.0,
                evaluate_s=1.0,
                test_score=max(0.0, round(score - 0.1, 6)),
            )
            for count, score in enumerate(scores, start=1)
        )
        plain = Trial(
            number=number,
            parameters={"learning_rate": 0.001 * (number + 1), "optimizer": "adam"},
            first_epoch=1,
            last_epoch=max(1, len(scores)),
            parent=None,
            outcome=Outcome.COMPLETED,
            epochs=epochs,
            phases={"ask": 1.0, "train": 2.0 * len(scores), "evaluate": 1.0 * len(scores), "tell": 0.5, "audit": 7.0},
            charged_epochs=len(scores),
            cpu_s=10.0,
            energy_j=5.0,
        )
        return replace(plain, **changes)

    def plan(self, tuner: str = "random", seed: int = 0, **changes: Any) -> Planned:
        """Plan a cell and leave it without a record."""
        names = {"dataset": "animals", "backbone": "mobile", "hyperparameters": "lr", **changes}
        cell_id = changes.get("id", f"{len(self.planned):016x}")
        cell = Planned(**{"id": cell_id, "group": "g", **names, "tuner": tuner, "seed": seed})
        self.planned.append(cell)
        return cell

    def search(
        self, trained: Sequence[Trial], tuner: str = "random", seed: int = 0, *, kind: str = "kt-random", **changes: Any
    ) -> Planned:
        """Plan a cell and seal its record; ``changes`` with a record's field go there, the others to the plan.

        ``recorded`` is the seed of the curves that the search was replayed on, if it was.
        """
        self.recorded = changes.pop("recorded", None)
        record = {name: changes.pop(name) for name in list(changes) if name in Record.__dataclass_fields__}
        cell = self.plan(tuner, seed, **changes)
        folder = self.folder.cell(cell.id)
        folder.path.mkdir(parents=True, exist_ok=True)
        for trial in trained:
            folder.append(trial)
        # Not by a record: some tests write what none can hold.
        files.write_json(folder.path / "record.json", stored_file_validation.sealed(self._told(trained, kind, record)))
        return cell

    def rewrite(self, cell: Planned, old: str, new: str) -> None:
        """Change the trials' file, and take its checksums away, as records of earlier versions have none."""
        path = self.folder.cell(cell.id).path / "trials.jsonl"
        path.write_text(re.sub(r', "crc32": "[0-9a-f]{8}"', "", path.read_text("utf-8").replace(old, new)), "utf-8")

    def record(self, trained: Sequence[Trial] = (), *, kind: str = "kt-random", **changes: Any) -> Record:
        """A record whose phases sum to its wall clock."""
        return stored_file_validation.checked(
            files.readable_json(self._told(trained, kind, changes)), Record, where="a record"
        )

    def _told(self, trained: Sequence[Trial], kind: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        setup = {"startup": 3.0, "data": 2.0, "build": 4.0}
        closing = {"ask": 0.25, "checkpoint": 0.25, "shutdown": 1.0}
        booked = [setup, closing, *(trial.phases for trial in trained)]
        return {
            "schema_version": 1,
            "cell": {
                "tuner": {"tuner": kind},
                "backbone": {"model": "MobileNetV2", "train": "head", "alpha": 1.0, "weights": "imagenet"},
                "protocol": dict(self.protocol),
                **({} if self.recorded is None else {"curves": {"sha256": "0" * 64, "seed": self.recorded}}),
                "domains": {"learning_rate": {"kind": "choice", "choices": [1e-4, 1e-3, 1e-2], "default": 1e-3}},
            },
            "status": "completed",
            "ended": "budget: epochs",
            "reason": None,
            "started_at": "2026-01-01T00:00:00+00:00",
            "attempts": 1,
            "trials": len(trained),
            "wall_s": sum(sum(phases.values()) for phases in booked),
            "setup_phases": setup,
            "closing_phases": closing,
            "peak_memory_bytes": {"value": 1000, "reason": None},
            "energy": {"value": 0.0, "reason": None},
            "device_peak_memory_bytes": {"value": None, "reason": "no GPU"},
            "data": {},
            "model": {"parameters": 2257984, "trainable": 0, "width": 1280, "trained_weights": 12810},
            "environment": dict(ENVIRONMENT),
            "evidence": {},
            **changes,
        }

    def by_accuracy(self) -> MatrixResults:
        """Searches by accuracy of which everything is said that tables, pictures and page say of scores."""
        self.protocol = {"metric": "accuracy"}
        for seed in range(7):
            self.search([self.trial(0, 0.5 + seed / 100, 0.7), self.trial(1, 0.6)], "untuned", seed, kind="default")
            self.search([self.trial(0, 0.4 + seed / 90), self.trial(1, 0.5)], "random", seed)
            self.search([self.trial(0, 0.7 + seed / 50)], "tpe", seed, kind="optuna-tpe")
        self.search([self.trial(0)], "unscored", 0, kind="optuna-gp")
        self.search([], "unscored", 1, kind="optuna-gp", status="failed", reason="boom")
        self.plan("tpe", 9)
        self.search([self.trial(0, 0.6)], "alone", 0, kind="optuna-tpe", dataset="plants")
        self.search([self.trial(0, 0.6)], "check", 0, kind="optuna-grid", role="learning_rate")
        return self.results()

    def results(self) -> MatrixResults:
        """Write the plan and read everything back."""
        self.folder.write_plan(self.planned)
        return analysis.read(self.folder)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "results" / "my matrix")
