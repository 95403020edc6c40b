"""Optuna's samplers, and the space as they are shown it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.space import Choice, Range, Space
from harness.tuners.domains import indices


class Grid(optuna.samplers.GridSampler):
    """Optuna's grid, without its wish to stop ``optimize()``, which ask and tell answer with an error."""

    def after_trial(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        state: optuna.trial.TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Do nothing: the tuner counts the grid's trials."""


def create(
    tuner: matrix_schema.TunerSection, space: Space, *, seed: int, expected_trials: int | None
) -> optuna.samplers.BaseSampler:
    """Return the sampler that ``tuner`` names; for a grid, ``space`` holds the grid's choices."""
    with warnings.catch_warnings():
        # The matrix asked for it by name, and the record holds the version.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="`sigma0` has been deprecated", category=FutureWarning)
        if tuner.tuner == "optuna-grid":
            return Grid({name: range(domain.size or 0) for name, domain in space.tuned.items()}, seed=seed)
        build, defaults = _SAMPLERS[tuner.tuner]
        options = defaults | tuner.options | derived_tuner_settings.startup_options(tuner, space, expected_trials)
        return build(seed=seed, **options)


def distributions(tuner: matrix_schema.TunerSection, space: Space) -> dict[str, BaseDistribution]:
    """Return what a sampler draws from, in the space's order; ``domains.decode`` reads its draws."""
    return {name: _distribution(tuner, domain) for name, domain in space.tuned.items()}


def _distribution(tuner: matrix_schema.TunerSection, domain: Range | Choice) -> BaseDistribution:
    if isinstance(domain, Choice):
        numbered = IntDistribution(0, domain.size - 1)
        return (
            numbered
            if derived_tuner_settings.is_ordered(tuner, domain)
            else CategoricalDistribution(tuple(range(domain.size)))
        )
    shown = indices(domain)
    if shown is not None:
        return IntDistribution(shown[0], shown[-1])
    if domain.integer:
        return IntDistribution(int(domain.low), int(domain.high), log=True)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


# Text choices are drawn at random, by declaration; no log line for each.
_QUIETLY = {"warn_independent_sampling": False}
# Without it the sequence is the same for every seed, and ten seeds are one sample.
_SCRAMBLED = {"scramble": True}

_SAMPLERS: dict[str, tuple[Callable[..., optuna.samplers.BaseSampler], dict[str, Any]]] = {
    "optuna-random": (optuna.samplers.RandomSampler, {}),
    "optuna-tpe": (optuna.samplers.TPESampler, {}),
    "optuna-cmaes": (optuna.samplers.CmaEsSampler, _QUIETLY),
    "optuna-qmc": (optuna.samplers.QMCSampler, _SCRAMBLED),
    "optuna-nsga2": (optuna.samplers.NSGAIISampler, {}),
    "optuna-gp": (optuna.samplers.GPSampler, _QUIETLY),
}
