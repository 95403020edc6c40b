"""Optuna's samplers, and the space as they are shown it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from harness import spec
from harness.space import Choice, Range, Space
from harness.tuners import told
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


def create(tuner: spec.Tuner, space: Space, *, seed: int, expected_trials: int | None) -> optuna.samplers.BaseSampler:
    """Return the sampler that ``tuner`` names; for a grid, ``space`` holds the grid's choices."""
    with warnings.catch_warnings():
        # The matrix asked for it by name, and the record holds the version.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="`sigma0` has been deprecated", category=FutureWarning)
        if tuner.tuner == "optuna-grid":
            return Grid({name: range(domain.size or 0) for name, domain in space.tuned.items()}, seed=seed)
        build, defaults = _SAMPLERS[tuner.tuner]
        return build(seed=seed, **(defaults(expected_trials) | tuner.options))


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return what a sampler draws from, in the space's order; ``domains.decode`` reads its draws."""
    return {name: _distribution(domain) for name, domain in space.tuned.items()}


def _distribution(domain: Range | Choice) -> BaseDistribution:
    if isinstance(domain, Choice):
        numbered = IntDistribution(0, domain.size - 1)
        return numbered if domain.ordered else CategoricalDistribution(tuple(range(domain.size)))
    shown = indices(domain)
    if shown is not None:
        return IntDistribution(shown[0], shown[-1])
    if domain.integer:
        return IntDistribution(int(domain.low), int(domain.high), log=True)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def _nothing(_: int | None) -> dict[str, Any]:
    return {}


def _startup(expected_trials: int | None) -> dict[str, Any]:
    return {"n_startup_trials": told.startup_trials(expected_trials, most=10)}


def _startup_quietly(expected_trials: int | None) -> dict[str, Any]:
    return _startup(expected_trials) | {"warn_independent_sampling": False}


def _quietly(_: int | None) -> dict[str, Any]:
    # Text choices are drawn at random, by declaration; no log line for each.
    return {"warn_independent_sampling": False}


def _scrambled(_: int | None) -> dict[str, Any]:
    # Without it the sequence is the same for every seed, and ten seeds are one sample.
    return {"scramble": True}


def _population(expected_trials: int | None) -> dict[str, Any]:
    # The first generation is drawn at random; Optuna's own fifty trials are more than most budgets.
    return {"population_size": told.startup_trials(expected_trials, most=50)}


_SAMPLERS: dict[str, tuple[Callable[..., optuna.samplers.BaseSampler], Callable[[int | None], dict[str, Any]]]] = {
    "optuna-random": (optuna.samplers.RandomSampler, _nothing),
    "optuna-tpe": (optuna.samplers.TPESampler, _startup),
    "optuna-cmaes": (optuna.samplers.CmaEsSampler, _quietly),
    "optuna-qmc": (optuna.samplers.QMCSampler, _scrambled),
    "optuna-nsga2": (optuna.samplers.NSGAIISampler, _population),
    "optuna-gp": (optuna.samplers.GPSampler, _startup_quietly),
}
