"""The optimizer of the package bayesian-optimization, asked and told as its ``maximize()`` does."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bayes_opt import BayesianOptimization
from bayes_opt.acquisition import UpperConfidenceBound

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.search_types import Trial
from harness.space import Choice, Range, Space
from harness.tuners.ask_and_tell import AskAndTell
from harness.tuners.domains import indices

# It knows no failures: what failed has an F1 of 0.
_LOWEST_SCORE = 0.0


class BayesOpt(AskAndTell):
    """Random points, then the model's. It knows no logarithm: of such ranges it is shown the exponents of e."""

    def __init__(
        self, *, optimizer: BayesianOptimization, space: Space, epochs_per_trial: int, init_points: int
    ) -> None:
        """Take an optimizer that nothing has been asked of yet."""
        super().__init__(space=space, epochs_per_trial=epochs_per_trial)
        self._optimizer = optimizer
        self._ahead = deque(optimizer.random_sample(init_points))
        self._point: dict[str, Any] = {}

    def _next(self) -> Mapping[str, float]:
        with _quiet():
            self._point = self._ahead.popleft() if self._ahead else self._optimizer.suggest()
        return {name: _value(domain, self._point[name]) for name, domain in self._space.tuned.items()}

    def _pass_on(self, trial: Trial) -> None:
        score = _LOWEST_SCORE if trial.score is None else trial.score
        self._optimizer.register(self._point, score)


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> BayesOpt:
    """Return the tuner that ``tuner`` names, ready for its first ask; nothing is written to ``folder``."""
    del folder
    start = derived_tuner_settings.startup_options(tuner, space, expected_trials)
    kappa = {"kappa": tuner.options["kappa"]} if "kappa" in tuner.options else {}
    with _quiet():
        optimizer = BayesianOptimization(
            None,
            bounds(tuner, space),
            acquisition_function=UpperConfidenceBound(**kappa),
            random_state=seed,
            verbose=0,
            # Else a repeat is an error, and whole numbers repeat.
            allow_duplicate_points=True,
        )
    return BayesOpt(optimizer=optimizer, space=space, epochs_per_trial=epochs_per_trial, **start)


def bounds(tuner: matrix_schema.TunerSection, space: Space) -> dict[str, Any]:
    """Return what the optimizer draws from, by name."""
    return {name: _bounds(tuner, domain) for name, domain in space.tuned.items()}


def _bounds(tuner: matrix_schema.TunerSection, domain: Range | Choice) -> tuple[object, ...]:
    if isinstance(domain, Choice):
        return _listed(range(domain.size), is_ordered=derived_tuner_settings.is_ordered(tuner, domain))
    places = indices(domain)
    if places is not None:
        return _listed(places, is_ordered=True)
    return (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)


def _listed(places: range, *, is_ordered: bool) -> tuple[object, ...]:
    if is_ordered:
        return (places[0], places[-1], int)
    # Categories that are numbers would be read as bounds.
    return tuple(map(str, places))


def _value(domain: Range | Choice, shown: Any) -> float:
    if isinstance(domain, Range) and domain.log:
        value = math.exp(shown)
        return round(value) if domain.integer else value
    return float(shown)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what it and its Gaussian process are known to grumble about, and nothing else."""
    with warnings.catch_warnings():
        for message, category in _GRUMBLES:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


_GRUMBLES: tuple[tuple[str, type[Warning]], ...] = (
    ("Non-float parameters are experimental", UserWarning),
    # Few, or equal, scores don't pin down a length scale; the process is fitted all the same.
    (r"The optimal value found for dimension \d+ of parameter", UserWarning),
    (r"lbfgs failed to converge", UserWarning),
    (r"Predicted variances smaller than 0", UserWarning),
)
