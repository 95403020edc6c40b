"""A fake search: it drives tuners as the real one does, and trains nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from harness import matrix_schema, tuners
from harness.search_types import Epoch, Outcome, Parameters, Proposal, Trial, Tuner
from harness.space import Choice, Fixed, Range, Space

SCORELESS = (Outcome.FAILED, Outcome.OUT_OF_MEMORY)


def fake_score(parameters: Parameters) -> float:
    """Peak at a learning rate of 1e-3."""
    return 0.9 - 0.1 * abs(math.log10(float(parameters["learning_rate"])) + 3)


def flat_score(parameters: Parameters) -> float:  # noqa: ARG001 (an objective takes parameters)
    return 0.5


class FakeSearch:
    """Asks, reports and tells; ``score`` stands in for training, and rises towards its value epoch by epoch."""

    def __init__(self, score: Callable[[Parameters], float]) -> None:
        self._score = score

    def scored_by(self, score: Callable[[Parameters], float]) -> FakeSearch:
        return FakeSearch(score)

    def run(self, tuner: Tuner, trials: int, outcomes: Iterable[Outcome] = ()) -> list[Trial]:
        """Drive up to so many trials; ``outcomes`` are those of the first, the rest complete unless pruned."""
        history: list[Trial] = []
        for outcome in chain(outcomes, repeat(Outcome.COMPLETED)):
            proposal = tuner.ask() if len(history) < trials else None
            if proposal is None:
                break
            history.append(self.train(tuner, proposal, number=len(history), outcome=outcome))
            tuner.tell(history[-1])
        return history

    def train(self, tuner: Tuner, proposal: Proposal, *, number: int, outcome: Outcome = Outcome.COMPLETED) -> Trial:
        """Report what the outcome allows: nothing of a trial that failed, one epoch of one that was cut or diverged."""
        epochs: list[Epoch] = []
        last = {Outcome.COMPLETED: proposal.last_epoch, Outcome.FAILED: 0, Outcome.OUT_OF_MEMORY: 0}
        for number_of_epoch in range(proposal.first_epoch, last.get(outcome, proposal.first_epoch) + 1):
            score = self._score(proposal.parameters) * (1 - 0.5**number_of_epoch)
            epochs.append(Epoch(epoch=number_of_epoch, val_score=score, loss=1.0, train_s=1.0, evaluate_s=0.1))
            if tuner.report(proposal, number_of_epoch, score) and number_of_epoch < proposal.last_epoch:
                outcome = Outcome.PRUNED
                break
        return told_trial(proposal, number=number, outcome=outcome, epochs=epochs)

    def replay(self, tuner: Tuner, history: Sequence[Trial]) -> None:
        """Ask, report and tell a recorded history, as a resumed search does."""
        for trial in history:
            proposal = tuner.ask()
            assert proposal == proposal_of(trial)
            for epoch in trial.epochs:
                tuner.report(proposal, epoch.epoch, epoch.val_score)
            tuner.tell(trial)


def proposal_of(trial: Trial) -> Proposal:
    return Proposal(
        parameters=trial.parameters, first_epoch=trial.first_epoch, last_epoch=trial.last_epoch, parent=trial.parent
    )


def told_trial(proposal: Proposal, *, number: int, outcome: Outcome, epochs: Sequence[Epoch] = ()) -> Trial:
    reason = "ran out of luck, señor" if outcome in SCORELESS else None
    return Trial.of(proposal, number=number, outcome=outcome, epochs=epochs, reason=reason)


@pytest.fixture(scope="session")
def search() -> FakeSearch:
    return FakeSearch(fake_score)


@pytest.fixture(scope="session")
def flat_search() -> FakeSearch:
    """Every configuration is as good as any other."""
    return FakeSearch(flat_score)


@pytest.fixture(scope="session")
def space() -> Space:
    return Space(
        {
            "learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3),
            "optimizer": Choice(choices=("adam", "sgd"), default="adam"),
            "weight_decay": Fixed(value=0.01),
            "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2),
        }
    )


Make = Callable[..., Tuner]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Create a tuner in a fresh folder, by a section or a name."""

    def create(section: matrix_schema.TunerSection | str, space: Space, **changed: Any) -> Tuner:
        tuner = matrix_schema.TunerSection(tuner=section) if isinstance(section, str) else section
        arguments: dict[str, Any] = {"seed": 1_234_567, "epochs_per_trial": 9, "expected_trials": 9}
        arguments["folder"] = changed.pop("folder", None) or Path(tmp_path_factory.mktemp("tuner"))
        return tuners.create(tuner, space, **(arguments | changed))

    return create
