"""Workers as jobs of a real Slurm, which runs on this machine alone."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import MachineError, UserError
from harness.executors import Cause, Slot, slurm
from harness.executors.slurm import SlurmExecutor
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
    executor = slurm.create(tmp_path / "a mätrix 100 %")
    yield executor
    executor.close()


@pytest.fixture
def folder(executor: SlurmExecutor, tmp_path: Path) -> ProbeFolder:
    return ProbeFolder(executor.campaign / "cells" / "0123456789abcdef", tmp_path / "cache")


def told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class TestJobs(ExecutorContract):
    slots = (Slot(at_once=2), Slot(at_once=2))

    def create(self, campaign: Path) -> SlurmExecutor:
        return slurm.create(campaign)


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


def test_a_job_over_its_limit_of_time_says_how_to_ask_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: ProbeFolder
) -> None:
    executor = slurm.create(tmp_path / "short")
    running = folder.started(executor, asked={"waits_s": 600.0})
    folder.awaits("beat")
    running_job = getattr(running, "job", "")
    # Slurm counts limits in whole minutes, which is long to wait for.
    monkeypatch.setattr(executor.jobs, "states", {running_job: "TIMEOUT"})
    monkeypatch.setattr(executor.jobs, "answered_at", time.monotonic())
    monkeypatch.setattr(slurm, "LOOK_S", 600.0)
    ended = running.wait(1.0)
    executor.close()
    assert ended is not None
    assert "--time" in str(ended.detail)


def test_jobs_of_a_killed_run_are_ended_before_the_next_begins(tmp_path: Path, folder: ProbeFolder) -> None:
    campaign = tmp_path / "left"
    folder.started(slurm.create(campaign), asked={"waits_s": 600.0})
    folder.awaits("beat")
    slurm.create(campaign)
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
    executor = slurm.create(tmp_path)
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
        slurm.create(tmp_path)


def test_options_with_an_open_quote_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(slurm.OPTIONS, "--comment='a")
    with pytest.raises(UserError, match="No closing quotation"):
        slurm.create(tmp_path)


def test_a_host_without_slurm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="no sbatch here"):
        slurm.create(tmp_path)


def test_a_job_that_no_answer_could_list_yet_is_not_taken_for_one_that_is_gone(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch, cluster: Path
) -> None:
    for name in ("ANSWER_S", "LOOK_S", "_FILES_S"):
        monkeypatch.setattr(slurm, name, 0.1)
    running = folder.started(executor, asked={"waits_s": 2.0})
    monkeypatch.setenv("SLURM_CONF", str(cluster.with_name("none.conf")))
    assert running.wait(1.0) is None
    monkeypatch.setenv("SLURM_CONF", str(cluster))
    monkeypatch.setattr(slurm, "ANSWER_S", 20.0)
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0


def test_a_controller_that_does_not_answer_is_waited_for(
    executor: SlurmExecutor, folder: ProbeFolder, monkeypatch: pytest.MonkeyPatch, cluster: Path
) -> None:
    running = folder.started(executor, asked={"waits_s": 3.0})
    folder.awaits("beat")
    monkeypatch.setattr(slurm, "ANSWER_S", 1.0)
    monkeypatch.setenv("SLURM_CONF", str(cluster.with_name("none.conf")))
    assert running.wait(1.5) is None
    monkeypatch.setenv("SLURM_CONF", str(cluster))
    ended = running.wait(PATIENCE_S)
    assert ended is not None
    assert ended.exit_code == 0
