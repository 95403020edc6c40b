"""Every configuration of a grid, to full fidelity and as tuners may continue it: what a table of curves is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.catalogue.grid_points import configurations
from harness.search_types import Outcome, Parameters, Proposal, Trial
from harness.space import Space


class EveryConfiguration:
    """Proposes each configuration once for each of ``rungs``: ``[10]`` to epoch 10, ``[2, 10]`` to 2 and on to 10.

    The last hyperparameter varies fastest. A trial that ended before its time isn't continued.
    """

    def __init__(self, *, space: Space, rungs: Sequence[Sequence[int]]) -> None:
        self._chains = ((parameters, chain) for parameters in configurations(space) for chain in rungs)
        self._ahead: Iterator[Proposal] = iter(())
        self._told: Trial | None = None

    def ask(self) -> Proposal | None:
        """Return the next proposal; None once every configuration was proposed."""
        proposal = next(self._ahead, None)
        while proposal is None:
            chain = next(self._chains, None)
            if chain is None:
                return None
            self._ahead = self._continued(*chain)
            proposal = next(self._ahead, None)
        return proposal

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Never stop a trial."""
        return False

    def tell(self, trial: Trial) -> None:
        """Remember how it ended, and by which number it is continued."""
        self._told = trial

    def _continued(self, parameters: Parameters, chain: Sequence[int]) -> Iterator[Proposal]:
        first, parent = 1, None
        for last in chain:
            yield Proposal(parameters=parameters, first_epoch=first, last_epoch=last, parent=parent)
            if self._told is None or self._told.outcome is not Outcome.COMPLETED:
                return
            first, parent = last + 1, self._told.number
