"""SMAC's facade for hyperparameter optimisation, asked and told without ``optimize()``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, UniformFloatHyperparameter
from ConfigSpace import UniformIntegerHyperparameter as WholeNumber
from ConfigSpace.hyperparameters import Hyperparameter
from smac import HyperparameterOptimizationFacade as Facade
from smac import Scenario
from smac.main.config_selector import ConfigSelector
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.runhistory import StatusType, TrialInfo, TrialValue

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings
from harness.search_types import Outcome, Proposal, Trial
from harness.space import Choice, Range, Space
from harness.tuners.domains import Coverage, decode, indices

# SMAC minimises. An F1 of 0 costs the most: what failed costs as much, as SMAC's own infinity breaks its model.
_HIGHEST_COST = 1.0
# What SMAC takes for the trials to come where nobody says.
_TRIALS = 100


class Smac:
    """A facade whose files nobody asks for; ended by the budget, or when SMAC finds nothing new.

    SMAC never proposes a configuration twice. One forest serves ``retrain_after`` proposals.
    """

    def __init__(self, *, facade: Facade, space: Space, epochs_per_trial: int) -> None:
        """Take a facade that nothing has been asked of yet."""
        self._facade = facade
        self._space = space
        self._epochs_per_trial = epochs_per_trial
        self._coverage = Coverage(space)
        self._running: TrialInfo | None = None
        self._exhausted = False

    def ask(self) -> Proposal | None:
        """Return the next proposal; None once SMAC finds no new configuration."""
        if self._exhausted or self._coverage.complete:
            return None
        try:
            self._running = self._facade.ask()
        except (ConfigurationSpaceExhaustedException, StopIteration):
            self._exhausted = True
            return None
        shown = self._running.config
        parameters = self._space.complete(
            {name: decode(domain, shown[name]) for name, domain in self._space.tuned.items()}
        )
        self._coverage.add(parameters)
        return Proposal(parameters=parameters, last_epoch=self._epochs_per_trial)

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Never stop a trial: the facade trains each to its end."""
        return False

    def tell(self, trial: Trial) -> None:
        """Pass on what is missing to an F1 of 1, or that the trial crashed or lacked memory."""
        if self._running is None:
            raise RuntimeError("no trial has been asked for since the last was told")
        cost = _HIGHEST_COST if trial.score is None else 1 - trial.score
        status = _STATUS.get(trial.outcome, StatusType.SUCCESS)
        self._facade.tell(self._running, TrialValue(cost=cost, status=status), save=False)
        self._running = None


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
    scenario = Scenario(
        configspace(tuner, space, seed=seed),
        output_directory=folder / "smac",
        deterministic=True,  # a seed's F1 is not averaged over repeats
        crash_cost=_HIGHEST_COST,
        n_trials=max(1, expected_trials or _TRIALS),
        seed=seed,
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


def configspace(tuner: matrix_schema.TunerSection, space: Space, *, seed: int) -> ConfigurationSpace:
    """Return what SMAC draws from, in the space's order; ``domains.decode`` reads its draws."""
    shown = ConfigurationSpace(seed=seed)
    shown.add(*(_shown(tuner, name, domain) for name, domain in space.tuned.items()))
    return shown
