"""Workers as jobs of a real Slurm, which runs on this machine alone."""

from __future__ import annotations

import math
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from harness.errors import MachineError, UserError
from harness.executors import Cause, Running, Slot, contract, slurm, slurm_commands
from harness.executors.slurm import SlurmExecutor, SlurmRunning
from harness.testing import ExecutorContract
from harness.testing.executor_contract import PATIENCE_S, ProbeFolder
from tests.executors import slurm_cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not slurm_cluster.is_wanted(), reason="Slurm's programs are not installed"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as place, slurm_cluster.running(Path(place)) as configuration:
        yield configuration


@pytest.fixture(autouse=True)
def _on_it(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", str(cluster))


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[SlurmExecutor]:
    executor = created(tmp_path / "a mätrix 100 %")
    yield executor
    executor.close()


@pytest.fixture
def folder(executor: SlurmExecutor, tmp_path: Path) -> ProbeFolder:
    return ProbeFolder(executor.campaign / "cells" / "0123456789abcdef", tmp_path / "cache")


def told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# The probe needs nothing of what a process that forks imports first, for seconds.
created = partial(slurm.create, is_warm=False)


@contextmanager
def says(executor: SlurmExecutor, *, state: str | None = None, left_s: float = math.inf) -> Iterator[None]:
    """Let Slurm's last answer on each job have been this."""
    jobs = executor.jobs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "states", {job: state or known for job, known in jobs.states.items()})
        patch.setattr(jobs, "left_s", dict.fromkeys(jobs.states, left_s))
        patch.setattr(slurm_commands, "LOOK_S", 600.0)
        yield


def begun(executor: SlurmExecutor, folder: ProbeFolder) -> Running:
    """Return a worker that is at work, and that Slurm knows."""
    running = folder.started(executor, asked={"waits_s": 600.0})
    folder.awaits("beat")
    while not executor.jobs.states:
        executor.jobs.look()
    return running


def worked(executor: SlurmExecutor, folder: ProbeFolder) -> str:
    """Have a worker come to its end; return its job."""
    ended = folder.started(executor, asked={}).wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0, ended
    return str(ended.evidence["slurm_job"])


class TestJobs(ExecutorContract):
    slots = (Slot(at_once=2), Slot(at_once=2))

    def create(self, campaign: Path) -> SlurmExecutor:
        return created(campaign)


def test_workers_are_forked_unless_asked_otherwise(tmp_path: Path, folder: ProbeFolder) -> None:
    executor = slurm.create(tmp_path)
    worked(executor, folder)
    (job,) = executor.idle
    assert job.folder.path.name in told("pgrep", "--full", "--list-full", "harness.worker.fork_server")
    executor.close()


def test_a_job_takes_one_cell_after_another(executor: SlurmExecutor, folder: ProbeFolder) -> None:
    assert worked(executor, folder) == worked(executor, folder) == worked(executor, folder)


def test_a_job_that_waits_for_a_cell_ends_with_the_run_as_one_that_went_well(
    executor: SlurmExecutor, folder: ProbeFolder
) -> None:
    job = worked(executor, folder)
    executor.close()
    assert "JobState=COMPLETED" in told("scontrol", "show", "job", job)


def test_a_job_that_is_asked_for_nothing_any_more_ends_by_itself(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "IDLE_S", 0.5)
    job = worked(executor, folder)
    until = time.monotonic() + PATIENCE_S
    while "JobState=COMPLETED" not in told("scontrol", "show", "job", job):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert worked(executor, folder) != job


