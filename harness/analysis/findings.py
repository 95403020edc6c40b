"""What the files of one search say, as far as tables need it: read, checked, and reduced to a few numbers."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from harness.analysis import curves
from harness.analysis.costs import Cost, cost
from harness.analysis.curves import Own, Step
from harness.catalogue.tuners import RANDOM
from harness.errors import ResultsError
from harness.ledger import on_the_clock
from harness.model import Outcome, Parameters, Trial
from harness.records import CellFolder, Record

# Beyond it a float no longer holds every whole number; no count and no seconds of a search come near.
_LARGEST = 2**53
_CLOCKS_APART_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial in a line.

    ``score`` is the best finite validation F1 as its tuner was told (``Trial.score``), ``test_f1`` that of the same
    epoch, if it was scored on the test images, ``epochs`` those charged, from ``first_epoch`` on, of which the last
    asked for is ``last_epoch``, ``parent`` the number of the earlier trial that it continued, if any. ``wall_s`` are
    the trial's seconds without builds and the audit, ``ask_s``, ``train_s`` and ``tell_s`` parts of them;
    ``epoch_device_s`` is the median over its epochs of training and evaluation. None where there is none. ``own`` is
    the trial as if nothing had come before it, kept of random search alone.
    """

    number: int
    parameters: Parameters
    outcome: Outcome
    reason: str | None
    score: float | None
    test_f1: float | None
    epochs: int
    first_epoch: int
    last_epoch: int
    parent: int | None
    wall_s: float
    ask_s: float
    train_s: float
    tell_s: float
    epoch_device_s: float | None
    own: Own | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The record of one search, and what follows from its trials.

    ``curve`` holds the incumbents in order of time, ``best`` the parameters of the last of them, ``phases`` the seconds
    of each phase of the whole process: before the first ask, in the trials, and after the last tell. ``lines`` is
    ``tried`` as JSON, because few tables ask for it, and a hundred thousand trials take their time.
    """

    record: Record
    cost: Cost
    phases: Mapping[str, float]
    best: Parameters
    curve: tuple[Step, ...]
    lines: str

    @property
    def tried(self) -> tuple[Tried, ...]:
        """The trials, a line for each."""
        return tuple(map(_tried, json.loads(self.lines)))


def find(folder: CellFolder) -> Findings | None:
    """Return what the files in ``folder`` say, or None where there is no record.

    Raises:
        ResultsError: The record or a trial can't be read, or holds what it can't hold.
    """
    record = folder.record()
    if record is None:
        return None
    trained = folder.trials()
    for mistake in (*_mistakes(record, trained), *folder.mistakes(record)):
        raise ResultsError(mistake)
    return of(record, trained)


def of(record: Record, trained: Sequence[Trial]) -> Findings:
    """Return what follows from a record and its trials, in their order."""
    curve = curves.steps(trained)
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


def _phases(record: Record, trained: Sequence[Trial]) -> Mapping[str, float]:
    total: dict[str, float] = {}
    for phases in (record.setup_phases, *(trial.phases for trial in trained), record.closing_phases):
        for name, spent in phases.items():
            total[name] = total.get(name, 0.0) + spent
    return total


def _line(trial: Trial, *, is_random: bool) -> dict[str, Any]:
    epochs_s = [epoch.train_s + epoch.evaluate_s for epoch in trial.epochs]
    return {
        "number": trial.number,
        "parameters": trial.parameters,
        "outcome": trial.outcome.value,
        "reason": trial.reason,
        "score": trial.score,
        "test_f1": trial.test_f1,
        "epochs": trial.charged_epochs,
        "first_epoch": trial.first_epoch,
        "last_epoch": trial.last_epoch,
        "parent": trial.parent,
        "wall_s": on_the_clock(dict(trial.phases)),
        **{f"{phase}_s": trial.phases.get(phase, 0.0) for phase in ("ask", "train", "tell")},
        "epoch_device_s": statistics.median(epochs_s) if epochs_s else None,
        "own": _spelt(curves.own(trial)) if is_random else None,
    }


def _tried(line: Mapping[str, Any]) -> Tried:
    own = line["own"]
    return Tried(**{**line, "outcome": Outcome(line["outcome"]), "own": None if own is None else _own(own)})


def _spelt(own: Own) -> list[list[Any]]:
    """Return the trial's steps and, last, what it spent, as rows of numbers: names would take most of the room."""
    return [[getattr(step, name) for name in _STEP] for step in (*own.steps, own.spent)]


def _own(rows: Sequence[Sequence[Any]]) -> Own:
    *steps, spent = (Step(**dict(zip(_STEP, row, strict=True))) for row in rows)
    return Own(steps=tuple(steps), spent=spent)


_STEP = tuple(field.name for field in fields(Step))


def _is_random(record: Record) -> bool:
    tuner = record.cell.get("tuner")
    return isinstance(tuner, dict) and tuner.get("tuner") in RANDOM


def _mistakes(record: Record, trained: Sequence[Trial]) -> Iterator[str]:
    if record.status not in ("completed", "failed"):
        yield f"record.json: unknown status {record.status!r}"
    for name in ("cell", "energy", "model", "environment", "busyness"):
        if not isinstance(getattr(record, name), dict):
            yield f"record.json: {name} is no table"
    if not (_are_seconds(record.setup_phases) and _are_seconds(record.closing_phases) and _is_spent(record.wall_s)):
        yield "record.json: seconds that can't be"
    yield from _mistakes_of_trials(record, trained)


def _mistakes_of_trials(record: Record, trained: Sequence[Trial]) -> Iterator[str]:
    # The host seals the record of a search that broke, and may not know how far it came.
    if record.status == "completed" and record.trials != len(trained):
        yield f"record.json counts {record.trials} trials, trials.jsonl holds {len(trained)}"
    if [trial.number for trial in trained] != list(range(len(trained))):
        yield "trials.jsonl: trials aren't numbered 0, 1, 2 and so on"
    for trial in trained:
        if not _is_sound(trial):
            yield f"trials.jsonl: trial {trial.number}: values that can't be"


def _is_sound(trial: Trial) -> bool:
    scores = [epoch.val_f1 for epoch in trial.epochs]
    scores += [epoch.test_f1 for epoch in trial.epochs if epoch.test_f1 is not None]
    spent = [value for epoch in trial.epochs for value in (epoch.train_s, epoch.evaluate_s)]
    spent += [trial.cpu_s, 0.0 if trial.energy_j is None else trial.energy_j]
    counts = [trial.charged_epochs, *(epoch.epoch for epoch in trial.epochs)]
    numbers = all(map(_is_score, scores)) and all(map(_is_spent, spent)) and all(map(_is_count, counts))
    return numbers and _are_seconds(trial.phases) and isinstance(trial.parameters, dict)


def _are_seconds(phases: Any) -> bool:
    return isinstance(phases, dict) and all(map(_is_spent, phases.values()))


def _is_score(value: Any) -> bool:
    return _is_number(value) and (math.isnan(value) or 0 <= value <= 1)


def _is_spent(value: Any) -> bool:
    # Clocks of two processes may differ by their last digits.
    return _is_finite(value) and value > -_CLOCKS_APART_S


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_count(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST
