"""What every tuner promises: see docs/add-a-tuner.md."""

from __future__ import annotations

from collections.abc import Iterator

from harness.search_types import Epoch, Outcome, Proposal, Trial, Tuner
from harness.space import Choice, Range, Space

EPOCHS = 9
"""Epochs of a trial at full fidelity, as the contract asks for them."""

SPACE = Space(
    {
        "learning_rate": Range(low=1e-4, high=1e-1, log=True, default=1e-3),
        "batch_size": Choice(choices=(16, 32, 64), default=32),
        "dropout": Range(low=0.0, high=0.6, default=0.2),
        "optimizer": Choice(choices=("adam", "sgd"), default="adam"),
    }
)
"""A space with a logarithmic range, a linear one, choices of numbers and choices of words."""


class TunerContract:
    """What every tuner promises; derive from it in a test file, and define ``create``."""

    trials = 12
    """So many trials are asked for; as many as it takes to get past a random start."""

    def create(self, space: Space, *, seed: int, epochs_per_trial: int) -> Tuner:
        """Return a new tuner, as the file's ``create`` does."""
        raise NotImplementedError

    def test_every_proposal_lies_in_the_space_and_is_trained_from_its_first_epoch(self) -> None:
        """Each names the space's hyperparameters, with values of their domains, and asks for 1 to 9 epochs."""
        for trial in searched(self._made(), trials=self.trials):
            assert SPACE.contains(trial.parameters), trial.parameters
            assert 1 == trial.first_epoch <= trial.last_epoch <= EPOCHS

    def test_the_same_seed_and_history_give_the_same_proposals(self) -> None:
        """An interrupted search goes on from a replay, and any search can be repeated."""
        first, again = (list(searched(self._made(), trials=self.trials)) for _ in range(2))

        assert first == again

    def test_trials_that_end_badly_are_survived(self) -> None:
        """A trial may diverge, fail, not fit into memory, or be cut: the tuner goes on."""
        for outcome in Outcome:
            ended = list(searched(self._made(), trials=4, outcome=outcome))
            assert len(ended) == 4, outcome

    def test_trials_that_end_before_their_last_epoch_are_survived(self) -> None:
        """A completed trial may have fewer epochs than were asked for: the protocol's patience ended it."""
        assert len(list(searched(self._made(), trials=4, most_epochs=2))) == 4

    def test_one_hyperparameter_is_enough(self) -> None:
        """A matrix may tune the learning rate alone."""
        space = Space({"learning_rate": SPACE.domains["learning_rate"]})
        made = self.create(space, seed=1, epochs_per_trial=EPOCHS)

        assert all(space.contains(trial.parameters) for trial in searched(made, trials=3))

    def _made(self) -> Tuner:
        return self.create(SPACE, seed=1, epochs_per_trial=EPOCHS)


def searched(
    tuner: Tuner, *, trials: int, outcome: Outcome = Outcome.COMPLETED, most_epochs: int = EPOCHS
) -> Iterator[Trial]:
    """Drive a tuner as a search does, with a score that is known in place of training.

    Trials end after ``most_epochs`` at the latest, whatever was asked for.
    """
    for number in range(trials):
        proposal = tuner.ask()
        if proposal is None:
            return
        trial = _trained(tuner, proposal, number=number, outcome=outcome, most_epochs=most_epochs)
        tuner.tell(trial)
        yield trial


def _trained(tuner: Tuner, proposal: Proposal, *, number: int, outcome: Outcome, most_epochs: int) -> Trial:
    has_score = outcome not in (Outcome.FAILED, Outcome.OUT_OF_MEMORY)
    epochs: list[Epoch] = []
    for epoch in range(proposal.first_epoch, proposal.last_epoch + 1)[: most_epochs if has_score else 0]:
        score = (0.5 + float(proposal.parameters["learning_rate"])) * (1 - 0.5**epoch)
        epochs.append(Epoch(epoch=epoch, val_score=score, loss=1.0, train_s=1.0, evaluate_s=0.1))
        if tuner.report(proposal, epoch, score):
            break
    return Trial.of(proposal, number=number, outcome=outcome, epochs=epochs, charged_epochs=len(epochs))
