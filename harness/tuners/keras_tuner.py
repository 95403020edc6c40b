"""Keras Tuner's oracles, asked and told without its own search.

Keras Tuner writes a few small JSON files at each call, into the folder that it is given; that time is part of what the
tuner costs. Nothing is ever read back: a search is resumed by asking and telling anew.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf

from harness import files, matrix_schema
from harness.catalogue import derived_tuner_settings, grid_points
from harness.search_types import Outcome, Proposal, Trial, Value
from harness.space import Choice, Range, Space
from harness.tuners.domains import Coverage, decode, indices

_METRIC = "val_score"
_WORKER = "harness"
_UNLIMITED = 10**9  # trials: the harness's budget ends a search, not the library
_NO_FAILURE_LIMIT = 10**6  # at the default, 3, the oracle raises and keeps its lock


class KerasTuner:
    """One of Keras Tuner's oracles whose every trial is trained from the first epoch to the last.

    A library that has nothing left to propose is not asked again. Grid starts with the default configuration where
    that lies on the grid, as Keras Tuner does; the others start at random.
    """

    def __init__(self, *, oracle: Any, space: Space, epochs_per_trial: int) -> None:
        """Take an oracle that nothing has been asked of yet."""
        self._oracle = oracle
        self._space = space
        self._epochs_per_trial = epochs_per_trial
        self._coverage = Coverage(space)
        self._running: Any = None
        self._exhausted = False

    def ask(self) -> Proposal | None:
        """Return the next proposal; None once the oracle stops, or every configuration has been proposed."""
        if self._exhausted or self._coverage.complete:
            return None
        self._running = self._create_trial()
        if self._running is None:
            self._exhausted = True
            return None
        return self._proposal(self._running.hyperparameters.values)

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Never stop a trial: Keras Tuner doesn't."""
        return False

    def tell(self, trial: Trial) -> None:
        """Pass on the score, or that there is none."""
        self._end_trial(trial.score, epoch=trial.last_epoch, reason=trial.reason)

    def _create_trial(self) -> Any:
        """Return the oracle's next trial, or None where it stops."""
        with _calling():
            trial = self._oracle.create_trial(_WORKER)
        if trial.status == "STOPPED":
            return None
        if trial.status != "RUNNING":
            raise RuntimeError(f"Keras Tuner answers {trial.status}: the trial before was not told")
        _cut_off(trial.hyperparameters.values, self._space)
        return trial

    def _end_trial(self, score: float | None, *, epoch: int, reason: str | None = None) -> None:
        running, self._running = self._running, None
        running.status = "FAILED" if score is None else "COMPLETED"
        running.message = reason
        with _calling():
            if score is not None:
                self._oracle.update_trial(running.trial_id, {_METRIC: score}, step=epoch)
            self._oracle.end_trial(running)
            self._oracle.save()  # end_trial saves while the trial still counts as running

    def _proposal(self, shown: dict[str, Any]) -> Proposal:
        parameters = self._parameters(shown)
        self._coverage.add(parameters)
        return Proposal(parameters=parameters, last_epoch=self._epochs_per_trial)

    def _parameters(self, shown: dict[str, Any]) -> dict[str, Value]:
        return self._space.complete({name: decode(domain, shown[name]) for name, domain in self._space.tuned.items()})


class Hyperband(KerasTuner):
    """Keras Tuner's Hyperband, iterated without end: what it promotes continues the weights of an earlier trial.

    Repeats of a configuration are its method, so covering a finite space doesn't end it; finding no new one does. A
    trial that diverged has no weights worth training on: where one is promoted, the oracle is told the same score
    again at once, and no proposal is made of it.
    """

    def __init__(self, *, oracle: Any, space: Space, epochs_per_trial: int) -> None:
        """Take an oracle that nothing has been asked of yet."""
        super().__init__(oracle=oracle, space=space, epochs_per_trial=epochs_per_trial)
        self._numbers: dict[str, int] = {}
        self._diverged: dict[str, float] = {}

    def tell(self, trial: Trial) -> None:
        """Pass on the score, and remember which trials can't be continued."""
        if trial.outcome is Outcome.DIVERGED:
            self._diverged[self._running.trial_id] = trial.score or 0.0
        super().tell(trial)

    def _create_trial(self) -> Any:
        trial = super()._create_trial()
        while trial is not None and (parent := _parent(trial)) in self._diverged:
            self._diverged[trial.trial_id] = self._diverged[parent]
            self._running = trial
            self._end_trial(self._diverged[parent], epoch=trial.hyperparameters.values["tuner/epochs"])
            trial = super()._create_trial()
        return trial

    def _proposal(self, shown: dict[str, Any]) -> Proposal:
        parent = _parent(self._running)
        self._numbers[self._running.trial_id] = len(self._numbers)
        return Proposal(
            parameters=self._parameters(shown),
            first_epoch=int(shown["tuner/initial_epoch"]) + 1,
            last_epoch=int(shown["tuner/epochs"]),
            parent=None if parent is None else self._numbers[parent],
        )


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> KerasTuner:
    """Return the tuner that ``tuner`` names, ready for its first ask; its files go below ``folder``."""
    if tuner.tuner == "kt-grid":
        space = grid_points.grid_space(space, int(tuner.options.get("points", grid_points.DEFAULT_POINTS)))
    oracle_of, options, adapter = _ORACLES[tuner.tuner]
    with _calling():
        oracle = oracle_of(
            objective=keras_tuner.Objective(_METRIC, "max"),  # by name alone it would be minimised
            hyperparameters=_hyperparameters(space),
            tune_new_entries=False,
            allow_new_entries=False,
            seed=seed,
            max_consecutive_failed_trials=_NO_FAILURE_LIMIT,
            **options(tuner, space, epochs_per_trial, expected_trials),
        )
    oracle._set_project_dir(str(folder), "search")  # noqa: SLF001 (no public way without Keras Tuner's own search)
    oracle.verbose = 0
    return adapter(oracle=oracle, space=space, epochs_per_trial=epochs_per_trial)