def test_a_cell_whose_job_was_ended_between_cells_begins_in_another(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = worked(executor, folder)
    executor.jobs.ask()
    told("scancel", job)
    until = time.monotonic() + PATIENCE_S
    while job in told("squeue", "--noheader", "--format=%A"):
        assert time.monotonic() < until
        time.sleep(0.1)
    # Slurm's last answer was that the job is at work.
    with says(executor):
        running = folder.started(executor, asked={})
    assert isinstance(running, SlurmRunning)
    assert running.job.id == job
    monkeypatch.setattr(slurm, "FILES_S", 0.1)
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0, ended
    assert ended.evidence["slurm_job"] != job


@pytest.mark.parametrize(("left_s", "is_enough"), [(151.0, True), (149.0, False)])
def test_a_job_without_time_for_another_cell_is_not_given_one(
    executor: SlurmExecutor, folder: ProbeFolder, *, left_s: float, is_enough: bool
) -> None:
    job = worked(executor, folder)
    executor.idle[0].longest_s = 100.0
    # Not by a look, which may be too soon after the last: that answer has no word of the job.
    executor.jobs.ask()
    with says(executor, left_s=left_s):
        running = folder.started(executor, asked={"waits_s": 600.0})
    assert isinstance(running, SlurmRunning)
    running.stop()
    assert (running.job.id == job) == is_enough


def test_a_preempted_job_is_nobodys_failure(executor: SlurmExecutor, folder: ProbeFolder) -> None:
    running = begun(executor, folder)
    # A fake answer: this one-machine cluster preempts nothing.
    with says(executor, state="PREEMPTED"):
        ended = running.wait(1.0)
    assert ended is not None
    assert ended.cause is Cause.PREEMPTED


@pytest.mark.parametrize(
    ("options", "max_hours", "limit"),
    [("", 0.5, "TimeLimit=00:31:00"), ("--time=7", 0.5, "TimeLimit=00:07:00"), ("", None, "TimeLimit=UNLIMITED")],
)
def test_jobs_of_a_run_that_has_so_many_hours_ask_for_no_more(
    monkeypatch: pytest.MonkeyPatch, folder: ProbeFolder, options: str, max_hours: float | None, limit: str
) -> None:
    monkeypatch.setenv(slurm.OPTIONS, options)
    executor = created(folder.path, max_hours=max_hours)
    running = folder.started(executor, asked={"waits_s": 600.0})
    assert isinstance(running, SlurmRunning)
    said = told("scontrol", "show", "job", running.job.id)
    running.stop()
    executor.close()
    assert limit in said


def test_a_cluster_that_gives_no_such_hours_gives_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess(["sbatch"], 1, "", "Requested time limit is invalid")
    answered = slurm_commands.answered

    def fake(command: Sequence[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return refused if "--time=61" in command else answered(command, stdin=stdin)

    monkeypatch.setattr(slurm_commands, "answered", fake)
    assert list(created(tmp_path, max_hours=1.0).options) == []


def test_workers_know_what_they_must_where_the_cluster_clears_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: ProbeFolder
) -> None:
    monkeypatch.setenv(slurm.OPTIONS, "--export=NONE")
    monkeypatch.setattr(contract, "SETTINGS", {"PYTHONHASHSEED": "a seed that isn't one"})
    executor = created(tmp_path)
    running = folder.started(executor, asked={})
    ended = running.wait(PATIENCE_S)
    (log,) = tmp_path.rglob("job.log")
    said = log.read_text("utf-8")
    executor.close()
    assert ended is not None
    # Python's own last word, which names a setting that it would not have had.
    assert "PYTHONHASHSEED" in said
    assert "Python runtime state" in str(ended.detail)


def test_seconds_in_the_queue_are_no_part_of_a_workers(executor: SlurmExecutor, folder: ProbeFolder) -> None:
    running = folder.started(executor, asked={"waits_s": 0.5})
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert float(str(ended.evidence["queued_s"])) >= 0.0
    lived_s = folder.said()["lived_s"]
    assert isinstance(lived_s, float)
    assert lived_s <= ended.wall_s + 0.03
    assert ended.evidence["slurm_job"].isdecimal()


def test_a_job_that_is_cancelled_from_outside_is_the_machines_trouble(
    executor: SlurmExecutor, folder: ProbeFolder
) -> None:
    running = folder.started(executor, asked={"waits_s": 600.0})
    folder.awaits("beat")
    told("scancel", f"--name={executor.jobs.name}")
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert (ended.cause, ended.exit_code) == (Cause.KILLED, None)
    assert "ended as CANCELLED" in str(ended.detail)


def test_a_job_over_its_limit_of_time_says_how_to_ask_for_more(executor: SlurmExecutor, folder: ProbeFolder) -> None:
    running = begun(executor, folder)
    # Slurm counts limits in whole minutes, which is long to wait for.
    with says(executor, state="TIMEOUT"):
        ended = running.wait(1.0)
    assert ended is not None
    assert "--time" in str(ended.detail)


def test_jobs_of_a_killed_run_are_ended_before_the_next_begins(tmp_path: Path, folder: ProbeFolder) -> None:
    campaign = tmp_path / "left"
    folder.started(created(campaign), asked={"waits_s": 600.0})
    folder.awaits("beat")
    created(campaign)
    left = folder.beats()
    time.sleep(0.5)
    assert folder.beats() == left


def test_a_job_that_slurm_refuses_has_ended_with_what_it_said(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "nowhere")
    ended = folder.started(executor, asked={}).wait(0.0)
    assert ended is not None
    assert ended.cause is Cause.KILLED
    assert "invalid partition specified: nowhere" in str(ended.detail)


def test_options_reach_every_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: ProbeFolder) -> None:
    monkeypatch.setenv(slurm.OPTIONS, "--comment='two words' --nice=7")
    executor = created(tmp_path)
    running = folder.started(executor, asked={"waits_s": 600.0})
    said = told("scontrol", "show", "job")
    running.stop()
    assert "Comment=two words" in said
    assert "Nice=7" in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [("--partition=nowhere", "invalid partition"), ("--no-such", "no-such"), ("--mem=900G", "not available")],
)
def test_options_that_the_cluster_refuses_are_said_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, complaint: str
) -> None:
    monkeypatch.setenv(slurm.OPTIONS, options)
    with pytest.raises(MachineError, match=complaint):
        created(tmp_path)


def test_options_with_an_open_quote_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(slurm.OPTIONS, "--comment='a")
    with pytest.raises(UserError, match="No closing quotation"):
        created(tmp_path)


def test_a_host_without_slurm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="no sbatch here"):
        created(tmp_path)


def test_a_job_that_no_answer_could_list_yet_is_not_taken_for_one_that_is_gone(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch, cluster: Path
) -> None:
    monkeypatch.setattr(slurm, "FILES_S", 0.1)
    for name in ("ANSWER_S", "LOOK_S"):
        monkeypatch.setattr(slurm_commands, name, 0.1)
    running = folder.started(executor, asked={"waits_s": 2.0})
    monkeypatch.setenv("SLURM_CONF", str(cluster.with_name("none.conf")))
    assert running.wait(1.0) is None
    monkeypatch.setenv("SLURM_CONF", str(cluster))
    monkeypatch.setattr(slurm_commands, "ANSWER_S", 20.0)
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0


def test_a_controller_that_does_not_answer_is_waited_for(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch, cluster: Path
) -> None:
    running = folder.started(executor, asked={"waits_s": 3.0})
    folder.awaits("beat")
    monkeypatch.setattr(slurm_commands, "ANSWER_S", 1.0)
    monkeypatch.setenv("SLURM_CONF", str(cluster.with_name("none.conf")))
    assert running.wait(1.5) is None
    monkeypatch.setenv("SLURM_CONF", str(cluster))
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0
