from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise, permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.campaign import scheduling
from harness.campaign.cell_searches import Searches
from harness.campaign.events import State
from harness.campaign.scheduling import in_turns, williams
from harness.campaign.worker_attempts import Bench as Place
from harness.cells import Cell
from harness.executors import WHOLE, Cause, Slot
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]

LEFT, RIGHT = Slot(cpus=(0, 1), at_once=2), Slot(cpus=(2, 3), at_once=2)
GPUS = [Slot(cpus=(number,), gpu=f"GPU-{number}", at_once=3) for number in range(3)]
LONG = ("0 1 9 0.1\n",) * 4


def searched(bench: Bench) -> list[tuple[str, Slot]]:
    return [
        (running.folder.cell().names.tuner, running.slot)
        for running in bench.executor.workers
        if running.program == "search"
    ]


@pytest.mark.parametrize("slots", [[LEFT, RIGHT], GPUS, [WHOLE]])
def test_as_many_cells_are_at_work_as_there_are_slots(
    bench: Bench, cells: list[Cell], does: type[Script], slots: list[Slot]
) -> None:
    bench.executor.will("search", *(does.succeed(progress=LONG) for _ in cells))

    assert bench.run(cells, slots=slots) == {State.OK: 3}

    assert bench.executor.most_at_work == len(slots)
    assert {slot for _, slot in searched(bench)} == set(slots)


def test_no_cells_need_no_slot_and_a_slot_may_stay_free(bench: Bench, cells: list[Cell]) -> None:
    assert bench.run([], slots=GPUS) == {}

    assert bench.run(cells[:1], slots=GPUS) == {State.OK: 1}

    assert searched(bench) == [("optuna-random", GPUS[0])]


