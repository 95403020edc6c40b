"""Hyperopt's tree-structured Parzen estimator, asked and told by the documents that its ``fmin`` keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hyperopt
import numpy as np
from hyperopt import hp, tpe
from hyperopt.base import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Domain, spec_from_misc

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.search_types import Trial
from harness.space import Choice, Range, Space
from harness.tuners.ask_and_tell import AskAndTell
from harness.tuners.domains import indices


class Hyperopt(AskAndTell):
    """A list of trials in memory. Each proposal has a seed of its own, drawn from the search's."""

    def __init__(
        self, *, suggest: Any, shown: Mapping[str, Any], space: Space, seed: int, epochs_per_trial: int
    ) -> None:
        """Take ``tpe.suggest`` with its options, and what it draws from."""
        super().__init__(space=space, epochs_per_trial=epochs_per_trial)
        self._suggest = suggest
        self._domain = Domain(_untrained, dict(shown))
        self._trials = hyperopt.Trials()
        self._draws = np.random.default_rng(seed)

    def _next(self) -> Mapping[str, float]:
        ids = self._trials.new_trial_ids(1)
        self._trials.refresh()
        proposed = self._suggest(ids, self._domain, self._trials, self._draws.integers(2**31 - 1))
        self._trials.insert_trial_docs(proposed)
        self._trials.refresh()
        return _inside(self._space, spec_from_misc(self._document["misc"]))

    def _pass_on(self, trial: Trial) -> None:
        failed = {"status": STATUS_FAIL}
        result = failed if trial.score is None else {"status": STATUS_OK, "loss": 1 - trial.score}
        self._document.update(state=JOB_STATE_DONE, result=result)
        self._trials.refresh()

    @property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = self._trials._dynamic_trials[-1]  # noqa: SLF001 (what fmin itself writes to)
        return document


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> Hyperopt:
    """Return the tuner that ``tuner`` names, ready for its first ask; nothing is written to ``folder``."""
    del folder
    options = dict(tuner.options) | derived_tuner_settings.startup_options(tuner, space, expected_trials)
    return Hyperopt(
        suggest=partial(tpe.suggest, verbose=False, **options),
        shown=search_space(tuner, space),
        space=space,
        seed=seed,
        epochs_per_trial=epochs_per_trial,
    )


def search_space(tuner: matrix_schema.TunerSection, space: Space) -> dict[str, Any]:
    """Return what Hyperopt draws from, by name."""
    return {name: _shown(tuner, name, domain) for name, domain in space.tuned.items()}


def _shown(tuner: matrix_schema.TunerSection, name: str, domain: Range | Choice) -> Any:
    if isinstance(domain, Choice):
        is_ordered = derived_tuner_settings.is_ordered(tuner, domain)
        return _listed(name, range(domain.size)) if is_ordered else hp.randint(name, domain.size)
    places = indices(domain)
    if places is not None:
        return _listed(name, places)
    if domain.integer:
        return hp.qloguniform(name, math.log(domain.low - 0.5), math.log(domain.high + 0.5), 1)
    if domain.log:
        return hp.loguniform(name, math.log(domain.low), math.log(domain.high))
    return hp.uniform(name, domain.low, domain.high)


def _listed(name: str, places: range) -> Any:
    # Half a place more at either end: the first and the last are rounded to as often as the others.
    return hp.quniform(name, places[0] - 0.5, places[-1] + 0.5, 1)


def _inside(space: Space, drawn: Mapping[str, Any]) -> dict[str, float]:
    """Return what was drawn with places taken back into their lists, of which rounding can reach one beyond."""
    found: dict[str, float] = {}
    for name, domain in space.tuned.items():
        places, value = indices(domain), float(drawn[name])
        found[name] = value if places is None else min(max(value, places[0]), places[-1])
    return found


def _untrained(_: object) -> float:
    """Stand for the objective, which Hyperopt never calls here."""
    raise NotImplementedError
