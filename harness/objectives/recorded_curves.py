"""Recorded learning curves as an objective: trials are looked up, and take the seconds that they took."""

from __future__ import annotations

from collections.abc import Generator

from harness.errors import UserError
from harness.learning_curve_tables import Curve, CurvesOfSeed, TrialChains
from harness.phase_clock import Ledger
from harness.search_types import Diverged, Epoch, Outcome, OutOfMemory, Proposal, TrialFailed
from harness.virtual_clock import VirtualClock


class RecordedCurves:
    """Looks up proposals in the curves of one seed.

    An epoch takes the median of what epochs of its batch size took. ``keeps`` says whether trials leave weights for
    others, which takes time.
    """

    def __init__(
        self,
        curves: CurvesOfSeed,
        *,
        images_per_epoch: int,
        clock: VirtualClock,
        ledger: Ledger,
        keeps: bool,
    ) -> None:
        self._curves = curves
        self._images_per_epoch = images_per_epoch
        self._clock = clock
        self._ledger = ledger
        self._keeps = keeps
        self._chains = TrialChains()
        self._proposal: Proposal | None = None
        self._test_score: float | None = None

    @property
    def images_per_epoch(self) -> int:
        """How many training images an epoch saw."""
        return self._images_per_epoch

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        """Yield the recorded epochs, each once its seconds have passed.

        Raises:
            Diverged: The recorded trial did.
            OutOfMemory: The recorded trial did not fit.
            TrialFailed: The recorded trial failed.
            UserError: Nothing like it was recorded.
        """
        curve, taken = self._curve(proposal), self._curves.taken(proposal.parameters)
        self._proposal = proposal
        with self._ledger.phase("other"):
            self._clock.advance(taken.other_s)
        with self._ledger.phase("train"):
            self._clock.advance(taken.begin_s)
        for number in range(proposal.first_epoch, proposal.last_epoch + 1):
            with self._ledger.phase("train"):
                self._clock.advance(taken.train_s, cpu_s=taken.cpu_s)
            val_score, loss, self._test_score = _scores(curve, number)
            with self._ledger.phase("evaluate"):
                self._clock.advance(taken.evaluate_s)
            yield Epoch(
                epoch=number,
                val_score=val_score,
                loss=loss,
                train_s=taken.train_s,
                evaluate_s=taken.evaluate_s,
            )

    def test_score(self) -> float:
        """Return what the epoch scored on the test images.

        Raises:
            TrialFailed: That wasn't recorded.
        """
        if self._test_score is None:
            raise TrialFailed("not recorded")
        return self._test_score

    def keep(self, number: int) -> None:
        """Let the seconds pass in which weights were stored."""
        if self._proposal is None:
            return
        self._chains.add(number, self._proposal)
        if self._keeps:
            self._clock.advance(self._curves.taken(self._proposal.parameters).checkpoint_s)

    def _curve(self, proposal: Proposal) -> Curve:
        ancestors = self._chains.after(proposal.parent)
        curve = self._curves.curve(proposal.parameters, ancestors)
        if curve is None or curve.last_epoch < proposal.last_epoch:
            after = f" after a trial that ended at {', '.join(map(str, ancestors))}" if ancestors else ""
            raise UserError(
                f"{dict(proposal.parameters)} to epoch {proposal.last_epoch}{after} was not recorded: no tuner of the "
                "recorded matrix could ask for it; record a matrix that has this one"
            )
        return curve


def _scores(curve: Curve, number: int) -> tuple[float, float | None, float | None]:
    """Return the scores and the loss of an epoch, or raise how the trial ended before."""
    found = curve.epoch(number)
    if found is not None:
        return found
    reason = curve.reason or "it had no such epoch"
    errors = {Outcome.DIVERGED: Diverged, Outcome.OUT_OF_MEMORY: OutOfMemory}
    raise errors.get(curve.outcome, TrialFailed)(reason)
