from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import pytest

from benchmarks.perf import floor, fresh, searches
from benchmarks.perf.figures import Figure
from harness.datasets.verified_sources import Source
from harness.matrix_schema import Budget
from harness.phase_clock import THINKING, Ledger
from harness.records import CellFolder
from harness.search_types import Epoch, Proposal, Trial
from harness.space import Choice

Measured = Callable[[Callable[[], Figure]], Figure]

FLOOR_LIMIT = 1.10
WORK_LIMIT_S = 0.005
EPOCHS_PER_TRIAL = 10
MANY_TRIALS = 200


class FakeObjective:
    """Trains nothing and scores at once, better with each trial, so that all time left is the harness's own."""

    images_per_epoch = 1

    def __init__(self) -> None:
        self._trials = 0

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        self._trials += 1
        for number in range(proposal.first_epoch, proposal.last_epoch + 1):
            score = 1 - 1 / (self._trials + number)
            yield Epoch(epoch=number, val_score=score, loss=1 / number, train_s=0.0, evaluate_s=0.0)

    def test_score(self) -> float:
        return 0.5

    def keep(self, number: int) -> None:
        pass


@pytest.mark.slow
def test_a_fine_tuning_search_takes_little_more_than_its_bare_training_steps(
    animals: Source, folder: Path, measured: Measured
) -> None:
    cell = searches.cell_of(animals, train="all")

    def over_floor() -> Figure:
        harness_s, floor_s, epochs = fresh.call(floor.over_floor, cell, folder / "cell", folder / "cache")
        assert epochs == searches.EPOCHS
        facts = {"epochs on each side": epochs}
        return Figure(
            name="search over its bare training steps",
            harness=harness_s,
            yardstick=floor_s,
            unit="s",
            limit=FLOOR_LIMIT,
            facts=facts,
        )

    assert measured(over_floor).ratio <= FLOOR_LIMIT


def test_the_harness_s_own_work_for_a_trial_takes_five_milliseconds_at_most(
    animals: Source, folder: Path, measured: Measured
) -> None:
    cell = searches.cell_of(
        animals,
        train="head",
        tuner="optuna-random",
        budget=Budget(trials=MANY_TRIALS),
        epochs_per_trial=EPOCHS_PER_TRIAL,
        domains={**searches.SPACE, "batch_size": Choice(choices=(16, 32, 64), default=32)},
    )

    def own_work() -> Figure:
        records = CellFolder(folder)
        ledger = Ledger(clock=time.monotonic, started=time.monotonic())
        marks: list[float] = []

        def keep(trial: Trial) -> None:
            records.append(trial)
            marks.append(time.monotonic())

        search = searches.search_of(cell, FakeObjective(), ledger=ledger, folder=records, keep=keep)
        marks.append(time.monotonic())
        search.run()
        thinking = [sum(trial.phases.get(name, 0.0) for name in THINKING) for trial in records.trials()]
        work = [end - begin - thought for (begin, end), thought in zip(pairwise(marks), thinking, strict=True)]
        assert len(work) == MANY_TRIALS
        return Figure(
            name="own work for a trial, over 5 ms",
            harness=median(work),
            yardstick=WORK_LIMIT_S,
            unit="s",
            limit=1.0,
            facts={
                "trials": MANY_TRIALS,
                "epochs of each": EPOCHS_PER_TRIAL,
                "mean trial (ms)": round(1000 * mean(work), 3),
                "slowest trial (ms)": round(1000 * max(work), 3),
                "of it the disk (ms; the same bytes appended alone)": round(1000 * bare_append_s(folder), 3),
            },
        )

    assert measured(own_work).ratio <= 1.0


def bare_append_s(folder: Path) -> float:
    """Return the median seconds to append each of the stored lines to a file and to see it reach the disk."""
    lines = (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)
    marks = [time.monotonic()]
    for line in lines:
        with (folder / "bare").open("ab") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        marks.append(time.monotonic())
    return median(end - begin for begin, end in pairwise(marks))
