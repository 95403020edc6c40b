"""What adapters of libraries that are asked and told share: spaces that end, and trials that run to their end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from harness.search_types import Proposal, Trial
from harness.space import Space
from harness.tuners.domains import Coverage, decode


class AskAndTell(ABC):
    """Ended by the budget, when every configuration has been proposed to its end, or when nothing is left to propose.

    A library that has nothing left is not asked again. What it repeats is trained and charged like any trial.
    """

    def __init__(self, *, space: Space, epochs_per_trial: int) -> None:
        self._space = space
        self._epochs = epochs_per_trial
        self._coverage = Coverage(space)
        self._exhausted = False

    def ask(self) -> Proposal | None:
        """Return the library's next proposal; None once there is none."""
        if self._exhausted or self._coverage.complete:
            return None
        shown = self._next()
        if shown is None:
            self._exhausted = True
            return None
        decoded = {name: decode(domain, shown[name]) for name, domain in self._space.tuned.items()}
        parameters = self._space.complete(decoded)
        last_epoch = self._last_epoch()
        if last_epoch == self._epochs:
            self._coverage.add(parameters)
        return Proposal(parameters=parameters, last_epoch=last_epoch)

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 (the Tuner protocol)
        """Never stop a trial: the library trains each to its end."""
        return False

    def tell(self, trial: Trial) -> None:
        """Pass on what became of the proposal."""
        self._pass_on(trial)

    @abstractmethod
    def _next(self) -> Mapping[str, float] | None:
        """Return what the library proposes, as ``domains.decode`` reads it; None where it has nothing left."""

    @abstractmethod
    def _pass_on(self, trial: Trial) -> None:
        """Tell the library how the trial ended."""

    def _last_epoch(self) -> int:
        """Return how long the proposal is to be trained: to the end, unless the library trains some for less."""
        return self._epochs
