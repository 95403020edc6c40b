from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.campaign import scheduling
from harness.campaign.attempts import Bench as Place
from harness.campaign.scheduling import in_turns
from harness.campaign.searching import Searches
from harness.campaign.watching import State
from harness.cells import Cell
from harness.executors import WHOLE, Cause, Slot
from harness.model import Trial

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
    other = cells[0].model_copy(update={"source": {**cells[0].source, "content_hash": "b" * 64}})

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
    return asdict(record)


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

    heard = [(tuner, each.epochs_done, each.best_f1) for tuner, each in bench.watcher.heard("cell_advances")]
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
        assert (attempt["interrupted"], attempt["signal"]) == (True, "SIGTERM")
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
    place = Place(folder=bench.folder, executor=bench.executor, cache=bench.cache, watcher=bench.watcher)
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
    place = Place(folder=bench.folder, executor=bench.executor, cache=bench.cache, watcher=bench.watcher)
    ended_before: list[int] = []

    def noting() -> Any:
        for cell in cells:
            ended_before.append(len(bench.watcher.heard("cell_ends")))
            yield cell

    scheduling.run(noting(), [replace(LEFT, at_once=1)], desk=Searches(bench=place, lost={}))

    assert ended_before == [0, 1, 2]


def test_with_each_seed_another_tuner_goes_first(cells: list[Cell]) -> None:
    planned = [each.model_copy(update={"seed": seed}) for seed in (5, 1, 9, 7) for each in cells]

    order = [(cell.seed, cell.names.tuner) for cell in in_turns(planned)]

    one, two, three = (cell.names.tuner for cell in cells)
    assert order[:3] == [(5, one), (5, two), (5, three)]
    assert order[3:6] == [(1, two), (1, three), (1, one)]
    assert order[6:9] == [(9, three), (9, one), (9, two)]
    assert order[9:] == [(7, one), (7, two), (7, three)]
    assert in_turns([]) == []
