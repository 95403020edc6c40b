"""A grid of classifiers on frozen features as an objective: most are trained side by side, a few alone.

Side by side no seconds of one head are known. So the configurations that ``learning_curve_tables.is_timed`` names are
trained alone as well: their seconds count, and their losses must be those that they had side by side.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.catalogue.grid_points import configurations
from harness.errors import HarnessError
from harness.learning_curve_tables import TrialChains, is_timed
from harness.objectives import keras_training
from harness.objectives.heads_side_by_side import Head, HeadState, SideBySide, Weights
from harness.objectives.keras_training import KerasObjective, TrainingData
from harness.objectives.scores import Scorer
from harness.phase_clock import Ledger
from harness.search_types import Diverged, Epoch, Parameters, Proposal, Trial, TrialFailed, is_better
from harness.space import Space

# Of losses that float32 sums in another order; a head that differs by more was trained otherwise.
_LOSS_TOLERANCE = 1e-3

Chain = tuple[int, ...]
"""The last epochs of the trials that are continued; none for a trial that begins anew."""
Curves = dict[Head, list[Epoch]]


class CurvesDiffer(HarnessError):
    """Heads trained side by side that aren't what the same heads are when trained alone."""


@dataclass(slots=True)
class _Best:
    """Each head's best weights so far, and their scores."""

    weights: Weights
    scores: list[float | None]


class GridOfHeads:
    """Trains all of a batch size when the first of them is proposed; answers the others from that."""

    def __init__(
        self,
        alone: KerasObjective,
        *,
        data: TrainingData,
        space: Space,
        rungs: Sequence[Sequence[int]],
        scorer: Scorer,
        seed: int,
        ledger: Ledger,
        earlier: Sequence[Trial] = (),
    ) -> None:
        """Take from ``alone`` the initial weights, and what is trained alone.

        ``rungs`` are the chains of epochs that proposals follow; ``earlier`` the trials of an interrupted recording.
        """
        self._alone = alone
        self._data = data
        self._space = space
        self._lasts = last_epochs(rungs)
        self._scorer = scorer
        self._seed = seed
        self._ledger = ledger
        self._curves: dict[tuple[int, Chain], Curves] = {}
        self._chains = TrialChains(earlier)
        self._proposal: Proposal | None = None
        self._epoch: Epoch | None = None

    @property
    def images_per_epoch(self) -> int:
        """How many training images an epoch sees."""
        return self._alone.images_per_epoch

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        """Yield the epochs of a configuration of the grid.

        Raises:
            CurvesDiffer: Trained alone it has another curve than side by side.
        """
        self._proposal = proposal
        batch_size = int(proposal.parameters["batch_size"])
        if (batch_size, ()) not in self._curves:
            self._train_all(batch_size)
        head, chain = _head(proposal.parameters), self._chains.after(proposal.parent)
        found = self._curves[batch_size, chain][head]
        if not is_timed(proposal.parameters, self._space):
            yield from self._looked_up(proposal, found)
            return
        self._epoch = None
        for epoch in self._alone.train(proposal):
            if not chain:
                _check(epoch, found, proposal.parameters)
            yield epoch

    def test_score(self) -> float:
        """Score the epoch that was yielded last on the test images."""
        if self._epoch is None:
            return self._alone.test_score()
        if self._epoch.test_score is None:
            raise TrialFailed("not scored")
        return self._epoch.test_score

    def keep(self, number: int) -> None:
        """Remember which trial that was."""
        if self._proposal is not None:
            self._chains.add(number, self._proposal)
            if is_timed(self._proposal.parameters, self._space):
                self._alone.keep(number)

    def _looked_up(self, proposal: Proposal, found: Sequence[Epoch]) -> Iterator[Epoch]:
        known = {epoch.epoch: epoch for epoch in found}
        for number in range(proposal.first_epoch, proposal.last_epoch + 1):
            if number not in known:
                raise Diverged(f"the loss became infinite or NaN in epoch {number}")
            self._epoch = known[number]
            yield self._epoch

    def _train_all(self, batch_size: int) -> None:
        data = self._data
        every = [each for each in configurations(self._space) if each["batch_size"] == batch_size]
        heads = [_head(parameters) for parameters in every]
        with self._ledger.phase("build"):
            trained = SideBySide(data.rows, data.labels, classes=data.classes, heads=heads)
            begun: dict[Chain, HeadState] = {(): trained.begin(*self._alone.initial_classifier(every[0]))}
        # What others continue is trained before them.
        for chain in sorted(self._lasts, key=len):
            curves, kept = self._trained(trained, heads, begun[chain], chain=chain, batch_size=batch_size)
            self._curves[batch_size, chain] = curves
            begun |= {(*chain, last): HeadState.fresh(weights) for last, weights in kept.items()}

    def _trained(
        self, trained: SideBySide, heads: Sequence[Head], state: HeadState, *, chain: Chain, batch_size: int
    ) -> tuple[Curves, dict[int, Weights]]:
        """Train one trial of each head; return its curve, and its best weights where other trials go on from them."""
        curves: Curves = {head: [] for head in heads}
        diverged: set[Head] = set()
        continued = {longer[-1] for longer in self._lasts if longer and longer[:-1] == chain}
        best, kept = _Best(state.weights, [None] * len(heads)), {}
        for number in range(1 + (chain[-1] if chain else 0), self._lasts[chain] + 1):
            state, epochs = self._epoch_of_all(trained, state, number, batch_size=batch_size)
            for head, epoch in zip(heads, epochs, strict=True):
                if not math.isfinite(epoch.loss or 0.0):
                    diverged.add(head)
                if head not in diverged:
                    curves[head].append(epoch)
            if continued:
                _improve(best, [epoch.val_score for epoch in epochs], state.weights, trained)
            if number in continued:
                kept[number] = best.weights
        return curves, kept

    def _epoch_of_all(
        self, trained: SideBySide, state: HeadState, number: int, *, batch_size: int
    ) -> tuple[HeadState, list[Epoch]]:
        """Train and score an epoch of all heads; each has its share of the seconds."""
        before = self._ledger.booked("train"), self._ledger.booked("evaluate")
        with self._ledger.phase("train"):
            order = keras_training.epoch_order(self._seed, number, self._data.train)
            seed = keras_training.epoch_seeds(self._seed, number)[0]
            state, losses = trained.train(state, order, batch_size=batch_size, seed=int(seed))
        with self._ledger.phase("evaluate"):
            val_scores = self._scores(trained, state, self._data.validation)
        with self._ledger.phase("audit"):
            test_scores = self._scores(trained, state, self._data.test)
        train_s = (self._ledger.booked("train") - before[0]) / len(losses)
        evaluate_s = (self._ledger.booked("evaluate") - before[1]) / len(losses)
        told = zip(val_scores, losses.tolist(), test_scores, strict=True)
        return state, [
            Epoch(epoch=number, val_score=val, loss=loss, train_s=train_s, evaluate_s=evaluate_s, test_score=test)
            for val, loss, test in told
        ]

    def _scores(self, trained: SideBySide, state: HeadState, index: keras_training.Index) -> list[float]:
        return [self._scorer(counts) for counts in trained.confusions(state, index.astype(np.int32))]


