"""The space as a ConfigSpace, which SMAC and DEHB draw from."""

from __future__ import annotations

from typing import Any

import ConfigSpace
from ConfigSpace.hyperparameters import Hyperparameter

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.space import Choice, Range, Space
from harness.tuners.domains import indices


def shown(tuner: matrix_schema.TunerSection, space: Space, *, seed: int) -> ConfigSpace.ConfigurationSpace:
    """Return what a library draws from; ``domains.decode`` reads its draws. It sorts hyperparameters by their names."""
    found = ConfigSpace.ConfigurationSpace(seed=seed)
    found.add(*(_hyperparameter(tuner, name, domain) for name, domain in space.tuned.items()))
    return found


def _hyperparameter(tuner: matrix_schema.TunerSection, name: str, domain: Range | Choice) -> Hyperparameter[Any, Any]:
    if isinstance(domain, Choice):
        is_ordered = derived_tuner_settings.is_ordered(tuner, domain)
        return _listed(name, range(domain.size), is_ordered=is_ordered)
    places = indices(domain)
    if places is not None:
        return _listed(name, places, is_ordered=True)
    if domain.integer:
        return ConfigSpace.UniformIntegerHyperparameter(name, int(domain.low), int(domain.high), log=True)
    return ConfigSpace.UniformFloatHyperparameter(name, domain.low, domain.high, log=domain.log)


def _listed(name: str, places: range, *, is_ordered: bool) -> Hyperparameter[Any, Any]:
    # A range of one whole number is refused, a single category isn't.
    if is_ordered and len(places) > 1:
        return ConfigSpace.UniformIntegerHyperparameter(name, places[0], places[-1])
    return ConfigSpace.CategoricalHyperparameter(name, list(places))
