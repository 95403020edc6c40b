"""No tuning: the default configuration, once."""

from __future__ import annotations

from harness.search_types import Proposal, Trial
from harness.space import Space


class Untuned:
    """Proposes the defaults at full fidelity, then nothing.

    The baseline of every table; and all that any tuner can do where every hyperparameter is fixed.
    """

    def __init__(self, *, space: Space, epochs_per_trial: int) -> None:
        self._next: Proposal | None = Proposal(parameters=space.defaults, last_epoch=epochs_per_trial)

    def ask(self) -> Proposal | None:
        """Return the defaults the first time, None ever after."""
        proposal, self._next = self._next, None
        return proposal

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Never stop a trial."""
        return False

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""
