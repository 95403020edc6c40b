"""What Keras Tuner's Hyperband trains, bracket by bracket, read off ``HyperbandOracle``."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness import matrix_schema

_FACTOR = 3  # Keras Tuner's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """So many trials, each trained on from ``after`` epochs to ``epochs``, counted from its first."""

    trials: int
    after: int
    epochs: int


def factor(tuner: matrix_schema.TunerSection) -> int:
    """Return which one of so many trials is promoted."""
    return int(tuner.options.get("factor", _FACTOR))


def brackets(max_epochs: int, factor: int) -> list[list[Rung]]:
    """Return the rungs of each bracket of one iteration, in the order in which they are trained."""
    return [_bracket(max_epochs, factor, bracket) for bracket in reversed(range(_count(max_epochs, factor)))]


def iteration(max_epochs: int, factor: int) -> tuple[int, int]:
    """Return how many trials and epochs one iteration trains.

    The formula in the oracle's docstring is 1.4 to 2.7 times too low.
    """
    rungs = [rung for bracket in brackets(max_epochs, factor) for rung in bracket]
    return sum(rung.trials for rung in rungs), sum(rung.trials * (rung.epochs - rung.after) for rung in rungs)


def _bracket(max_epochs: int, factor: int, bracket: int) -> list[Rung]:
    rungs: list[Rung] = []
    for number in range(bracket + 1):
        trials, epochs = _rung(max_epochs, factor, bracket=bracket, rung=number)
        rungs.append(Rung(trials=trials, after=rungs[-1].epochs if rungs else 0, epochs=epochs))
    return rungs


def _count(max_epochs: int, factor: int) -> int:
    count, epochs = 0, float(max_epochs)
    while epochs >= 1:
        count, epochs = count + 1, epochs / factor
    return count


def _rung(max_epochs: int, factor: int, *, bracket: int, rung: int) -> tuple[int, int]:
    """Return trials, and epochs from a trial's first; the float arithmetic is the oracle's, rounding included."""
    final = math.ceil(1 + math.log(max_epochs, factor)) / (bracket + 1)
    return math.ceil(final * factor ** (bracket - rung)), math.ceil(max_epochs / factor ** (bracket - rung))
