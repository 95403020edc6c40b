"""From a matrix's folder to one ``Search`` for every planned cell, whatever became of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.analysis import curves
from harness.analysis.costs import Cost, cost
from harness.analysis.curves import Step
from harness.errors import ResultsError
from harness.model import Parameters, Trial
from harness.plans import MatrixFolder, Planned
from harness.records import CellFolder, Record


class Status(StrEnum):
    """What became of a planned cell."""

    OK = "ok"  # searched to its end
    FAILED = "failed"  # the search itself broke: a result
    MISSING = "missing"  # no record that can be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One planned cell and what its record says.

    ``reason`` says why a cell failed or is missing. ``record``, ``cost`` and ``closing`` are None where it is missing;
    ``trials`` and ``curve`` are empty where nothing can be read. ``curve`` holds the incumbents in order of time.
    """

    planned: Planned
    status: Status
    reason: str | None = None
    record: Record | None = None
    trials: tuple[Trial, ...] = ()
    curve: tuple[Step, ...] = ()
    cost: Cost | None = None

    @property
    def incumbent(self) -> Step | None:
        """The epoch with the best validation F1; None where no epoch was ever scored."""
        return self.curve[-1] if self.curve else None

    @property
    def val_f1(self) -> float | None:
        """The incumbent's validation F1: what the search believes in."""
        return self.curve[-1].val_f1 if self.curve else None

    @property
    def test_f1(self) -> float | None:
        """The F1 on images that no tuner saw, of the epoch that became the incumbent."""
        return self.curve[-1].test_f1 if self.curve else None

    @property
    def best(self) -> Parameters:
        """The incumbent's parameters; empty where there is no incumbent."""
        found = self.incumbent
        return {} if found is None else next(trial.parameters for trial in self.trials if trial.number == found.trial)

    @property
    def tuner(self) -> str | None:
        """What the tuner is, as ``kt-random``, whatever the matrix calls it; None where unknown."""
        return _text(self.section("tuner").get("tuner"))

    @property
    def environment(self) -> Mapping[str, Any]:
        """The facts of the machine and its packages; empty where unknown."""
        return self.record.environment if self.record is not None else {}

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the recorded cell; empty where unknown."""
        found = self.record.cell.get(name) if self.record is not None else None
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Every planned cell in the order of the plan; ``left_out`` counts cells on the disk that no plan asks for."""

    cells: tuple[Search, ...]
    left_out: int = 0

    @property
    def searches(self) -> tuple[Search, ...]:
        """The searches."""
        return tuple(cell for cell in self.cells if cell.planned.role == "search")

    @property
    def retrainings(self) -> tuple[Search, ...]:
        """The retrainings of the best configurations at multiples of their learning rates."""
        return tuple(cell for cell in self.cells if cell.planned.role == "learning_rate")


def read(folder: MatrixFolder) -> Results:
    """Return what is known of every cell in the folder's plan; one planned under two names stands under both.

    A record or trial that can't be read makes its cell missing, with the reason; it never stops the others.

    Raises:
        ResultsError: The folder has no plan.
    """
    planned = dict.fromkeys(folder.plan())
    return Results(
        cells=tuple(_search(cell, folder.cell(cell.id)) for cell in planned),
        left_out=len(set(folder.cell_ids()) - {cell.id for cell in planned}),
    )


def _search(planned: Planned, folder: CellFolder) -> Search:
    try:
        record = folder.record()
        if record is None:
            return Search(planned=planned, status=Status.MISSING, reason=planned.reason or _why_missing(folder))
        trials = _trials(folder)
        _check(record, trials)
    except ResultsError as error:
        return Search(planned=planned, status=Status.MISSING, reason=f"unreadable: {error}")
    return Search(
        planned=planned,
        status=Status.OK if record.status == "completed" else Status.FAILED,
        reason=None if record.status == "completed" else record.reason or "the record gives no reason",
        record=record,
        trials=trials,
        curve=curves.steps(trials),
        cost=cost(trials, closing_phases=record.closing_phases, energy=record.energy),
    )


def _trials(folder: CellFolder) -> tuple[Trial, ...]:
    try:
        return tuple(folder.trials())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ResultsError(f"{folder.path}: trials.jsonl holds a line that is no trial ({error})") from error


def _why_missing(folder: CellFolder) -> str:
    try:
        attempts = folder.attempts()
    except ValueError:
        return "no record, and attempts.jsonl can't be read"
    if not attempts:
        return "not run yet"
    last = attempts[-1] if isinstance(attempts[-1], dict) else {}
    return f"no record after {len(attempts)} attempts; the last: {last.get('reason') or 'no reason was noted'}"


def _check(record: Record, trials: Sequence[Trial]) -> None:
    for mistake in _mistakes(record, trials):
        raise ResultsError(mistake)


def _mistakes(record: Record, trials: Sequence[Trial]) -> Iterator[str]:
    if record.status not in ("completed", "failed"):
        yield f"record.json: unknown status {record.status!r}"
    for name in ("cell", "energy", "model", "environment"):
        if not isinstance(getattr(record, name), dict):
            yield f"record.json: {name} is no table"
    if not (_are_seconds(record.setup_phases) and _are_seconds(record.closing_phases) and _is_finite(record.wall_s)):
        yield "record.json: seconds that aren't numbers"
    yield from _mistakes_of_trials(record, trials)


def _mistakes_of_trials(record: Record, trials: Sequence[Trial]) -> Iterator[str]:
    # The host seals the record of a search that broke, and may not know how far it came.
    if record.status == "completed" and record.trials != len(trials):
        yield f"record.json counts {record.trials} trials, trials.jsonl holds {len(trials)}"
    if [trial.number for trial in trials] != list(range(len(trials))):
        yield "trials.jsonl: trials aren't numbered 0, 1, 2 and so on"
    for trial in trials:
        if not _is_sound(trial):
            yield f"trials.jsonl: trial {trial.number}: values that aren't numbers"


def _is_sound(trial: Trial) -> bool:
    scores = [epoch.val_f1 for epoch in trial.epochs]
    scores += [epoch.test_f1 for epoch in trial.epochs if epoch.test_f1 is not None]
    spent = [value for epoch in trial.epochs for value in (epoch.epoch, epoch.train_s, epoch.evaluate_s)]
    spent += [trial.cpu_s, trial.charged_epochs, 0.0 if trial.energy_j is None else trial.energy_j]
    numbers = all(map(_is_number, scores)) and all(map(_is_finite, spent))
    return numbers and _are_seconds(trial.phases) and isinstance(trial.parameters, dict)


def _are_seconds(phases: Any) -> bool:
    return isinstance(phases, dict) and all(map(_is_finite, phases.values()))


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
