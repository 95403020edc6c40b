"""Tuners: what proposes configurations. One adapter for each library, imported only where a cell needs it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol

from harness import matrix_schema
from harness.catalogue import tuner_libraries
from harness.catalogue import tuners as catalogue
from harness.errors import MachineError, UserError, reason
from harness.extensions import TUNER, Found, loading
from harness.search_types import Tuner
from harness.space import Space
from harness.tuners.untuned import Untuned


class _Adapter(Protocol):
    """How an adapter makes a tuner: ``create`` in the module of its library's name."""

    def __call__(
        self,
        tuner: matrix_schema.TunerSection,
        space: Space,
        *,
        seed: int,
        epochs_per_trial: int,
        expected_trials: int | None,
        folder: Path,
    ) -> Tuner:
        """Return the tuner that the section names, ready for its first ask."""


def create(
    tuner: matrix_schema.TunerSection,
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    expected_trials: int | None,
    folder: Path,
    file: Found | None = None,
) -> Tuner:
    """Return the tuner that ``tuner`` names, ready for its first ask.

    The same arguments and the same history of reports and tells give the same proposals. No tuner is given the
    default configuration to start with. Where every hyperparameter is fixed, each tuner proposes the one
    configuration once.

    Args:
        tuner: A section of the matrix.
        space: The hyperparameter set.
        seed: From ``harness.seeds.derive``; near seeds are not independent in Keras Tuner, and 0 is none.
        epochs_per_trial: Epochs of a trial at full fidelity.
        expected_trials: How many such trials the budget buys; None where it isn't counted in epochs or trials. What
            the user left unset is set from it: ``n_startup_trials``, ``num_initial_points`` and ``population_size``
            become a third of it, at least 3 and at most the library's own (see ``catalogue.told.startup``).
        folder: A fresh folder, for what the library wants to write; nothing reads it back.
        file: What was found of a tuner of the user's own.

    Raises:
        UserError: The tuner is unknown, or can't do what it is asked.
        MachineError: A library that it needs can't be imported.
    """
    found = catalogue.mistakes(tuner, space, epochs_per_trial=epochs_per_trial)
    if found:
        raise UserError("; ".join(found))
    if tuner.tuner == "default" or not space.tuned:
        return Untuned(space=space, epochs_per_trial=epochs_per_trial)
    load_library(tuner, file)
    if file is not None:
        from harness.tuners import own_tuner  # noqa: PLC0415 (no other cell runs through it)

        return own_tuner.create(tuner, space, file=file, seed=seed, epochs_per_trial=epochs_per_trial)
    # By name: no cell imports the library of another's tuner, nor is made another by its adapter.
    adapter: _Adapter = importlib.import_module(tuner_libraries.adapter(catalogue.KNOWN[tuner.tuner].library)).create
    return adapter(
        tuner,
        space,
        seed=seed,
        epochs_per_trial=epochs_per_trial,
        expected_trials=expected_trials,
        folder=folder,
    )


def load_library(tuner: matrix_schema.TunerSection, file: Found | None = None) -> None:
    """Import what the tuner imports before its first proposal, so that imports are off the clock.

    Raises:
        MachineError: A library can't be imported: no fault of the tuner.
    """
    if file is not None:
        loading.maker(TUNER, file)
        return
    for module in catalogue.KNOWN[tuner.tuner].modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            why = reason(error)
            raise MachineError(
                f"tuner: {tuner.tuner} can't import {module} ({why}); harness doctor says the way out"
            ) from error
