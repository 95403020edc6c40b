"""Judge the verdict of `harness compare` on runs drawn by chance: how often it cries wolf, and what it finds.

    make bench-verdict

Pairs of runs are drawn again and again with ten seeds, and judged as `harness compare` judges them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.compare import Direction, change_points, judge
from harness.compare.paired_cells import Pair
from harness.results_folder import SearchName

# Standard deviations of one run's value of one cell, as in two runs of benchmarks/demo.toml, 36 cells each, on two
# virtual CPUs that other work shared: of the logarithm for costs, of F1 for scores (tuners and seeds taken out).
CELL: Mapping[str, float] = {"epoch": 0.076, "thinking": 0.082, "startup": 0.044, "memory": 0.001}
SPREAD = 0.0157
# What the cells of one seed share, since they stand near to each other in time; in the same unit.
HOUR = 0.015
# What the cells of one run share: the machine's drift from night to night. No measurement but a demand on the machine.
NIGHT = 0.01
# Of the searches that long for the median score, about this many don't reach it.
MISSED = 0.45
SEEDS = 10


def everywhere(_name: SearchName) -> bool:
    return True


def one_group(name: SearchName) -> bool:
    return name.backbone == "backbone 0"


def one_tuner(name: SearchName) -> bool:
    return name.tuner == "tuner 0"


def one_row(name: SearchName) -> bool:
    return one_group(name) and one_tuner(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What two runs are drawn from.

    In the cells that `planted` picks the candidate's seconds are `slower` times as long and its score is lower by
    `score_loss`. `noise` multiplies the spread of all costs, `score_spread` is that of scores where the trials are not
    the `same_trials`.
    """

    groups: int = 4
    tuners: int = 14
    noise: float = 1.0
    score_spread: float = SPREAD
    slower: float = 1.0
    score_loss: float = 0.0
    same_trials: bool = False
    planted: Callable[[SearchName], bool] = everywhere


def pairs(world: World, random: np.random.Generator) -> list[Pair]:
    """Draw a baseline and a candidate."""
    night = float(random.normal(0.0, _of_two(NIGHT)))
    hours = random.normal(0.0, _of_two(HOUR * world.noise), (SEEDS, len(CELL)))
    return [_pair(world, name, night, hours[name.seed], random) for name in _names(world)]


def alarms(world: World, *, repetitions: int, seed: int) -> int:
    """Return in how many repetitions anything is called worse."""
    random = np.random.default_rng(seed)
    return sum(
        any(finding.direction is Direction.WORSE for finding in judge(pairs(world, random))) for _ in range(repetitions)
    )


def _names(world: World) -> Iterator[SearchName]:
    for seed in range(SEEDS):
        for group in range(world.groups):
            for tuner in range(world.tuners):
                yield SearchName("animals", f"backbone {group}", "full", f"tuner {tuner}", seed)


def _pair(world: World, name: SearchName, night: float, hour: NDArray[np.float64], random: np.random.Generator) -> Pair:
    planted = world.planted(name)
    slower = night + (math.log(world.slower) if planted else 0.0)
    values = {}
    for index, (measure, spread) in enumerate(CELL.items()):
        drift = 0.0 if measure == "memory" else slower + float(hour[index])
        values[measure] = 1.0, math.exp(drift + float(random.normal(0.0, _of_two(spread * world.noise))))
    ours, theirs = _twice(world, lambda: float(random.normal(0.86, world.score_spread)))
    to_target = _twice(world, lambda: _cost_to_target(random))
    values["score"] = ours, theirs - (world.score_loss if planted else 0.0)
    values["target"] = to_target[0], to_target[1] * values["epoch"][1]
    return Pair(name=name, seed=name.seed, values=values)


def _twice(world: World, draw: Callable[[], float]) -> tuple[float, float]:
    first = draw()
    return first, first if world.same_trials else draw()


def _cost_to_target(random: np.random.Generator) -> float:
    # A miss counts twice the whole search.
    return 2.0 if random.random() < MISSED else float(random.uniform(0.02, 1.0))


def _of_two(spread: float) -> float:
    """Return the spread of the difference of two runs."""
    return math.sqrt(2) * spread


_SLOW = World(slower=1.1, same_trials=True)
_LOSS = World(score_loss=0.03)
_PLACES = (everywhere, one_group, one_tuner, one_row)

WORLDS: Mapping[str, World] = {
    "nothing changed, the same trials": World(same_trials=True),
    "nothing changed, trials drawn anew": World(),
    "nothing changed, one group, one tuner": World(groups=1, tuners=1),
    **{
        f"10 % slower, {place.__name__.replace('_', ' ')}, costs' spread × {noise:g}": replace(
            _SLOW, planted=place, noise=noise
        )
        for noise in (1.0, 0.5)
        for place in _PLACES
    },
    **{
        f"10 % slower, a matrix of one group and one tuner, costs' spread × {noise:g}": replace(
            _SLOW, groups=1, tuners=1, noise=noise
        )
        for noise in (1.0, 0.5)
    },
    **{f"0.03 F1 less, {place.__name__.replace('_', ' ')}": replace(_LOSS, planted=place) for place in _PLACES},
    "0.03 F1 less, one row, F1's spread × 0.5": replace(_LOSS, planted=one_row, score_spread=SPREAD / 2),
    "0.03 F1 less, a matrix of one group and one tuner": replace(_LOSS, groups=1, tuners=1),
}


SERIES = 114
"""As many measures and parts of the matrix as benchmarks/nightly.toml has in a history."""


def histories(*, nights: int, creep: float, repetitions: int, seed: int) -> int:
    """Return in how many histories a shift is found in any series, the first of which grows by `creep` each night.

    Nights differ by `NIGHT`, each series for itself.
    """
    random = np.random.default_rng(seed)
    grown = creep * np.arange(nights)
    found = 0
    for _ in range(repetitions):
        series = random.normal(0.0, NIGHT, (SERIES if creep == 0 else 1, nights)) + grown
        found += any(change_points.change_points(list(one), series=SERIES) for one in series)
    return found


HISTORIES: Mapping[str, tuple[int, float]] = {
    "a history of 28 nights, nothing changed": (28, 0.0),
    "a history of 60 nights, nothing changed": (60, 0.0),
    "a history of 120 nights, nothing changed": (120, 0.0),
    "one series of 28 nights grows by 0.2 % each night": (28, 0.002),
    "one series of 60 nights grows by 0.1 % each night": (60, 0.001),
    "one series of 120 nights grows by 0.05 % each night": (120, 0.0005),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--only", default="", help="a part of the worlds' names")
    given = parser.parse_args()
    print("| drawn | called worse | of |\n|---|---|---|")
    for title, world in WORLDS.items():
        if given.only in title:
            found = alarms(world, repetitions=given.repetitions, seed=1)
            _print(title, found, given.repetitions)
    for title, (nights, creep) in HISTORIES.items():
        if given.only in title:
            found = histories(nights=nights, creep=creep, repetitions=given.repetitions, seed=1)
            _print(title, found, given.repetitions)


def _print(title: str, found: int, repetitions: int) -> None:
    print(f"| {title} | {100 * found / repetitions:.1f} % | {repetitions} |", flush=True)


if __name__ == "__main__":
    main()