def last_epochs(rungs: Sequence[Sequence[int]]) -> dict[Chain, int]:
    """Return the last epoch that is needed after each chain of trials: ``[[10], [2, 10]]`` is ``{(): 10, (2,): 10}``.

    A trial to epoch 2 is the beginning of the one to epoch 10, and is not trained again.
    """
    found: dict[Chain, int] = {}
    for rung in rungs:
        for place, last in enumerate(rung):
            chain = tuple(rung[:place])
            found[chain] = max(found.get(chain, 0), last)
    return found


def _improve(best: _Best, scores: Sequence[float], weights: Weights, trained: SideBySide) -> None:
    better = [is_better(score, known) for score, known in zip(scores, best.scores, strict=True)]
    best.weights = trained.chosen(np.array(better), weights, best.weights)
    best.scores = [new if is_new else old for new, old, is_new in zip(scores, best.scores, better, strict=True)]


def _check(epoch: Epoch, found: Sequence[Epoch], parameters: Parameters) -> None:
    beside = next((each.loss for each in found if each.epoch == epoch.epoch), None)
    losses = [math.nan if loss is None else loss for loss in (epoch.loss, beside)]
    if not math.isclose(*losses, rel_tol=_LOSS_TOLERANCE):
        alone, other = losses
        raise CurvesDiffer(
            f"{dict(parameters)}: in epoch {epoch.epoch} the loss is {alone:.6g} alone and {other:.6g} side by side"
        )


def _head(parameters: Parameters) -> Head:
    return Head(learning_rate=float(parameters["learning_rate"]), dropout=float(parameters["dropout"]))
