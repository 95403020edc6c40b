"""Judge the probabilities beside the verdicts: how often they are sure of a difference that isn't there, or of none.

python -m benchmarks.verdict.probabilities
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.verdict.claims import EFFECT, share
from benchmarks.verdict.drawn import SPREAD
from harness.analysis.statistics.answer import SURE
from harness.analysis.statistics.bayesian_signed_rank import signed_rank
from harness.matrix_schema import EQUIVALENCE

GROUPS = (1, 2, 4)
SEEDS = (2, 3, 5, 10)


def judged(groups: int, seeds: int, repetitions: int) -> tuple[str, str, str]:
    """Return three shares of so many pairs of tuners.

    Of tuners that are alike: called better or worse, called equivalent. Of those ``EFFECT`` apart: called equivalent.
    """
    rng = np.random.default_rng(0)
    # Of two searches' difference, as a mean over the groups.
    scatter = SPREAD * np.sqrt(2 / groups)
    alike = [signed_rank(rng.normal(0, scatter, seeds).tolist(), rope=EQUIVALENCE) for _ in range(repetitions)]
    apart = [signed_rank(rng.normal(EFFECT, scatter, seeds).tolist(), rope=EQUIVALENCE) for _ in range(repetitions)]
    return (
        share([max(each.better, each.worse) >= SURE for each in alike if each]),
        share([each.equivalent >= SURE for each in alike if each]),
        share([each.equivalent >= SURE for each in apart if each]),
    )


def main() -> None:
    """Print a row for each number of groups and seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    given = parser.parse_args()
    print(f"| groups | seeds | alike, yet better or worse | alike, and equivalent | {EFFECT} apart, yet equivalent |")
    print("|---|---|---|---|---|")
    for groups in GROUPS:
        for seeds in SEEDS:
            print(f"| {groups} | {seeds} | {' | '.join(judged(groups, seeds, given.repetitions))} |", flush=True)


if __name__ == "__main__":
    main()
