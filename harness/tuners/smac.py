"""SMAC's facade for hyperparameter optimisation, asked and told without ``optimize()``."""

from __future__ import annotations

import logging
import multiprocessing.dummy  # noqa: F401 - joblib does, on the clock, when the first forest is trained
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from smac import HyperparameterOptimizationFacade as Facade
from smac import Scenario
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.runhistory import StatusType, TrialInfo, TrialValue

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.search_types import Outcome, Trial
from harness.space import Space
from harness.tuners import configuration_space
from harness.tuners.ask_and_tell import AskAndTell

# SMAC minimises. An F1 of 0 costs the most: what failed costs as much, as SMAC's own infinity breaks its model.
_HIGHEST_COST = 1.0


class Smac(AskAndTell):
    """A facade whose files nobody asks for. It never proposes a configuration twice."""

    _asked: TrialInfo

    def __init__(self, *, facade: Facade, space: Space, epochs_per_trial: int) -> None:
        """Take a facade that nothing has been asked of yet."""
        super().__init__(space=space, epochs_per_trial=epochs_per_trial)
        self._facade = facade

    def _next(self) -> Mapping[str, float] | None:
        try:
            self._asked = self._facade.ask()
        except (ConfigurationSpaceExhaustedException, StopIteration):
            return None
        return dict(self._asked.config)

    def _pass_on(self, trial: Trial) -> None:
        cost = _HIGHEST_COST if trial.score is None else 1 - trial.score
        status = _STATUS.get(trial.outcome, StatusType.SUCCESS)
        self._facade.tell(self._asked, TrialValue(cost=cost, status=status), save=False)


_STATUS = {Outcome.FAILED: StatusType.CRASHED, Outcome.OUT_OF_MEMORY: StatusType.MEMORYOUT}


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> Smac:
    """Return the tuner that ``tuner`` names, ready for its first ask; SMAC makes a folder within ``folder``."""
    trials: dict[str, Any] = {} if expected_trials is None else {"n_trials": max(1, expected_trials)}
    logging.getLogger("smac").setLevel(logging.ERROR)
    scenario = Scenario(
        configuration_space.shown(tuner, space, seed=seed),
        output_directory=folder / "smac",
        deterministic=True,  # a seed's F1 is not averaged over repeats
        crash_cost=_HIGHEST_COST,
        seed=seed,
        **trials,
    )
    start = derived_tuner_settings.startup_options(tuner, space, expected_trials)
    facade = Facade(
        scenario,
        None,
        **_parts(scenario, dict(tuner.options) | start),
        overwrite=True,
        logging_level=False,
    )
    return Smac(facade=facade, space=space, epochs_per_trial=epochs_per_trial)


def _parts(scenario: Scenario, options: Mapping[str, matrix_schema.Scalar]) -> dict[str, Any]:
    """Return the facade's own parts, made with those of the options that are theirs."""
    found: dict[str, Any] = {}
    for part, (make, names) in _PARTS.items():
        given = {name: options[name] for name in names if name in options}
        # The number is final: no share of the trials is to cut it.
        found[part] = make(scenario, **given, **({"max_ratio": 1.0} if part == "initial_design" else {}))
    return found


_PARTS: Mapping[str, tuple[Callable[..., object], tuple[str, ...]]] = {
    "model": (Facade.get_model, ("n_trees",)),
    "acquisition_function": (Facade.get_acquisition_function, ("xi",)),
    "acquisition_maximizer": (Facade.get_acquisition_maximizer, ("challengers",)),
    "initial_design": (Facade.get_initial_design, ("n_configs",)),
    "random_design": (Facade.get_random_design, ("probability",)),
    "config_selector": (Facade.get_config_selector, ("retrain_after",)),
}
"""What makes each part of a facade, and the options that are its own."""
