from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.cache_inventory import key_of
from harness.campaign import gpu_metering
from harness.campaign.events import State
from harness.campaign.run_time_allowance import STOPPING_S, Allowance
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.executors import Cause, Slot
from harness.matrix_schema import Budget
from harness.meters import nvml
from harness.meters.gpu_meter import GpuMeter
from harness.records import CellFolder
from harness.search_types import Outcome, Trial
from tests.meters.fake_nvml import FakeDevice, FakeNvml

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]


def test_no_cells_are_run_in_no_time(bench: Bench) -> None:
    assert bench.run([]) == {}
    assert bench.executor.started == []


def test_every_cell_is_prepared_for_then_searched_and_sealed(bench: Bench, cells: list[Cell]) -> None:
    assert bench.run(cells) == {State.OK: 3}

    assert bench.executor.started[0][0] == "prepare"
    assert bench.searches == ["optuna-random", "optuna-tpe", "kt-random"]
    for cell in cells:
        record = bench.folder_of(cell).record()
        assert record is not None
        assert (record.status, record.ended, record.trials, record.attempts) == ("completed", "budget: epochs", 1, 1)
        assert Cell.model_validate(record.cell.told) == cell.published


def test_a_record_holds_what_was_read_of_the_gpu_or_why_nothing_was(
    bench: Bench, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = FakeDevice(uuid="GPU-1")
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(gpu)))

    bench.run([cell], slots=(Slot(gpu="GPU-1"),))

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.evidence.told["gpu"]["device_uuid"] == "GPU-1"
    assert record.evidence.told["gpu"]["idle_power_w"]["value"] == 52.5
    assert record.evidence.told["gpu"]["energy_j"]["value"] is None
    assert "too short" in record.evidence.told["gpu"]["energy_j"]["reason"]
    assert all(
        attempt.told["evidence"]["gpu"]["device_uuid"] == "GPU-1" for attempt in bench.folder_of(cell).attempts()
    )


def test_an_interrupted_attempt_keeps_what_was_read_of_the_gpu(
    bench: Bench, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(FakeDevice(uuid="GPU-1"))))
    bench.executor.interrupts_at = 0

    with pytest.raises(KeyboardInterrupt):
        bench.run([cell], slots=(Slot(gpu="GPU-1"),))

    (attempt,) = bench.folder.preparation(key_of(cell)).attempts()
    assert attempt.told["interrupted"]
    assert attempt.told["evidence"]["gpu"]["device_uuid"] == "GPU-1"


