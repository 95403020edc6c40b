"""The nouns of a search: frozen, with the ranges that their values are in where they come from the disk."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import AliasChoices, Field

from harness.record_schema import STRICT, Chosen, Count, Phases, Score, Spent

Value = float | int | str
Parameters = Mapping[str, Value]

# Lines of version 2 and before call the scores F1, whatever the metric.
_EARLIER_VAL = Field(validation_alias=AliasChoices("val_score", "val_f1"))
_EARLIER_TEST = Field(validation_alias=AliasChoices("test_score", "test_f1"))


class Outcome(StrEnum):
    """How a trial ended."""

    COMPLETED = "completed"  # trained to its last epoch, or until the protocol's patience ended it
    PRUNED = "pruned"  # stopped by its tuner
    DIVERGED = "diverged"  # the loss became NaN or infinite
    OUT_OF_MEMORY = "out_of_memory"  # the device could not hold it
    FAILED = "failed"  # training raised
    CUT = "cut"  # the search's budget ran out in the middle


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a tuner wants trained: epochs ``first_epoch`` to ``last_epoch``, both included, counted from 1.

    ``parent`` is the number of the earlier trial whose best weights are trained on, if any; then ``first_epoch`` is
    one more than the last epoch that the parent was asked for.
    """

    parameters: Parameters
    first_epoch: int = 1
    last_epoch: int
    parent: int | None = None

    @property
    def epochs(self) -> int:
        """How many epochs the proposal asks for."""
        return self.last_epoch - self.first_epoch + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch of training, and the validation score after it.

    ``loss`` is the mean training loss over the epoch's images. ``test_score`` is known only where the epoch became the
    incumbent and its scoring didn't break down: test data are scored off the clock and never shown to a tuner. Loss and
    seconds are unknown only where another tool trained.
    """

    __pydantic_config__ = STRICT

    epoch: Count
    val_score: Annotated[Score, _EARLIER_VAL]
    loss: float | None
    train_s: Spent | None
    evaluate_s: Spent | None
    test_score: Annotated[Score | None, _EARLIER_TEST] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One proposal trained, and what it cost.

    A completed one has fewer epochs than it was asked for where patience ended it; ``reason`` says so.
    ``phases`` maps each phase of the ledger to seconds, from the end of the trial before to the end of the tell.
    ``charged_epochs`` counts the epochs begun, the one that diverged or failed included. ``cpu_s`` and ``energy_j``
    leave out what builds and scoring the test images took; ``energy_j`` is None where no counter could be read. Where
    another tool trained, there are no phases, and ``cpu_s`` is None: what the trial cost is unknown.
    """

    __pydantic_config__ = STRICT

    number: Count
    parameters: Mapping[str, Chosen]
    first_epoch: Count
    last_epoch: Count
    parent: Count | None
    outcome: Outcome
    epochs: tuple[Epoch, ...]
    phases: Phases = field(default_factory=dict)
    charged_epochs: Count = 0
    images: Count = 0
    cpu_s: Spent | None = 0.0
    energy_j: Spent | None = None
    reason: str | None = None

    @classmethod
    def of(
        cls,
        proposal: Proposal,
        *,
        number: int,
        outcome: Outcome,
        epochs: Sequence[Epoch],
        charged_epochs: int = 0,
        images: int = 0,
        reason: str | None = None,
    ) -> Trial:
        """Return what became of a proposal; what it cost is not known yet."""
        return cls(
            number=number,
            parameters=proposal.parameters,
            first_epoch=proposal.first_epoch,
            last_epoch=proposal.last_epoch,
            parent=proposal.parent,
            outcome=outcome,
            epochs=tuple(epochs),
            charged_epochs=charged_epochs,
            images=images,
            reason=reason,
        )

    @property
    def score(self) -> float | None:
        """The best finite validation score so far: the one number that every tuner is told.

        A trial that diverged is told as a completed one, with the best that it had before or else 0.0, so that every
        model learns that the region is bad. None for a trial that failed or did not fit into memory: that says
        nothing about scores.
        """
        if self.outcome in (Outcome.FAILED, Outcome.OUT_OF_MEMORY):
            return None
        return max((epoch.val_score for epoch in self.epochs if math.isfinite(epoch.val_score)), default=0.0)

    @property
    def test_score(self) -> float | None:
        """The best epoch's, the first of equals; None where it wasn't scored on the test images.

        If any of the trial's epochs became the incumbent, this was the last that did.
        """
        scored = [epoch for epoch in self.epochs if math.isfinite(epoch.val_score)]
        return max(scored, key=lambda epoch: epoch.val_score).test_score if scored else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a meter read: a value, or the reason why there is none. Unknown is never written as 0."""

    value: float | None
    reason: str | None = None

    @classmethod
    def unknown(cls, reason: str) -> Reading:
        """A reading that could not be taken."""
        return cls(value=None, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBudget:
    """What a search may spend; the first limit reached ends it. None: not limited."""

    epochs: int | None = None
    trials: int | None = None
    wall_s: float | None = None
    device_s: float | None = None
    cost_usd: float | None = None


class Tuner(Protocol):
    """What proposes. Same seed and same history, same proposals.

    ``ask``, ``report`` and ``tell`` are the only calls that a search makes, and always for one trial at a time:
    ask, any number of reports, tell.
    """

    def ask(self) -> Proposal | None:
        """Return the next proposal, or None when there is nothing left to propose."""
        ...

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        """Take the validation score after ``epoch``, that epoch's own; answer True to stop this trial."""
        ...

    def tell(self, trial: Trial) -> None:
        """Take the outcome of the proposal that was asked last."""
        ...


class Objective(Protocol):
    """What turns a proposal into epochs."""

    @property
    def images_per_epoch(self) -> int:
        """How many training images an epoch sees."""
        ...

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        """Train epoch by epoch; closing the iterator frees what it holds.

        Raises:
            Diverged: The loss became NaN or infinite.
            OutOfMemory: The device could not hold the trial.
            TrialFailed: The training library refused this configuration.
            MachineError: The device is gone.
        """
        ...

    def test_score(self) -> float:
        """Score the weights as they stand on the test set.

        Raises:
            OutOfMemory: The device could not hold it.
            TrialFailed: The training library could not do it.
            MachineError: The device is gone.
        """
        ...

    def keep(self, number: int) -> None:
        """Store the best weights of the trial just ended, where a later trial may continue from them."""
        ...


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


class OutOfMemory(MemoryError):
    """The device could not hold the trial."""


class TrialFailed(RuntimeError):
    """The training library refused this configuration."""


def is_better(score: float, incumbent: float | None) -> bool:
    """Whether ``score`` takes the incumbent's place: strictly greater, so that the earlier of equals stays."""
    return not math.isnan(score) and (incumbent is None or score > incumbent)