def _random(*_: Any) -> dict[str, Any]:
    return {"max_trials": _UNLIMITED}


def _grid(*_: Any) -> dict[str, Any]:
    return {"max_trials": None}


def _bayesian(tuner: matrix_schema.TunerSection, space: Space, _: int, expected_trials: int | None) -> dict[str, Any]:
    return (
        {"max_trials": _UNLIMITED}
        | tuner.options
        | derived_tuner_settings.startup_options(tuner, space, expected_trials)
    )


def _hyperband(tuner: matrix_schema.TunerSection, _: Space, epochs_per_trial: int, __: int | None) -> dict[str, Any]:
    return {"max_epochs": epochs_per_trial, "hyperband_iterations": None} | tuner.options


_ORACLES: dict[str, tuple[Callable[..., Any], Callable[..., dict[str, Any]], type[KerasTuner]]] = {
    "kt-random": (keras_tuner.oracles.RandomSearchOracle, _random, KerasTuner),
    "kt-grid": (keras_tuner.oracles.GridSearchOracle, _grid, KerasTuner),
    "kt-bayesian": (keras_tuner.oracles.BayesianOptimizationOracle, _bayesian, KerasTuner),
    "kt-hyperband": (keras_tuner.oracles.HyperbandOracle, _hyperband, Hyperband),
}


def _hyperparameters(space: Space) -> Any:
    declared = keras_tuner.HyperParameters()
    for name, domain in space.tuned.items():
        _declare(declared, name, domain)
    return declared


def _declare(declared: Any, name: str, domain: Range | Choice) -> None:
    shown = indices(domain)
    if isinstance(domain, Choice):
        default = domain.choices.index(domain.default)
        declared.Choice(name, list(range(domain.size)), ordered=domain.ordered, default=default)
    elif shown is not None:
        declared.Int(name, shown[0], shown[-1])
    elif domain.integer:
        declared.Int(name, int(domain.low), int(domain.high), sampling="log")
    else:
        declared.Float(name, domain.low, domain.high, sampling="log" if domain.log else "linear")


def _cut_off(shown: dict[str, Any], space: Space) -> None:
    """Take the oracle's own values back into their domains, where it reaches one too far."""
    for name, domain in space.tuned.items():
        if isinstance(domain, Range) and domain.integer and domain.log:
            shown[name] = min(shown[name], int(domain.high))


def _parent(trial: Any) -> str | None:
    parent: str | None = trial.hyperparameters.values.get("tuner/trial_id")
    return parent


@contextmanager
def _calling() -> Iterator[None]:
    """Call Keras Tuner, which writes through TensorFlow.

    Raises:
        OSError: The disk is in trouble: full, failing, not to be written.
    """
    try:
        with _quiet():
            yield
    except tf.errors.OpError as error:
        path, _, said = str(error).rpartition("; ")
        if said not in _DISK_SAYS:
            raise
        raise OSError(_DISK_SAYS[said], said, path) from error


# By its class a full disk is one with a full GPU. Its message ends in the system's own words.
_DISK_SAYS = {os.strerror(number): number for number in files.DISK_TROUBLE}


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the oracles and their Gaussian process are known to grumble about, and nothing else."""
    with warnings.catch_warnings():
        for message, category in _GRUMBLES:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


_GRUMBLES: tuple[tuple[str, type[Warning]], ...] = (
    (r"currentThread\(\) is deprecated", DeprecationWarning),
    (r"getName\(\) is deprecated", DeprecationWarning),
    # Few, or equal, scores don't pin down a length scale; the process is fitted all the same.
    (r"The optimal value found for dimension \d+ of parameter", UserWarning),
    (r"lbfgs failed to converge", UserWarning),
    (r"Predicted variances smaller than 0", UserWarning),
)
