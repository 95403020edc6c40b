"""Optuna's studies, asked and told without ``optimize()``."""

from __future__ import annotations

import math
from pathlib import Path

import optuna

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings, grid_points
from harness.search_types import Outcome, Proposal, Trial
from harness.space import Space
from harness.tuners import optuna_pruners, optuna_samplers
from harness.tuners.domains import Coverage, decode

# The Hyperband pruner hashes the study's name and the trial's number into a bracket: one name, the same brackets.
_STUDY = "search"


class Optuna:
    """A study in memory; ended by the budget, or when every configuration of its space has been proposed.

    Optuna's suggestions repeat in a finite space, and repeats are trained and charged like any trial.
    """

    def __init__(
        self, *, tuner: matrix_schema.TunerSection, study: optuna.Study, space: Space, epochs_per_trial: int
    ) -> None:
        """Take a study that nothing has been asked of yet."""
        self._study = study
        self._space = space
        self._epochs_per_trial = epochs_per_trial
        self._reports_best = derived_tuner_settings.reported(tuner) == "best"
        self._best = 0.0
        self._distributions = optuna_samplers.distributions(tuner, space)
        self._coverage = Coverage(space)
        self._running: optuna.Trial | None = None

    def ask(self) -> Proposal | None:
        """Return the next proposal; None once every configuration has been proposed."""
        if self._coverage.complete:
            return None
        self._running = self._study.ask(self._distributions)
        self._best = 0.0
        shown = self._running.params
        parameters = self._space.complete(
            {name: decode(domain, shown[name]) for name, domain in self._space.tuned.items()}
        )
        self._coverage.add(parameters)
        return Proposal(parameters=parameters, last_epoch=self._epochs_per_trial)

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Pass on the best score so far or this epoch's, as the matrix says, and answer what the pruner says.

        A score that is no number goes unreported.
        """
        if not math.isfinite(score):
            return False
        running = self._asked()
        self._best = max(self._best, score)
        running.report(self._best if self._reports_best else score, epoch)
        return running.should_prune()

    def tell(self, trial: Trial) -> None:
        """Pass on the score, that there is none, or that the trial was pruned: then Optuna takes the last report."""
        score = trial.score
        if score is None:
            self._study.tell(self._asked(), state=optuna.trial.TrialState.FAIL)
        elif trial.outcome is Outcome.PRUNED:
            self._study.tell(self._asked(), state=optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(self._asked(), score)
        self._running = None

    def _asked(self) -> optuna.Trial:
        if self._running is None:
            raise RuntimeError("no trial has been asked for since the last was told")
        return self._running


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> Optuna:
    """Return the tuner that ``tuner`` names, ready for its first ask; nothing is written to ``folder``."""
    del folder
    if tuner.tuner == "optuna-grid":
        space = grid_points.grid_space(space, int(tuner.options.get("points", grid_points.DEFAULT_POINTS)))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna_samplers.create(tuner, space, seed=seed, expected_trials=expected_trials),
        pruner=optuna_pruners.create(tuner, epochs_per_trial=epochs_per_trial),
        study_name=_STUDY,
        direction="maximize",
    )
    return Optuna(tuner=tuner, study=study, space=space, epochs_per_trial=epochs_per_trial)
