"""How many random trials come before a model, told to every library in the same way."""

from __future__ import annotations

_LEAST_STARTUP = 3


def startup_trials(expected_trials: int | None, *, most: int) -> int:
    """Return how many trials are drawn at random before a model proposes: a third of those expected, 3 to ``most``.

    ``most`` is the library's own number, meant for a hundred trials: with its ten, a budget of ten trials is random
    search under another name. Fewer than three leave a model nothing to model. A third lets it propose two trials for
    each that it learnt from, at every budget, and never starts it later than its authors do.
    """
    if expected_trials is None:
        return most
    return min(most, max(_LEAST_STARTUP, expected_trials // 3))
