"""What a container costs over a local process; it needs an engine and the CPU image of these sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import searches, workers
from benchmarks.perf.figures import Figure
from harness.cells import Cell
from harness.datasets.verified_sources import Source
from harness.errors import MachineError
from harness.executors import Executor, LocalExecutor, engine_connection
from harness.executors.docker import DockerExecutor
from harness.matrix_schema import Budget, Container
from harness.records import CellFolder

Measured = Callable[[Callable[[], Figure]], Figure]
Side = Callable[[Executor, Cell, Path, Path], float]

IMAGE = "tuner-harness:cpu"
OWN_COST_LIMIT_S = 1.0
START_UP_LIMIT = 1.15
OWN_COST_PAIRS, START_UP_PAIRS = 15, 7

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def contained(folder: Path) -> Iterator[DockerExecutor]:
    """The executor of `harness run --executor docker`, with nothing limited that a matrix doesn't limit."""
    made, reason = None, ""
    try:
        made = DockerExecutor.ready(
            engine_connection.connect(), reference=IMAGE, campaign=folder, container=Container()
        )
    except MachineError as error:
        reason = str(error)
    if made is None:
        pytest.skip(reason)
    yield made
    made.sweep()
    made.client.close()


def test_a_container_adds_a_second_at_most_to_a_worker(
    contained: DockerExecutor, animals: Source, folder: Path, measured: Measured
) -> None:
    def own_cost() -> Figure:
        pairs = in_turns(workers.turned_away_s, contained, animals, folder, pairs=OWN_COST_PAIRS)
        added = [container_s - local_s for container_s, local_s in pairs]
        return Figure(
            name="a container's own cost, over 1 s",
            harness=median(added),
            yardstick=OWN_COST_LIMIT_S,
            unit="s",
            limit=1.0,
            facts={"most (s)": round(max(added), 2), **both_sides(pairs)},
        )

    assert measured(own_cost).ratio <= 1.0


def test_a_worker_starts_in_a_container_little_later_than_outside(
    contained: DockerExecutor, animals: Source, folder: Path, measured: Measured
) -> None:
    def start_ups() -> Figure:
        pairs = in_turns(workers.start_up_s, contained, animals, folder, pairs=START_UP_PAIRS)
        inside, outside = zip(*pairs, strict=True)
        return Figure(
            name="start of a worker in a container over local",
            harness=median(inside),
            yardstick=median(outside),
            unit="s",
            limit=START_UP_LIMIT,
            facts=both_sides(pairs),
        )

    assert measured(start_ups).ratio <= START_UP_LIMIT


def in_turns(
    side: Side, contained: DockerExecutor, animals: Source, folder: Path, *, pairs: int
) -> list[tuple[float, float]]:
    """Return what ``side`` takes in a container and outside, in turns; the first pair reads the disk: not counted."""
    taken = []
    inside, outside = (Prepared(executor, animals, folder) for executor in (contained, LocalExecutor()))
    for turn in range(pairs + 1):
        # The one that goes first goes second the next time.
        first, second = (inside, outside) if turn % 2 == 0 else (outside, inside)
        seconds = {each.name: each.measure(side, turn) for each in (first, second)}
        taken.append((seconds[inside.name], seconds[outside.name]))
    return taken[1:]


class Prepared:
    """A cell for one executor, with what its searches share computed by it."""

    def __init__(self, executor: Executor, animals: Source, folder: Path) -> None:
        self.executor, self.name, self.path = executor, type(executor).__name__, folder / type(executor).__name__
        self.cache = self.path / "cache"
        self.cache.mkdir(parents=True)
        cell = searches.cell_of(
            animals, train="head", tuner="optuna-tpe", budget=Budget(trials=1), epochs_per_trial=1, image_size=32
        )
        identity = executor.identity()
        self.cell = cell.model_copy(update={"environment": identity.environment, "code": identity.code})
        preparation = CellFolder(self.path / "preparation")
        preparation.write_cell(self.cell)
        ended = workers.run(executor, "prepare", preparation, self.cache)
        assert ended.exit_code == 0, preparation.log.read_text("utf-8")

    def measure(self, side: Side, turn: int) -> float:
        return side(self.executor, self.cell, self.path / str(turn), self.cache)


def both_sides(pairs: list[tuple[float, float]]) -> dict[str, list[tuple[float, ...]]]:
    return {"each pair, container and local (s)": [tuple(round(side_s, 2) for side_s in pair) for pair in pairs]}
