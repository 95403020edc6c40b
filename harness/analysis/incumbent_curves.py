"""The incumbents of a search over what had been spent when each took over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.phase_clock import DEVICE, on_the_clock
from harness.search_types import Epoch, Trial, is_better


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An epoch that became the incumbent, and what the search had spent by its end.

    ``epochs`` are those charged so far, ``wall_s`` the seconds since the first ask without builds and the audit,
    ``device_s`` the seconds of training and evaluation, ``energy_j`` the joules without builds and the audit, None as
    soon as those of one trial so far are unknown. ``test_score`` is that of this epoch, None where it was not recorded.
    Seconds are None where another tool trained.
    """

    trial: int
    epoch: int
    epochs: int
    wall_s: float | None
    device_s: float | None
    val_score: float
    test_score: float | None
    energy_j: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One trial as if nothing had come before it: its own incumbents, and what it spent in all by its end."""

    steps: tuple[Step, ...]
    spent: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    epochs: int = 0
    wall_s: float | None = 0.0
    device_s: float | None = 0.0
    energy_j: float | None = 0.0


def steps(trials: Sequence[Trial]) -> tuple[Step, ...]:
    """Return the incumbents in order of time: an epoch takes over if its validation score is strictly greater.

    A trial's own seconds are laid out as its ask first, then ``train_s + evaluate_s`` of each epoch in turn; what else
    it spent (telling, checkpoints) counts from the next trial on. So a step may come a little early, but
    never later than the end of its trial. A trial's joules, known as one number, are spread evenly over its seconds.
    """
    return _incumbents(_epochs(trials))


def own(trial: Trial) -> Own:
    """Return the trial as if the search had begun with it."""
    last = Step(
        trial=trial.number,
        epoch=trial.last_epoch,
        epochs=trial.charged_epochs,
        wall_s=charged_s(trial),
        device_s=booked_s(trial, DEVICE),
        energy_j=trial.energy_j,
        val_score=0.0,
        test_score=None,
    )
    return Own(steps=_incumbents(_epochs_of(trial, _Spent())), spent=last)


def charged_s(trial: Trial) -> float | None:
    """Return what a trial is charged for; None where another tool trained it, and nobody booked its seconds."""
    return on_the_clock(dict(trial.phases)) if trial.phases else None


def booked_s(trial: Trial, names: Sequence[str]) -> float | None:
    """Return the seconds of a trial that were booked to phases; None where nobody booked any."""
    return sum(trial.phases.get(name, 0.0) for name in names) if trial.phases else None


def total(known: Iterable[float | None]) -> float | None:
    """Return the sum; None where one of them is unknown."""
    numbers = list(known)
    return None if None in numbers else sum(number for number in numbers if number is not None)


def first_at(curve: Sequence[Step], target_score: float) -> Step | None:
    """Return the first incumbent whose validation score is at least ``target_score``, or None."""
    return next((step for step in curve if step.val_score >= target_score), None)


def best_epoch(trial: Trial) -> Epoch | None:
    """Return the trial's own epoch with the best validation score, the earlier of equals; None where it has none."""
    best: Epoch | None = None
    for epoch in trial.epochs:
        if is_better(epoch.val_score, best.val_score if best is not None else None):
            best = epoch
    return best


def _incumbents(epochs: Iterable[Step]) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in epochs:
        if is_better(step.val_score, found[-1].val_score if found else None):
            found.append(step)
    return tuple(found)


def _epochs(trials: Sequence[Trial]) -> Iterator[Step]:
    spent = _Spent()
    for trial in trials:
        yield from _epochs_of(trial, spent)
        spent = _Spent(
            epochs=spent.epochs + trial.charged_epochs,
            wall_s=total([spent.wall_s, charged_s(trial)]),
            device_s=total([spent.device_s, booked_s(trial, DEVICE)]),
            energy_j=_joules(spent, trial, share=1.0),
        )


def _epochs_of(trial: Trial, before: _Spent) -> Iterator[Step]:
    whole_s = on_the_clock(dict(trial.phases))
    is_known = bool(trial.phases)
    own_s, device_s = trial.phases.get("ask", 0.0), 0.0
    for count, epoch in enumerate(trial.epochs, start=1):
        own_s += (epoch.train_s or 0.0) + (epoch.evaluate_s or 0.0)
        device_s += (epoch.train_s or 0.0) + (epoch.evaluate_s or 0.0)
        yield Step(
            trial=trial.number,
            epoch=epoch.epoch,
            epochs=before.epochs + count,
            wall_s=total([before.wall_s, own_s if is_known else None]),
            device_s=total([before.device_s, device_s if is_known else None]),
            energy_j=_joules(before, trial, share=min(1.0, own_s / whole_s) if whole_s > 0 else 1.0),
            val_score=epoch.val_score,
            test_score=_known(epoch.test_score),
        )


def _joules(before: _Spent, trial: Trial, *, share: float) -> float | None:
    if before.energy_j is None or trial.energy_j is None:
        return None
    return before.energy_j + share * trial.energy_j


def _known(score: float | None) -> float | None:
    return None if score is None or math.isnan(score) else score
