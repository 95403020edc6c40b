"""What the files of one search say, as far as tables need it: read, checked, and reduced to a few numbers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from harness.analysis import incumbent_curves
from harness.analysis.costs import Cost, cost
from harness.analysis.incumbent_curves import Own, Step
from harness.catalogue.tuners import RANDOM, RETRAINING
from harness.cells import Cell
from harness.records import CellFolder, Record
from harness.search_types import Outcome, Parameters, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial in a line.

    ``score`` is the best finite validation score as its tuner was told (``Trial.score``), ``test_score`` that of the
    same epoch, if it was scored on the test images, ``epochs`` those charged, from ``first_epoch`` on, of which the
    last asked for is ``last_epoch``, ``parent`` the number of the earlier trial that it continued, if any. ``wall_s``
    are the trial's seconds without builds and the audit, ``ask_s``, ``train_s`` and ``tell_s`` parts of them;
    ``epoch_device_s`` is the median over its epochs of training and evaluation. None where there is none. ``own`` is
    the trial as if nothing had come before it, kept of random search alone.
    """

    number: int
    parameters: Parameters
    outcome: Outcome
    reason: str | None
    score: float | None
    test_score: float | None
    epochs: int
    first_epoch: int
    last_epoch: int
    parent: int | None
    wall_s: float | None
    ask_s: float | None
    train_s: float | None
    tell_s: float | None
    epoch_device_s: float | None
    own: Own | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The record of one search, and what follows from its trials.

    ``curve`` holds the incumbents in order of time, ``best`` the parameters of the last of them, ``phases`` the seconds
    of each phase of the whole process: before the first ask, in the trials, and after the last tell. ``lines`` is
    ``tried`` as JSON, because few tables ask for it, and a hundred thousand trials take their time. ``called`` is what
    its ``cell.json`` says of the names, seed and group that the plan has it under; None where that is not at hand.
    """

    record: Record
    cost: Cost
    phases: Mapping[str, float]
    best: Parameters
    curve: tuple[Step, ...]
    lines: str
    called: Mapping[str, object] | None = None

    @property
    def tried(self) -> tuple[Tried, ...]:
        """The trials, a line for each."""
        return tuple(map(_tried, json.loads(self.lines)))


def find(folder: CellFolder) -> Findings | None:
    """Return what the files in ``folder`` say, or None where there is no record.

    Raises:
        ResultsError: The record or a trial can't be read, or holds what it can't hold.
    """
    found = folder.sealed()
    if found is None:
        return None
    return replace(of(found.record, found.trials), called=None if found.cell is None else _called(found.cell))


def of(record: Record, trained: Sequence[Trial]) -> Findings:
    """Return what follows from a record and its trials, in their order."""
    curve = incumbent_curves.steps(trained)
    return Findings(
        record=record,
        cost=cost(
            trained,
            closing_phases=record.closing_phases,
            energy=record.energy,
            setup_phases=record.setup_phases,
            model=record.model,
        ),
        phases=_phases(record, trained),
        best=trained[curve[-1].trial].parameters if curve else {},
        curve=curve,
        lines=json.dumps([_line(trial, is_random=_is_random(record)) for trial in trained]),
    )


def _called(cell: Cell) -> dict[str, object]:
    role = "learning_rate" if cell.names.tuner == RETRAINING else "search"
    named = {**cell.names.model_dump(), "seed": cell.seed, "role": role}
    return {**named, "group": cell.group} if cell.is_known_by_id else named


def _phases(record: Record, trained: Sequence[Trial]) -> Mapping[str, float]:
    total: dict[str, float] = {}
    for phases in (record.setup_phases, *(trial.phases for trial in trained), record.closing_phases):
        for name, spent in phases.items():
            total[name] = total.get(name, 0.0) + spent
    return total


def _line(trial: Trial, *, is_random: bool) -> dict[str, object]:
    whole_s = (incumbent_curves.total([epoch.train_s, epoch.evaluate_s]) for epoch in trial.epochs)
    epochs_s = [each for each in whole_s if each is not None]
    return {
        "number": trial.number,
        "parameters": trial.parameters,
        "outcome": trial.outcome.value,
        "reason": trial.reason,
        "score": trial.score,
        "test_score": trial.test_score,
        "epochs": trial.charged_epochs,
        "first_epoch": trial.first_epoch,
        "last_epoch": trial.last_epoch,
        "parent": trial.parent,
        "wall_s": incumbent_curves.charged_s(trial),
        **{f"{phase}_s": incumbent_curves.booked_s(trial, [phase]) for phase in ("ask", "train", "tell")},
        "epoch_device_s": statistics.median(epochs_s) if epochs_s else None,
        "own": _spelt(incumbent_curves.own(trial)) if is_random else None,
    }


def _tried(line: Mapping[str, Any]) -> Tried:
    own = line["own"]
    return Tried(**{**line, "outcome": Outcome(line["outcome"]), "own": None if own is None else _own(own)})


def _spelt(own: Own) -> list[list[float | None]]:
    """Return the trial's steps and, last, what it spent, as rows of numbers: names would take most of the room."""
    return [[getattr(step, name) for name in _STEP] for step in (*own.steps, own.spent)]


def _own(rows: Sequence[Sequence[Any]]) -> Own:
    *steps, spent = (Step(**dict(zip(_STEP, row, strict=True))) for row in rows)
    return Own(steps=tuple(steps), spent=spent)


_STEP = tuple(field.name for field in fields(Step))


def _is_random(record: Record) -> bool:
    return record.cell.tuner is not None and record.cell.tuner.tuner in RANDOM
