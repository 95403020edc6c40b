"""The loop of a search: ask, train epoch by epoch, report, tell. The same for every tuner and objective."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from harness.errors import HarnessError
from harness.meters import Usage
from harness.phase_clock import DEVICE, Ledger, on_the_clock
from harness.search_types import (
    Diverged,
    Epoch,
    Objective,
    Outcome,
    OutOfMemory,
    Proposal,
    SearchBudget,
    Trial,
    TrialFailed,
    Tuner,
    is_better,
)

log = logging.getLogger(__name__)


class ReplayMismatch(HarnessError):
    """A tuner that no longer proposes what it proposed before."""


@dataclass(slots=True)
class BudgetSpent:
    """What a search has used up so far, in the units of its budget."""

    epochs: int = 0
    trials: int = 0
    wall_s: float = 0.0
    device_s: float = 0.0

    def add(self, trial: Trial) -> None:
        """Charge a finished trial."""
        self.epochs += trial.charged_epochs
        self.trials += 1
        self.wall_s += on_the_clock(dict(trial.phases))
        self.device_s += sum(trial.phases.get(name, 0.0) for name in DEVICE)


@dataclass(slots=True, kw_only=True)
class Search:
    """One search of one cell.

    ``keep`` stores a finished trial; ``watch`` is told of each epoch, for whoever looks on. ``usd_per_hour`` turns
    wall seconds into dollars; None where the price is unknown, and then a budget in dollars can't be kept. After
    ``patience`` epochs without a better score a trial has ended; 0 for never.
    """

    tuner: Tuner
    objective: Objective
    budget: SearchBudget
    ledger: Ledger
    usage: Usage
    keep: Callable[[Trial], None]
    watch: Callable[[int, Proposal, Epoch], None]
    audit: Literal["incumbent", "trial", "epoch"] = "incumbent"
    usd_per_hour: float | None = None
    patience: int = 0
    spent: BudgetSpent = field(default_factory=BudgetSpent)
    incumbent: float | None = None
    _limits: Sequence[tuple[str, float]] = field(init=False)

    def __post_init__(self) -> None:
        """Leave what is off the clock out of CPU seconds and joules too."""
        self.ledger.pause(self.usage.paused)
        limits = ((each.name, getattr(self.budget, each.name)) for each in fields(self.budget))
        self._limits = [(name, limit) for name, limit in limits if limit is not None]

    def replay(self, recorded: Sequence[Trial]) -> None:
        """Bring the tuner to where an interrupted search was.

        Raises:
            ReplayMismatch: The tuner proposes something else than it did.
        """
        with self.ledger.phase("replay"):
            for trial in recorded:
                self._replay_one(trial)
        # What replaying used was charged when it was first done.
        with self.ledger.phase("meter"):
            self.usage.take()

    def run(self) -> str:
        """Search until the budget is spent or nothing is left to propose; return which."""
        while True:
            limit = self._limit_reached()
            if limit is not None:
                return f"budget: {limit}"
            with self.ledger.phase("ask"):
                proposal = self.tuner.ask()
            if proposal is None:
                return "exhausted"
            self._run_one(proposal)

    def _run_one(self, proposal: Proposal) -> None:
        trial = self._train(proposal, self.spent.trials)
        with self.ledger.phase("tell"):
            self.tuner.tell(trial)
        with self.ledger.phase("checkpoint"):
            self.objective.keep(trial.number)
        with self.ledger.phase("meter"):
            used = self.usage.take()
        trial = replace(trial, phases=self.ledger.take(), cpu_s=used.cpu_s, energy_j=used.energy_j)
        self.spent.add(trial)
        with self.ledger.phase("checkpoint"):
            self.keep(trial)

    def _train(self, proposal: Proposal, number: int) -> Trial:
        epochs: list[Epoch] = []
        begun = 0
        outcome, reason = Outcome.COMPLETED, None
        try:
            with closing(self.objective.train(proposal)) as training:
                for _ in range(proposal.epochs):
                    begun += 1
                    epoch = next(training)
                    epochs.append(self._audited(number, epoch, epochs))
                    self.watch(number, proposal, epochs[-1])
                    stop = self._stop(proposal, epochs)
                    if stop is not None:
                        outcome = stop
                        break
        except Diverged as error:
            outcome, reason = Outcome.DIVERGED, str(error)
        except OutOfMemory as error:
            outcome, reason = Outcome.OUT_OF_MEMORY, str(error)
        except TrialFailed as error:
            outcome, reason = Outcome.FAILED, str(error)
        return Trial.of(
            proposal,
            number=number,
            outcome=outcome,
            epochs=epochs,
            charged_epochs=begun,
            images=begun * self.objective.images_per_epoch,
            reason=reason if outcome is not Outcome.COMPLETED else self._why_early(proposal, epochs),
        )

    def _audited(self, number: int, epoch: Epoch, earlier: Sequence[Epoch]) -> Epoch:
        """Score the test images where this epoch takes the incumbent's place: off the clock, shown to no tuner."""
        best_of_search = is_better(epoch.val_score, self.incumbent)
        if best_of_search:
            self.incumbent = epoch.val_score
        if not (best_of_search or self.audit == "epoch" or (self.audit == "trial" and _is_best(epoch, earlier))):
            return epoch
        with self.ledger.phase("audit"):
            return replace(epoch, test_score=self._test_score(number, epoch))

    def _test_score(self, number: int, epoch: Epoch) -> float | None:
        """Return the test score of the weights as they stand; None, and a line in the log, where scoring broke down."""
        # A trial that failed for its test images would tell the tuner of them; a worker that ended would lose a whole
        # search, and the validation score of every trial, wherever scoring breaks down each time. Only the one value
        # that couldn't be had is unknown: the tables count incumbents without it.
        try:
            return self.objective.test_score()
        except (Diverged, OutOfMemory, TrialFailed) as error:
            problem = f"{type(error).__name__}: {error}"
            log.warning("trial %d, epoch %d: its test score stays unknown: %s", number, epoch.epoch, problem)
            return None

    def _stop(self, proposal: Proposal, epochs: Sequence[Epoch]) -> Outcome | None:
        last = epochs[-1].epoch
        with self.ledger.phase("tell"):
            pruned = self.tuner.report(proposal, last, epochs[-1].val_score)
        if last == proposal.last_epoch or self._is_out_of_patience(epochs):
            return Outcome.COMPLETED
        if pruned:
            return Outcome.PRUNED
        return Outcome.CUT if self._limit_reached(len(epochs)) is not None else None

    def _is_out_of_patience(self, epochs: Sequence[Epoch]) -> bool:
        """Whether the trial is to end, as keras.callbacks.EarlyStopping(mode="max") has it."""
        return 0 < self.patience <= len(epochs) - 1 - _best(epochs)

    def _why_early(self, proposal: Proposal, epochs: Sequence[Epoch]) -> str | None:
        """Say why a completed trial has fewer epochs than were asked for; None where it has them all."""
        if len(epochs) == proposal.epochs:
            return None
        return f"no better score since epoch {epochs[_best(epochs)].epoch} (patience {self.patience})"

    def _limit_reached(self, running_epochs: int = 0) -> str | None:
        """Name the first limit that is reached, the running trial counted in; None while there is budget left."""
        return next((name for name, limit in self._limits if self._used(name, running_epochs) >= limit), None)

    def _used(self, name: str, running_epochs: int) -> float:
        """Return what is used up of a limit, the running trial counted in."""
        match name:
            case "epochs":
                return self.spent.epochs + running_epochs
            case "trials":
                return self.spent.trials
            case "device_s":
                return self.spent.device_s + self.ledger.booked(*DEVICE)
            case _:
                wall_s = self.spent.wall_s + self._running_wall_s()
                return wall_s if name == "wall_s" else wall_s / 3600 * (self.usd_per_hour or 0.0)

    def _running_wall_s(self) -> float:
        return self.ledger.booked("ask", "train", "evaluate", "tell", "checkpoint", "other")

    def _replay_one(self, trial: Trial) -> None:
        proposal = self.tuner.ask()
        expected = Proposal(
            parameters=trial.parameters,
            first_epoch=trial.first_epoch,
            last_epoch=trial.last_epoch,
            parent=trial.parent,
        )
        if proposal != expected:
            raise ReplayMismatch(
                f"trial {trial.number}: the tuner now proposes {proposal}, recorded is {expected}; "
                "run with --retry-failed to search this cell anew"
            )
        for epoch in trial.epochs:
            self.tuner.report(proposal, epoch.epoch, epoch.val_score)
            if is_better(epoch.val_score, self.incumbent):
                self.incumbent = epoch.val_score
        self.tuner.tell(trial)
        self.spent.add(trial)


def _is_best(epoch: Epoch, earlier: Sequence[Epoch]) -> bool:
    return is_better(epoch.val_score, max((each.val_score for each in earlier), default=None))


def _best(epochs: Sequence[Epoch]) -> int:
    """Return the place of the epoch with the best score, the earlier of equals."""
    best = 0
    for place, epoch in enumerate(epochs):
        if is_better(epoch.val_score, epochs[best].val_score):
            best = place
    return best
