"""How often alike tuners are given a high probability of being the best, and how much a better one gets.

Beside it stands the share of bootstrap samples over seeds in which a tuner has the highest mean, the obvious way:

    python -m benchmarks.verdict.best_by_then
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.standing_by_budget import best_of

# What searches of the demo scatter by, and what searches of one seed share (``docs/verdicts.md``).
SCATTER, SHARED = 0.0157, 0.019
EFFECT, HIGH = 0.02, 0.95
SAMPLES = 1_000

Values = NDArray[np.float64]


def modelled(values: Values) -> Values:
    """Return the probabilities that the page tells."""
    names = tuple(map(str, range(values.shape[1])))
    rows = tuple(map(tuple, values.tolist()))
    seeds = Seeds(
        tuners=names, seeds=tuple(range(len(rows))), groups=1, values=rows, searches=tuple(() for _ in rows), remarks=()
    )
    found = best_of(seeds)
    return np.array([found[name] for name in names])


def resampled(values: Values, chance: np.random.Generator) -> Values:
    """Return each tuner's share of the bootstrap samples in which its mean is the highest."""
    n, k = values.shape
    means = chance.multinomial(n, [1 / n] * n, size=SAMPLES) / n @ values
    return np.bincount(means.argmax(axis=1), minlength=k) / SAMPLES


def drawn(seeds: int, tuners: int, chance: np.random.Generator, *, scatter: float = 1.0, effect: float = 0.0) -> Values:
    """Return scores of alike tuners, of which the second scatters ``scatter`` times as much and the first is better."""
    own = SCATTER * chance.standard_normal((seeds, tuners))
    own[:, 1] *= scatter
    own[:, 0] += effect
    return own + SHARED * chance.standard_normal((seeds, 1))


def row(seeds: int, tuners: int, scatter: float, repetitions: int) -> str:
    """Return a row of the table in ``docs/verdicts.md``."""
    chance = np.random.default_rng(1)
    ways: Mapping[str, Callable[[Values], Values]] = {
        "modelled": modelled,
        "resampled": lambda values: resampled(values, chance),
    }
    alike = [drawn(seeds, tuners, chance, scatter=scatter) for _ in range(repetitions)]
    better = [drawn(seeds, tuners, chance, scatter=scatter, effect=EFFECT) for _ in range(repetitions)]
    sure = [f"{100 * np.mean([way(values).max() >= HIGH for values in alike]):.1f} %" for way in ways.values()]
    first = [f"{100 * np.mean([way(values)[0] for values in better]):.0f} %" for way in ways.values()]
    uneven = "" if scatter == 1 else f", one scatters {scatter:g} times as much"
    return f"| {tuners} tuners, {seeds} seeds{uneven} | {' | '.join([*sure, *first])} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1_000)
    repetitions = parser.parse_args().repetitions
    for tuners in (6, 14):
        for seeds in (3, 5, 10):
            print(row(seeds, tuners, 1.0, repetitions), flush=True)
        print(row(3, tuners, 3.0, repetitions), flush=True)


if __name__ == "__main__":
    main()
