"""DEHB, asked and told without its own ``run()``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dehb import DEHB
from loguru import logger

from harness import matrix_schema
from harness.errors import UserError
from harness.search_types import Trial
from harness.space import Space
from harness.tuners import configuration_space
from harness.tuners.ask_and_tell import AskAndTell

# DEHB minimises, and knows no failures: to it infinity is what wasn't tried yet. An F1 of 0 costs the most.
_HIGHEST_COST = 1.0


class Dehb(AskAndTell):
    """Trials of several lengths, each from its first epoch: what is promoted is trained anew.

    Lengths are a power of ``eta`` apart and rounded to epochs. A finite space is exhausted once every configuration has
    been trained to the end.
    """

    def __init__(self, *, optimizer: DEHB, space: Space, epochs_per_trial: int) -> None:
        """Take an optimizer that nothing has been asked of yet."""
        super().__init__(space=space, epochs_per_trial=epochs_per_trial)
        self._optimizer = optimizer
        self._job: dict[str, Any] = {}

    def _next(self) -> Mapping[str, float]:
        with _quiet():
            self._job = self._optimizer.ask()
        return dict(self._job["config"])

    def _last_epoch(self) -> int:
        return max(1, round(float(self._job["fidelity"])))

    def _pass_on(self, trial: Trial) -> None:
        fitness = _HIGHEST_COST if trial.score is None else 1 - trial.score
        with _quiet():
            self._optimizer.tell(self._job, {"fitness": fitness, "cost": float(len(trial.epochs))})


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
) -> Dehb:
    """Return the tuner that ``tuner`` names, ready for its first ask; DEHB leaves an empty log in ``folder``.

    Raises:
        UserError: Its shortest trials are as long as all others.
    """
    del expected_trials
    least, eta = int(tuner.options.get("min_fidelity", 1)), int(tuner.options.get("eta", 3))
    if "min_fidelity" in tuner.options and least >= epochs_per_trial:
        raise UserError(f"options.min_fidelity: {least} is not less than the {epochs_per_trial} epochs of a trial")
    # DEHB refuses to have but one length: where a trial is one epoch, two rungs are rounded to one.
    options = dict(tuner.options) | {"eta": eta, "min_fidelity": min(least, epochs_per_trial / eta)}
    with _quiet():
        optimizer = DEHB(
            cs=configuration_space.shown(tuner, space, seed=seed),
            max_fidelity=epochs_per_trial,
            n_workers=1,
            save_freq=None,
            seed=seed,
            output_path=folder / "dehb",
            **options,
        )
    # It opened a log file, with a thread that writes it, and the standard output.
    logger.remove()
    return Dehb(optimizer=optimizer, space=space, epochs_per_trial=epochs_per_trial)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back that DEHB calls ConfigSpace by earlier names, and nothing else."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Please ", category=DeprecationWarning)
        yield
