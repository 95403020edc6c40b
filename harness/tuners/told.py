"""What every library is told in the same way: scores, and how many random trials come before a model."""

from __future__ import annotations

import math

from harness.model import Trial

_LEAST_STARTUP = 3


def score(trial: Trial) -> float | None:
    """Return the trial's best finite validation F1; None where there is no score to be told.

    A trial that diverged is told as a completed one, with the best it had before or else 0.0, so that every model
    learns that the region is bad; one that was cut by the budget likewise. One that failed, or did not fit into
    memory, says nothing about F1: None. NaN never reaches a library.
    """
    if trial.score is None:
        return None
    return max((epoch.val_f1 for epoch in trial.epochs if math.isfinite(epoch.val_f1)), default=0.0)


def startup_trials(expected_trials: int | None, *, most: int) -> int:
    """Return how many trials are drawn at random before a model proposes: a third of those expected, 3 to ``most``.

    ``most`` is the library's own number, meant for a hundred trials: with its ten, a budget of ten trials is random
    search under another name. Fewer than three leave a model nothing to model. A third lets it propose two trials for
    each that it learnt from, at every budget, and never starts it later than its authors do.
    """
    if expected_trials is None:
        return most
    return min(most, max(_LEAST_STARTUP, expected_trials // 3))