def test_the_gpu_is_sampled_while_the_worker_works(
    bench: Bench, cell: Cell, does: type[Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = nvml.find_through(FakeNvml(FakeDevice())).gpus[0]
    monkeypatch.setattr(gpu_metering, "meter_for", lambda *_: GpuMeter(gpu, clock=itertools.count(0.0, 0.5).__next__))
    bench.executor.will("search", does.succeed(progress=("0 1 2 0.5\n", "0 2 2 0.5\n", "1 1 2 0.5\n")))

    bench.run([cell])

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.evidence.told["gpu"]["samples"] == 3
    assert record.evidence.told["gpu"]["utilisation"]["value"] == 0.5


def test_the_phases_of_a_record_sum_to_its_wall_clock(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    bench.executor.will("search", does.succeed(trained(0, 0.2, 0.3), trained(1, 0.4)))

    bench.run([cell])

    folder = bench.folder_of(cell)
    record = folder.record()
    assert record is not None
    booked = [record.setup_phases, record.closing_phases, *(trial.phases for trial in folder.trials())]
    assert record.closing_phases["shutdown"] > 0
    assert sum(sum(phases.values()) for phases in booked) == pytest.approx(record.wall_s, rel=1e-12)


def test_what_only_a_running_search_needs_is_gone_once_it_is_sealed(bench: Bench, cell: Cell) -> None:
    bench.run([cell])

    left = {path.name for path in bench.folder_of(cell).path.iterdir()}
    assert left == {"cell.json", "trials.jsonl", "record.json", "attempts.jsonl", "worker.log"}


def test_what_a_kill_left_beside_a_sealed_record_is_swept_at_the_next_run(bench: Bench, cell: Cell) -> None:
    bench.run([cell])
    folder = bench.folder_of(cell)
    folder.checkpoints.mkdir()
    (folder.checkpoints / "trial-00000.npz").write_bytes(b"much")
    folder.write_outcome({"status": "completed"})
    (folder.path / ".record.json.1234.0123abcd").write_bytes(b"{")
    (folder.path / ".gitignore").write_bytes(b"mine")

    bench.run([cell])

    assert [path.name for path in folder.path.glob(".*")] == [".gitignore"]
    assert not folder.checkpoints.exists()
    assert folder.outcome() is None
    assert bench.searches == ["optuna-random"]


def test_finished_cells_are_skipped_and_missing_ones_run(bench: Bench, cells: list[Cell]) -> None:
    bench.run(cells[:2])
    before = [(bench.folder_of(cell).path / "record.json").read_bytes() for cell in cells[:2]]

    assert bench.run(cells) == {State.OK: 3}

    assert bench.searches == [cell.names.tuner for cell in cells]
    assert bench.watcher.heard("begins") == [(2, 0), (3, 2)]
    assert before == [(bench.folder_of(cell).path / "record.json").read_bytes() for cell in cells[:2]]


def test_failed_cells_are_results_and_not_run_again(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("search", does.fail("crash: ZeroDivisionError: x (search.py:1)"))

    assert bench.run([cell]) == {State.FAILED: 1}
    assert bench.run([cell]) == {State.FAILED: 1}

    assert bench.searches == ["optuna-random"]
    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.reason == "crash: ZeroDivisionError: x (search.py:1)"


def test_the_machines_trouble_is_tried_once_more(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("search", does.have_trouble())

    assert bench.run([cell]) == {State.OK: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.attempts == 2
    assert [attempt.told["exit_code"] for attempt in bench.folder_of(cell).attempts()] == [75, 0]


def test_the_machines_trouble_twice_leaves_the_cell_missing_with_its_reason(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("optuna-tpe", does.have_trouble("first\n"), does.have_trouble("all is lost\n"))

    assert bench.run(cells) == {State.OK: 2, State.MISSING: 1}

    folder = bench.folder_of(cells[1])
    assert folder.record() is None
    assert [attempt.reason for attempt in folder.attempts()] == ["exit code 75: first", "exit code 75: all is lost"]
    assert bench.watcher.heard("cell_ends")[1][1:3] == (State.MISSING, "exit code 75: all is lost")


def test_a_missing_cell_is_run_at_the_next_campaign(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("search", does.have_trouble(), does.have_trouble())
    bench.run([cell])

    assert bench.run([cell]) == {State.OK: 1}


def test_a_worker_killed_once_goes_on_from_its_trials(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    bench.executor.will("search", does.be_killed(trained(0, 0.2)), does.succeed(trained(1, 0.4)))

    assert bench.run([cell]) == {State.OK: 1}

    folder = bench.folder_of(cell)
    assert [trial.number for trial in folder.trials()] == [0, 1]
    assert folder.attempts()[0].reason == "killed by SIGKILL"


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.is_trouble])
def test_trouble_that_an_executor_saw_is_tried_once_more(
    bench: Bench, cell: Cell, does: type[Script], cause: Cause
) -> None:
    bench.executor.will("search", does.be_ended(cause))

    assert bench.run([cell]) == {State.OK: 1}

    assert bench.folder_of(cell).attempts()[0].reason == f"{cause}: seen from outside"


def test_a_worker_goes_on_however_often_others_had_a_right_to_its_machine(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    preempted = [does.be_ended(Cause.PREEMPTED, trained(number, 0.2)) for number in range(5)]
    bench.executor.will("search", *preempted, does.succeed(trained(5, 0.4)))

    assert bench.run([cell]) == {State.OK: 1}

    assert [trial.number for trial in bench.folder_of(cell).trials()] == [0, 1, 2, 3, 4, 5]
    assert len(bench.folder_of(cell).attempts()) == 6


@pytest.mark.parametrize("cause", [Cause.OUT_OF_MEMORY, Cause.DEADLINE])
def test_a_search_that_met_its_declared_limit_is_a_failed_one_with_the_evidence(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained, cause: Cause
) -> None:
    bench.executor.will("search", does.be_ended(cause, trained(0, 0.2)))

    assert bench.run([cell]) == {State.FAILED: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert (record.reason, record.trials, record.attempts) == (f"{cause}: seen from outside", 1, 1)
    assert record.evidence.told["cause"] == cause
    assert record.evidence.told["oom_killed"] is (cause is Cause.OUT_OF_MEMORY)


def test_an_outcome_that_can_not_be_read_is_the_disks_trouble(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("search", does(torn=True))

    assert bench.run([cell]) == {State.OK: 1}

    first, second = bench.folder_of(cell).attempts()
    assert first.told["cause"] == "unreadable outcome"
    assert "outcome.json: not JSON" in str(first.reason)
    assert second.reason is None


def test_an_outcome_that_can_never_be_read_leaves_the_cell_missing(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.will("search", does(torn=True), does(torn=True))

    assert bench.run([cell]) == {State.MISSING: 1}


@pytest.mark.parametrize("name", ["trials.jsonl", "attempts.jsonl"])
def test_a_line_that_the_disk_damaged_leaves_its_cell_missing_with_the_way_out_and_the_others_run(
    bench: Bench, cells: list[Cell], does: type[Script], trained: Trained, name: str
) -> None:
    bench.executor.will("optuna-tpe", does.be_killed(trained(0, 0.2)), does.be_killed(trained(1, 0.3)))
    bench.run(cells[:2])
    path = bench.folder_of(cells[1]).path / name
    path.write_bytes(b"\0\xff\n" + path.read_bytes())
    script = does.fail("the worker can't read it either")
    bench.executor.will("optuna-tpe", script, script, does.succeed(trained(2, 0.4)), script)

    for _ in range(2):
        assert bench.run(cells) == {State.OK: 2, State.MISSING: 1}

    reason = bench.watcher.heard("cell_ends")[-1][2]
    assert reason.startswith(f"unreadable outcome: {path}: line 1 can't be read (")
    assert reason.endswith("; move its folder away and run the matrix again")
    path.parent.rename(path.parents[2] / "away")
    assert bench.run(cells) == {State.OK: 3}


def test_a_worker_that_is_always_killed_leaves_its_trials_for_later(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    bench.executor.will("search", does.be_killed(trained(0, 0.2)), does.be_killed())

    assert bench.run([cell]) == {State.MISSING: 1}

    ((_, *how, _),) = bench.watcher.heard("cell_ends")
    assert how == [State.MISSING, "killed by SIGKILL", 0.2]
    folder = bench.folder_of(cell)
    assert folder.checkpoints.exists()
    assert len(folder.trials()) == 1


def test_a_search_killed_along_with_its_host_counts_as_another_process(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    folder = bench.folder_of(cell)
    folder.write_cell(cell)
    folder.append(trained(0, 0.2))
    resumed = {"status": "completed", "setup_phases": {"startup": 1.0, "replay": 0.1}}
    bench.executor.will("search", does.succeed(trained(1, 0.4), outcome=resumed))

    bench.run([cell])

    record = folder.record()
    assert record is not None
    assert len(folder.attempts()) == 1
    assert record.attempts == 2


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_worker_that_ends_without_a_word_is_a_failed_search_with_the_logs_last_line(
    bench: Bench, cell: Cell, does: type[Script], code: int
) -> None:
    log = "Traceback …\nModuleNotFoundError: No module named 'keras'\n"
    bench.executor.will("search", does.say_nothing(exit_code=code, log=log))

    assert bench.run([cell]) == {State.FAILED: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.reason == f"exit code {code}: ModuleNotFoundError: No module named 'keras'"
    assert record.peak_memory_bytes.told["value"] is None
    assert record.evidence.told["log"][-1] == "ModuleNotFoundError: No module named 'keras'"


def test_a_log_of_any_bytes_is_survived(bench: Bench, cell: Cell, does: type[Script]) -> None:
    folder = bench.folder_of(cell)
    folder.path.mkdir(parents=True)
    folder.log.write_bytes(b"\xff\xfe\x00" + b"x" * 10_000)
    bench.executor.will("search", does.say_nothing(exit_code=1))

    bench.run([cell])

    record = folder.record()
    assert record is not None
    assert record.reason is not None
    assert len(record.reason) < 600


def test_a_search_without_a_single_score_is_a_failed_one_that_counts_its_outcomes(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    nothing = [
        trained(0, outcome=Outcome.OUT_OF_MEMORY, reason="the device is full"),
        trained(1, outcome=Outcome.DIVERGED, reason="the loss became nan"),
        trained(2, outcome=Outcome.DIVERGED, reason="the loss became inf"),
    ]
    bench.executor.will("search", does.succeed(*nothing))

    assert bench.run([cell]) == {State.FAILED: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.reason == "no trial had a score: 1 out_of_memory, 2 diverged (the device is full)"


def test_a_search_that_its_seconds_ended_before_any_score_names_them(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    short = cell.model_copy(update={"budget": Budget(wall_s=0.25)})
    ended = {"status": "completed", "ended": "budget: wall_s"}
    bench.executor.will("search", does.succeed(trained(0, outcome=Outcome.CUT), outcome=ended))

    assert bench.run([short]) == {State.FAILED: 1}

    record = bench.folder_of(short).record()
    assert record is not None
    assert str(record.reason).endswith("; budget.wall_s = 0.25 ended the search: raise it")


def test_a_search_without_any_trial_is_a_failed_one(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("search", does.succeed(trials=()))

    assert bench.run([cell]) == {State.FAILED: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.reason == ("no trial had a score: no trial was run; budget.epochs = 6 ended the search: raise it")


def test_one_score_is_enough(bench: Bench, cell: Cell, does: type[Script], trained: Trained) -> None:
    broken = trained(0, outcome=Outcome.FAILED, reason="no such kernel")
    bench.executor.will("search", does.succeed(broken, trained(1, 0.0)))

    assert bench.run([cell]) == {State.OK: 1}
    assert bench.watcher.heard("cell_ends")[0][3] == 0.0


@pytest.mark.parametrize(
    ("name", "state"), [("SIGSEGV", State.FAILED), ("SIGABRT", State.FAILED), ("SIGKILL", State.MISSING)]
)
def test_a_crash_is_the_searchs_own_end_and_a_kill_is_not(
    bench: Bench, cell: Cell, does: type[Script], name: str, state: State
) -> None:
    bench.executor.will("search", does.be_killed(by=name), does.be_killed(by=name))

    assert bench.run([cell]) == {state: 1}


def test_two_names_for_the_same_bytes_are_one_search(bench: Bench, cell: Cell) -> None:
    names = cell.names.model_copy(update={"dataset": "the same digits"})
    twin = cell.model_copy(update={"names": names, "source": cell.source.changed(paths=["/elsewhere"])})

    assert bench.run([cell, twin]) == {State.OK: 1}
    assert bench.searches == ["optuna-random"]


def test_whoever_watches_is_told_of_every_epoch(bench: Bench, cell: Cell, does: type[Script], trained: Trained) -> None:
    script = does.succeed(trained(0, 0.2, 0.1), progress=("0 1 2 0.2\n", "0 2 ", "2 0.1\n"))
    bench.executor.will("search", script)

    bench.run([cell])

    heard = [progress for _, progress in bench.watcher.heard("cell_advances")]
    assert [(each.epoch, each.epochs_done, each.best_score) for each in heard] == [(1, 1, 0.2), (2, 2, 0.2)]


def test_progress_of_an_earlier_process_is_not_taken_for_this_ones(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    folder = bench.folder_of(cell)
    folder.path.mkdir(parents=True)
    folder.progress.write_text("0 1 3 0.9\n0 2 3 0.9\n0 3 3 0.9\n")
    bench.executor.will("search", does.succeed(progress=("0 1 3 0.1\n",)))

    bench.run([cell])

    ((_, progress),) = bench.watcher.heard("cell_advances")
    assert (progress.epochs_done, progress.best_score) == (1, 0.1)


@pytest.mark.parametrize("where", ["watcher", "wait"])
def test_an_interrupt_stops_the_worker_and_keeps_all_that_is_finished(
    bench: Bench, cells: list[Cell], does: type[Script], where: str
) -> None:
    bench.run(cells[:1])
    bench.executor.will("search", does.succeed(progress=("0 1 3 0.2\n",)))
    bench.watcher.interrupted = where == "watcher"
    bench.executor.interrupts_at = 0 if where == "wait" else None

    with pytest.raises(KeyboardInterrupt):
        bench.run(cells)

    assert bench.executor.workers[-1].stopped
    assert [bench.folder_of(cell).record() is None for cell in cells] == [False, True, True]
    (attempt,) = bench.folder_of(cells[1]).attempts()
    assert (attempt.told["interrupted"], attempt.told["signal"]) == (True, "SIGTERM")


def test_an_interrupted_campaign_goes_on_where_it_was(bench: Bench, cells: list[Cell]) -> None:
    bench.executor.interrupts_at = 0
    with pytest.raises(KeyboardInterrupt):
        bench.run(cells)
    bench.executor.interrupts_at = None

    assert bench.run(cells) == {State.OK: 3}


def contents(folder: CellFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", ["record.json", "trials.jsonl", "cell.json"])
@pytest.mark.parametrize("retry_failed", [False, True])
def test_a_finished_search_that_is_damaged_is_missing_and_left_as_it_is_and_the_others_run(
    bench: Bench, cells: list[Cell], name: str, *, retry_failed: bool
) -> None:
    bench.run(cells[:1])
    folder = bench.folder_of(cells[0])
    (folder.path / name).write_bytes(b"{\n")
    before = contents(folder)
    bench.watcher.told.clear()
    called = cells[0].model_copy(update={"names": cells[0].names.model_copy(update={"dataset": "by another name"})})

    states = bench.run([called, *cells[1:]], retry_failed=retry_failed)

    assert states == {State.MISSING: 1, State.OK: 2}
    assert contents(folder) == before
    assert len(bench.searches) == 3
    told = bench.watcher.told
    assert told[0] == ("begins", 3, 0)
    kind, _, state, reason, *_ = told[1]
    assert (kind, state) == ("cell_ends", State.MISSING)
    assert reason.startswith(f"{folder.path / name}: ")
    assert reason.endswith("away and run the matrix again")


def test_what_is_at_work_when_the_allowance_ends_is_stopped_and_nothing_more_begins(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    ticks = itertools.count()
    allowance = Allowance(limit_s=STOPPING_S + 20, began=0.0, clock=lambda: float(next(ticks)))
    bench.executor.will("search", does.succeed(progress=("0 1 3 0.5\n",) * 100))
    runner = Runner(
        folder=bench.folder, executor=bench.executor, cache=bench.cache, watch=bench.watcher, allowance=allowance
    )

    states = runner.run(cells, retry_failed=False)

    assert states == {State.LEFT: 3}
    assert len(bench.searches) == 1
    (attempt,) = [each for each in bench.folder_of(cells[0]).attempts() if each.program == "search"]
    assert attempt.told["interrupted"]


def test_a_cell_that_is_forecast_not_to_fit_ends_the_run_though_shorter_ones_follow(
    bench: Bench, cells: list[Cell]
) -> None:
    allowance = Allowance(limit_s=STOPPING_S + 100, began=0.0, clock=lambda: 0.0)
    forecast = {cells[0].id: 90.0, cells[1].id: 110.0, cells[2].id: 1.0}
    runner = Runner(
        folder=bench.folder,
        executor=bench.executor,
        cache=bench.cache,
        watch=bench.watcher,
        allowance=allowance,
        forecast_s=lambda cell: forecast[cell.id],
    )

    assert runner.run(cells, retry_failed=False) == {State.OK: 1, State.LEFT: 2}
    assert bench.searches == ["optuna-random"]


def test_what_the_machine_lost_before_the_allowance_ended_is_missing_and_only_the_rest_is_left(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("search", does.have_trouble(), does.have_trouble())
    spent = Allowance(limit_s=STOPPING_S + 1, began=0.0, clock=lambda: 2.0 * len(bench.watcher.heard("cell_ends")))
    runner = Runner(
        folder=bench.folder, executor=bench.executor, cache=bench.cache, watch=bench.watcher, allowance=spent
    )

    assert runner.run(cells[:1], retry_failed=False) == {State.MISSING: 1}
    assert runner.run(cells, retry_failed=False) == {State.LEFT: 3}
