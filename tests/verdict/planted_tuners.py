"""Tuners of which it is known how good they are, to be named in a matrix."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from harness.search_types import Proposal, Trial, Tuner, Value
from harness.space import Choice, Space


def create(
    space: Space,
    *,
    seed: int,
    epochs_per_trial: int,
    places: str = "",
    draws: str = "",
    thinks_s: float = 0.0,
) -> Tuner:
    """Return a tuner that proposes the rates at these places of the grid, or draws them; it thinks before each."""
    rates = _rates(space)
    dice = random.Random(f"{seed}, {draws}")  # noqa: S311 - what a tuner draws is no secret
    chosen = map(int, places.split()) if places else _drawn(dice, len(rates))
    return Planted(
        (Proposal(parameters={"learning_rate": rates[at]}, last_epoch=epochs_per_trial) for at in chosen), thinks_s
    )


class Planted:
    """Proposes what it was given, whatever it is told."""

    def __init__(self, proposals: Iterator[Proposal], thinks_s: float) -> None:
        self._proposals = proposals
        self._thinks_s = thinks_s

    def ask(self) -> Proposal | None:
        """Return the next proposal once the processor seconds of thinking are over; None where none is left."""
        begun = time.thread_time()
        while time.thread_time() - begun < self._thinks_s:
            pass
        return next(self._proposals, None)

    def report(self, _proposal: Proposal, _epoch: int, _score: float) -> bool:
        """Stop no trial."""
        return False

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""


def _rates(space: Space) -> tuple[Value, ...]:
    domain = space.tuned["learning_rate"]
    assert isinstance(domain, Choice)
    return domain.choices


def _drawn(draws: random.Random, count: int) -> Iterator[int]:
    while True:
        yield draws.randrange(count)