def test_cells_begin_in_their_order_and_the_next_takes_the_slot_that_is_free_first(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("search", does.succeed(progress=LONG))

    bench.run(cells, slots=[LEFT, RIGHT])

    assert searched(bench) == [("optuna-random", LEFT), ("optuna-tpe", RIGHT), ("kt-random", RIGHT)]
    ended = [tuner for tuner, *_ in bench.watcher.heard("cell_ends")]
    assert ended == ["optuna-tpe", "kt-random", "optuna-random"]


def test_preparations_have_the_whole_machine_and_come_before_any_search(bench: Bench, cells: list[Cell]) -> None:
    other = cells[0].model_copy(update={"source": cells[0].source.changed(content_hash="b" * 64)})

    bench.run([*cells, other], slots=[LEFT, RIGHT])

    programs = [running.program for running in bench.executor.workers]
    assert programs == ["prepare", "prepare", "search", "search", "search", "search"]
    assert [running.slot for running in bench.executor.workers[:2]] == [WHOLE, WHOLE]


def test_what_is_prepared_for_several_gpus_is_prepared_on_the_first_with_all_processors(
    bench: Bench, cells: list[Cell]
) -> None:
    bench.run(cells, slots=GPUS)

    assert bench.executor.workers[0].program == "prepare"
    assert bench.executor.workers[0].slot == Slot(gpu="GPU-0")


def told(bench: Bench, cell: Cell) -> dict[str, Any]:
    record = bench.folder_of(cell).record()
    assert record is not None
    return record.document


def test_records_say_their_slot_and_are_else_what_they_are_with_one(
    bench: Bench, cells: list[Cell], tmp_path: Path
) -> None:
    two = type(bench)(tmp_path / "two")
    bench.run(cells)

    two.run(cells, slots=[LEFT, RIGHT])

    for cell, slot in zip(cells, [LEFT, RIGHT, LEFT], strict=True):
        one, side = told(bench, cell), told(two, cell)
        assert two.folder_of(cell).trials() == bench.folder_of(cell).trials()
        assert one["evidence"].pop("slot") == {"cpu_set": None, "gpu": None, "at_once": 1}
        assert side["evidence"].pop("slot") == {"cpu_set": slot.cpu_set, "gpu": None, "at_once": 2}
        assert (one["environment"]["at_once"], side["environment"]["at_once"]) == (1, 2)
        changing = ("environment", "started_at", "closing_phases", "evidence")
        assert {name: value for name, value in one.items() if name not in changing} == {
            name: value for name, value in side.items() if name not in changing
        }


def test_a_search_that_could_not_say_where_it_ran_has_its_slots_facts(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.will("search", does.be_ended(Cause.OUT_OF_MEMORY))

    bench.run([cell], slots=[LEFT, RIGHT])

    facts = told(bench, cell)["environment"]
    assert (facts["at_once"], facts["logical_cpus"], facts["cpu_set"]) == (2, 2, "0-1")


def test_a_worker_that_is_killed_does_not_disturb_the_others(
    bench: Bench, cells: list[Cell], does: type[Script], trained: Trained
) -> None:
    bench.executor.will("optuna-random", does.be_killed(trained(0, 0.2)), does.be_killed(trained(1, 0.3)))
    bench.executor.will("optuna-tpe", does.succeed(progress=LONG))

    assert bench.run(cells, slots=[LEFT, RIGHT]) == {State.MISSING: 1, State.OK: 2}

    assert not any(running.stopped for running in bench.executor.workers)
    assert [len(bench.folder_of(cell).attempts()) for cell in cells] == [2, 1, 1]
    assert [slot for tuner, slot in searched(bench) if tuner == "optuna-random"] == [LEFT, LEFT]


def test_epochs_of_cells_side_by_side_are_told_apart(bench: Bench, cells: list[Cell], does: type[Script]) -> None:
    bench.executor.will("optuna-random", does.succeed(progress=("0 1 3 0.2\n", "0 2 3 0.3\n")))
    bench.executor.will("optuna-tpe", does.succeed(progress=("0 1 3 0.7\n",)))

    bench.run(cells[:2], slots=[LEFT, RIGHT])

    heard = [(tuner, each.epochs_done, each.best_score) for tuner, each in bench.watcher.heard("cell_advances")]
    assert heard == [("optuna-random", 1, 0.2), ("optuna-tpe", 1, 0.7), ("optuna-random", 2, 0.3)]


def test_an_interrupt_stops_all_that_are_at_work_and_keeps_what_is_finished(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.run(cells[:1])
    bench.executor.will("search", does.succeed(progress=LONG), does.succeed(progress=LONG))
    bench.watcher.interrupted = True

    with pytest.raises(KeyboardInterrupt):
        bench.run(cells, slots=[LEFT, RIGHT])

    assert [running.stopped for running in bench.executor.workers[-2:]] == [True, True]
    assert bench.executor.at_work == []
    assert [bench.folder_of(cell).record() is None for cell in cells] == [False, True, True]
    for cell in cells[1:]:
        (attempt,) = bench.folder_of(cell).attempts()
        assert (attempt.told["interrupted"], attempt.told["signal"]) == (True, "SIGTERM")
    bench.watcher.interrupted = False
    assert bench.run(cells, slots=[LEFT, RIGHT]) == {State.OK: 3}


def test_a_second_interrupt_while_one_is_stopped_leaves_none_of_the_others_at_work(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("search", *(does.succeed(progress=LONG) for _ in cells))
    bench.watcher.interrupted = bench.executor.interrupts_stopping = True

    with pytest.raises(KeyboardInterrupt):
        bench.run(cells, slots=GPUS)

    assert [running.stopped for running in bench.executor.workers[-3:]] == [True, True, True]


def test_a_bug_stops_all_that_are_at_work_and_is_not_hidden(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("optuna-random", does.succeed(progress=LONG))
    bench.watcher.has_a_bug = True

    with pytest.raises(ZeroDivisionError, match="a bug"):
        bench.run(cells, slots=[LEFT, RIGHT])

    assert bench.executor.at_work == []
    assert [tuner for tuner, _ in searched(bench)] == ["optuna-random", "optuna-tpe"]
    assert [running.stopped for running in bench.executor.workers] == [False, True, False]


def test_whoever_ends_the_handing_out_lets_those_at_work_finish(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    place = Place(folder=bench.folder, executor=bench.executor, cache=bench.cache, watch=bench.watcher)
    bench.executor.will("search", does.succeed(progress=LONG))
    taken: list[str] = []

    def two_at_most() -> Any:
        for cell in cells[:2]:
            taken.append(cell.names.tuner)
            yield cell

    scheduling.run(two_at_most(), [LEFT], desk=Searches(bench=place, lost={}))

    assert taken == ["optuna-random", "optuna-tpe"]
    assert len(bench.watcher.heard("cell_ends")) == 2


def test_a_cell_is_taken_only_when_a_slot_is_free_for_it(bench: Bench, cells: list[Cell]) -> None:
    place = Place(folder=bench.folder, executor=bench.executor, cache=bench.cache, watch=bench.watcher)
    ended_before: list[int] = []

    def noting() -> Any:
        for cell in cells:
            ended_before.append(len(bench.watcher.heard("cell_ends")))
            yield cell

    scheduling.run(noting(), [replace(LEFT, at_once=1)], desk=Searches(bench=place, lost={}))

    assert ended_before == [0, 1, 2]


def named(cell: Cell, *, tuner: int, seed: int = 1, dataset: str = "animals") -> Cell:
    names = cell.names.model_copy(update={"tuner": f"tuner {tuner}", "dataset": dataset})
    return cell.model_copy(update={"names": names, "seed": seed, "source": cell.source.changed(content_hash=dataset)})


def orders(planned: list[Cell]) -> list[tuple[str, ...]]:
    """The tuners of each seed and group, in the order in which they run."""
    blocks = groupby(in_turns(planned), key=lambda cell: (cell.seed, cell.group))
    return [tuple(cell.names.tuner for cell in block) for _, block in blocks]


def pairs(order: Sequence[Any]) -> list[tuple[Any, Any]]:
    """What comes right before what."""
    return list(pairwise(order))


@pytest.mark.parametrize("size", range(1, 15))
def test_over_a_full_cycle_each_follows_each_other_and_stands_in_each_place_equally_often(size: int) -> None:
    rows = williams(size)

    times = {Counter(row[place] for row in rows)[number] for place in range(size) for number in range(size)}
    followed = Counter(pair for row in rows for pair in pairs(row))

    assert all(sorted(row) == list(range(size)) for row in rows)
    assert len(rows) == (2 * size if size % 2 else size)
    assert times == {len(rows) // size}
    assert set(followed) == set(permutations(range(size), 2))
    assert len(set(followed.values())) <= 1


@pytest.mark.parametrize("size", range(2, 15))
def test_two_rows_that_follow_each_other_cancel_a_steady_drift(size: int) -> None:
    rows = williams(size)

    for one, other in zip(rows[::2], rows[1::2], strict=True):
        assert {one.index(number) + other.index(number) for number in range(size)} == {size - 1}


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("size", range(3, 15))
def test_with_few_seeds_no_tuner_keeps_its_place_or_the_one_before_it(cell: Cell, size: int, seeds: int) -> None:
    found = orders([named(cell, tuner=tuner, seed=seed) for seed in range(seeds) for tuner in range(size)])

    most = 2 * -(-seeds // (2 * size if size % 2 else size))
    assert max(Counter(pair for order in found for pair in pairs(order)).values()) <= most
    assert max(Counter(each for order in found for each in enumerate(order)).values()) <= most
    assert len({order[0] for order in found}) == min(seeds, size)


def test_a_group_takes_every_row_over_its_seeds_and_the_next_group_goes_on_where_it_ends(cell: Cell) -> None:
    sizes = {"animals": 4, "birds": 4, "cars": 3}

    def planned(seeds: int) -> list[Cell]:
        return [
            named(cell, tuner=tuner, seed=seed, dataset=dataset)
            for seed in range(seeds)
            for dataset, size in sizes.items()
            for tuner in range(size)
        ]

    def rows(order: Sequence[str]) -> int:
        return williams(len(order)).index(tuple(int(tuner.split()[1]) for tuner in order))

    assert [rows(order) for order in orders(planned(4))[::3]] == [0, 1, 2, 3]
    assert [rows(order) for order in orders(planned(4))[2::3]] == [8 % 6, 9 % 6, 10 % 6, 11 % 6]
    assert [rows(order) for order in orders(planned(1))] == [0, 1, 2]
    assert Counter(map(str, in_turns(planned(3)))) == Counter(map(str, planned(3)))


def test_seeds_and_groups_keep_their_order_and_a_tuner_that_some_lack_is_none(cells: list[Cell]) -> None:
    planned = [each.model_copy(update={"seed": seed}) for seed in (5, 1) for each in cells]
    del planned[4]

    one, two, three = (cell.names.tuner for cell in cells)
    assert [(cell.seed, cell.names.tuner) for cell in in_turns(planned)] == [
        *((5, one), (5, two), (5, three)),
        *((1, three), (1, one)),
    ]
    assert in_turns([]) == []
