"""A tuner of the user's own, in a Python file or an installed package that the matrix names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from harness import matrix_schema
from harness.errors import UserError
from harness.extensions import TUNER, Found, loading
from harness.search_types import Parameters, Proposal, Trial, Tuner
from harness.space import Space

_CALLS = ("ask", "report", "tell")


def create(tuner: matrix_schema.TunerSection, space: Space, *, file: Found, seed: int, epochs_per_trial: int) -> Tuner:
    """Return the tuner that the user's ``create`` makes, watched for proposals outside the space.

    Raises:
        UserError: What ``create`` returned is no tuner.
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    origin = loading.called(file)
    made = loading.maker(TUNER, file)(space, seed=seed, epochs_per_trial=epochs_per_trial, **tuner.options)
    lacking = [name for name in _CALLS if not callable(getattr(made, name, None))]
    if lacking:
        raise UserError(f"{origin}: what create returns has no {', '.join(lacking)}; {TUNER.guide} shows one")
    return Checked(cast("Tuner", made), space=space, epochs_per_trial=epochs_per_trial, origin=origin)


class Checked:
    """Passes on what a tuner proposes if it can be trained as asked."""

    def __init__(self, tuner: Tuner, *, space: Space, epochs_per_trial: int, origin: str) -> None:
        self._tuner = tuner
        self._space = space
        self._epochs = epochs_per_trial
        self._origin = origin

    def ask(self) -> Proposal | None:
        """Return the next proposal, with fixed hyperparameters added.

        Raises:
            UserError: It isn't one, or not one of this space and these epochs.
        """
        proposal = self._tuner.ask()
        if proposal is None:
            return None
        if not isinstance(proposal, Proposal):
            raise UserError(f"{self._origin}: ask returned {type(proposal).__name__}, no Proposal and not None")
        return Proposal(parameters=self._complete(proposal.parameters), last_epoch=self._last(proposal))

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        """Return whether the tuner stops this trial."""
        return bool(self._tuner.report(proposal, epoch, score))

    def tell(self, trial: Trial) -> None:
        """Tell the tuner how its proposal ended."""
        self._tuner.tell(trial)

    def _complete(self, parameters: Parameters) -> Parameters:
        if not isinstance(parameters, Mapping):
            raise UserError(f"{self._origin}: the parameters of a proposal are {type(parameters).__name__}, no mapping")
        complete = self._space.complete(parameters)
        wrong = [name for name, domain in self._space.domains.items() if not domain.contains(complete[name])]
        unknown = [name for name in parameters if name not in self._space.domains]
        if wrong or unknown:
            told = ", ".join(f"{name} = {parameters[name]!r}" for name in [*wrong, *unknown])
            raise UserError(f"{self._origin}: proposed what the hyperparameter set doesn't have: {told}")
        return complete

    def _last(self, proposal: Proposal) -> int:
        if proposal.first_epoch != 1 or proposal.parent is not None:
            raise UserError(f"{self._origin}: a proposal continues an earlier trial, which a tuner of your own can't")
        if not 1 <= proposal.last_epoch <= self._epochs:
            raise UserError(
                f"{self._origin}: proposed {proposal.last_epoch} epochs, and a trial has 1 to {self._epochs}"
            )
        return proposal.last_epoch
