"""Optuna's pruners, with every limit set from the trial's epochs, which are reported counted from 1."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import optuna

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings


class Patient(optuna.pruners.BasePruner):
    """The median pruner, held back until a trial has gone ``patience`` epochs and one more without a new best.

    Optuna's PatientPruner waits for scores to fall below an earlier best. The best so far never falls, so that under
    it nothing would ever be pruned; the rule here is the same, read for such a curve.
    """

    def __init__(self, *, patience: int = 1, **median: Any) -> None:
        """Take the median pruner's own options by their names."""
        self._patience = patience
        self._median = optuna.pruners.MedianPruner(**median)

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the trial has stopped getting better and is below the median."""
        curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        if len(curve) <= self._patience + 1:
            return False
        return curve[-1] <= curve[-self._patience - 2] and self._median.prune(study, trial)


def create(tuner: matrix_schema.TunerSection, *, epochs_per_trial: int) -> optuna.pruners.BasePruner:
    """Return the pruner that ``tuner`` names.

    Where Optuna would wait for a first completed trial to learn how long a trial is ("auto"), it is told.
    """
    build: Callable[..., optuna.pruners.BasePruner] = _PRUNERS[tuner.pruner]
    if tuner.pruner == "patient" and derived_tuner_settings.reported(tuner) == "last":
        build = _librarys_patient
    return build(**derived_tuner_settings.pruner_options(tuner, epochs_per_trial))


def _librarys_patient(*, patience: int = 1, **median: Any) -> optuna.pruners.BasePruner:
    with warnings.catch_warnings():
        # The matrix asked for it by name, and the record holds the version.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(**median), patience=patience)


_PRUNERS: dict[str, Callable[..., optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "asha": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "patient": Patient,
}
