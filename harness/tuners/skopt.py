"""scikit-optimize's optimizer, asked and told as ``gp_minimize`` does."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from skopt import Optimizer
from skopt.space import Categorical, Dimension, Integer, Real

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.search_types import Trial
from harness.space import Choice, Range, Space
from harness.tuners.ask_and_tell import AskAndTell
from harness.tuners.domains import indices

# scikit-optimize minimises, and knows no failures: an F1 of 0 costs the most.
_HIGHEST_COST = 1.0


class Skopt(AskAndTell):
    """An optimizer that answers what it would repeat by a random configuration."""

    def __init__(self, *, optimizer: Optimizer, space: Space, epochs_per_trial: int) -> None:
        """Take an optimizer that nothing has been asked of yet."""
        super().__init__(space=space, epochs_per_trial=epochs_per_trial)
        self._optimizer = optimizer
        self._point: list[float] = []

    def _next(self) -> Mapping[str, float]:
        with _quiet():
            self._point = self._optimizer.ask()
        return dict(zip(self._space.tuned, self._point, strict=True))

    def _pass_on(self, trial: Trial) -> None:
        with _quiet():
            self._optimizer.tell(self._point, _HIGHEST_COST if trial.score is None else 1 - trial.score)


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> Skopt:
    """Return the tuner that ``tuner`` names, ready for its first ask; nothing is written to ``folder``."""
    del folder
    options = dict(tuner.options) | derived_tuner_settings.startup_options(tuner, space, expected_trials)
    with _quiet():
        optimizer = Optimizer(dimensions(tuner, space), "GP", random_state=seed, **options)
    return Skopt(optimizer=optimizer, space=space, epochs_per_trial=epochs_per_trial)


def dimensions(tuner: matrix_schema.TunerSection, space: Space) -> list[Dimension]:
    """Return what the optimizer draws from, in the space's order; ``domains.decode`` reads its draws."""
    return [_dimension(tuner, domain) for domain in space.tuned.values()]


def _dimension(tuner: matrix_schema.TunerSection, domain: Range | Choice) -> Dimension:
    if isinstance(domain, Choice):
        return _listed(range(domain.size), is_ordered=derived_tuner_settings.is_ordered(tuner, domain))
    places = indices(domain)
    if places is not None:
        return _listed(places, is_ordered=True)
    prior = "log-uniform" if domain.log else "uniform"
    if domain.integer:
        return Integer(int(domain.low), int(domain.high), prior=prior)
    return Real(domain.low, domain.high, prior=prior)


def _listed(places: range, *, is_ordered: bool) -> Dimension:
    # A range of one whole number is refused, a single category isn't.
    if is_ordered and len(places) > 1:
        return Integer(places[0], places[-1])
    return Categorical(list(places))


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the optimizer and its Gaussian process are known to grumble about, and nothing else."""
    with warnings.catch_warnings():
        for message, category in _GRUMBLES:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


_GRUMBLES: tuple[tuple[str, type[Warning]], ...] = (
    ("The objective has been evaluated at point", UserWarning),
    # Few, or equal, scores don't pin down a length scale; the process is fitted all the same.
    (r"The optimal value found for dimension \d+ of parameter", UserWarning),
    (r"lbfgs failed to converge", UserWarning),
    (r"Predicted variances smaller than 0", UserWarning),
)
