from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import fresh, searches
from benchmarks.perf.figures import Figure
from benchmarks.perf.thinking import Turn, epochs_in_turns, think
from harness.cells import Cell
from harness.datasets.verified_sources import Source

Measured = Callable[[Callable[[], Figure]], Figure]

THINKING_LIMIT = 0.75
EPOCH_LIMIT = 1.03
PROPOSALS = 25
TURNS = 3
TRIALS = 12
SEEDS = range(1, 11)

pytestmark = pytest.mark.slow


def test_bayesian_optimisation_thinks_for_less_processor_time_in_one_thread(
    animals: Source, folder: Path, measured: Measured
) -> None:
    cell = searches.cell_of(animals, train="head", tuner="kt-bayesian")

    def one_thread() -> Figure:
        pairs = [
            (
                fresh.call(think, cell, folder / f"{turn} one", PROPOSALS, bounded=True),
                fresh.call(think, cell, folder / f"{turn} all", PROPOSALS, bounded=False),
            )
            for turn in range(TURNS)
        ]
        assert all(one.proposed == unbounded.proposed for one, unbounded in pairs)
        one, unbounded = zip(*pairs, strict=True)
        return Figure(
            name="kt-bayesian's thinking in one thread",
            harness=median(thought.cpu_s for thought in one),
            yardstick=median(thought.cpu_s for thought in unbounded),
            unit="CPU s",
            limit=THINKING_LIMIT,
            facts={
                "proposals on each side, the same ones": PROPOSALS,
                "wall clock of each (s), one thread": _rounded(thought.wall_s for thought in one),
                "wall clock of each (s), not bounded": _rounded(thought.wall_s for thought in unbounded),
            },
        )

    assert measured(one_thread).ratio <= THINKING_LIMIT


def test_bayesian_optimisation_s_epochs_take_as_long_as_random_search_s(
    animals: Source, folder: Path, measured: Measured
) -> None:
    # The batch size is the same for all, so that an epoch is the same work whatever is proposed.
    cell = searches.cell_of(animals, train="head", tuner="kt-bayesian", epochs_per_trial=10)

    def epochs() -> Figure:
        turns = turns_of(cell, folder / "one thread", bounded=True)
        unbounded = turns_of(cell, folder / "not bounded", bounded=False)
        paused_s = median(turn.paused_s for turn in turns)
        return Figure(
            name="an epoch of kt-bayesian over kt-random",
            # The median of the turns' ratios, times the yardstick.
            harness=median(after_a_pause(turns)) * paused_s,
            yardstick=paused_s,
            unit="s",
            limit=EPOCH_LIMIT,
            facts={
                "turns; each tuner trains ten epochs in each": len(turns),
                "its 95 % interval": interval(after_a_pause(turns)),
                "where threads aren't bounded": described(after_a_pause(unbounded)),
                "over kt-random without a pause as long": described(at_once(turns)),
                "the same where threads aren't bounded": described(at_once(unbounded)),
            },
        )

    assert measured(epochs).ratio <= EPOCH_LIMIT


def turns_of(cell: Cell, folder: Path, *, bounded: bool) -> list[Turn]:
    """Return all turns of all seeds, each seed in a process of its own."""
    return [
        turn
        for seed in SEEDS
        for turn in fresh.call(
            epochs_in_turns,
            cell.model_copy(update={"seed": seed}),
            folder / f"{seed}",
            folder.parent / "cache",
            TRIALS,
            bounded=bounded,
        )
    ]


def after_a_pause(turns: Sequence[Turn]) -> list[float]:
    return [turn.tuner_s / turn.paused_s for turn in turns]


def at_once(turns: Sequence[Turn]) -> list[float]:
    return [turn.tuner_s / turn.random_s for turn in turns]


def described(ratios: Sequence[float]) -> str:
    low, high = interval(ratios)
    return f"{median(ratios):.3f} [{low}, {high}]"


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a median: order statistics, by the normal approximation of the binomial."""
    ordered, half = sorted(ratios), 0.98 * len(ratios) ** 0.5
    low, high = round(len(ratios) / 2 - half), round(len(ratios) / 2 + half)
    return round(ordered[max(low, 0)], 3), round(ordered[min(high, len(ordered) - 1)], 3)


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 3) for value in values]
