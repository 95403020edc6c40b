"""Workers in jobs of Slurm, on nodes that see this machine's files under the same paths."""

from __future__ import annotations

import hashlib
import math
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from harness import environment
from harness.environment import Identity
from harness.errors import MachineError, UserError
from harness.executors import slurm_commands
from harness.executors.contract import Cause, Devices, Ended, Refused, Running, ended_by, settings_elsewhere
from harness.executors.job_folder import JobFolder, WorkerRequest
from harness.executors.slots import WHOLE, Slot
from harness.executors.slurm_commands import Jobs

OPTIONS = "HARNESS_SBATCH"
"""The environment variable with options of ``sbatch`` for every job."""
ENDING_S = 60.0
"""Seconds that a job may take to end once it is cancelled."""
FILES_S = 5.0
"""Seconds in which a file that a node has written shows on this machine, too."""
IDLE_S = 120.0
"""Seconds that a job waits for another cell; longer than a network file system may take to show that there is one."""
LEAVING_S = 5.0
"""Seconds that a job which waits for a cell may take to end once it is told that there is none."""
_WAIT_S = 0.05
_LOG = "job.log"

_PROGRAMS = ("sbatch", "squeue", "scancel")
_REMEDIES = {
    "TIMEOUT": "its limit of time was over; ask for more by --time",
    "OUT_OF_MEMORY": "it used more memory than it had; ask for more by --mem",
}
# Where the cluster clears the environment (``--export=NONE``) the worker is told as well.
_SCRIPT = """#!/bin/bash
{settings}
exec {command}
"""


@dataclass(slots=True, kw_only=True)
class Job:
    """A job that takes cell after cell: how many it was asked for, and the seconds of the longest."""

    id: str
    folder: JobFolder
    submitted: float = field(default_factory=time.monotonic)
    asked: int = 1
    longest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmExecutor:
    """Starts workers in jobs, each of which takes one cell after another, under the options that the user gives.

    Jobs are named after the folder of the matrix, so that those a killed run left are found. Slurm starts none of them
    a second time by itself: the harness does, and counts it.
    """

    campaign: Path
    jobs: Jobs
    options: Sequence[str] = ()
    needs_gpu: bool = False
    is_warm: bool = True
    idle: list[Job] = field(default_factory=list)

    name: ClassVar[str] = "slurm"
    devices: ClassVar[Devices] = Devices.ELSEWHERE

    def identity(self) -> Identity:
        """Return what this Python is, as the nodes have it too: its packages and the harness's sources."""
        return environment.identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE) -> Running:
        """Have a job run the worker's ``program`` on a cell folder; its output goes to ``log``.

        A job that has nothing to do takes it; where there is none, one is submitted.
        """
        paths = {"folder": str(folder.absolute()), "cache": str(cache.absolute()), "log": str(log.absolute())}
        asked = WorkerRequest(program=program, at_once=slot.at_once, **paths)
        log.touch()
        job = self._reused(asked) or self.submitted(asked)
        return job if isinstance(job, Refused) else SlurmRunning(executor=self, asked=asked, job=job)

    def submitted(self, asked: WorkerRequest) -> Job | Refused:
        """Return a new job that begins with this."""
        folder = JobFolder(self._folder / os.urandom(8).hex())
        folder.path.mkdir(parents=True)
        folder.ask(0, asked)
        told = self._submitted(folder.path)
        if told.returncode:
            why = slurm_commands.complaint(told)
            return Refused(ended=Ended(exit_code=None, signal=None, wall_s=0.0, cause=Cause.KILLED, detail=why))
        return Job(id=told.stdout.strip().partition(";")[0], folder=folder)

    def close(self) -> None:
        """End the jobs of this folder that are left: an earlier run's where that was killed."""
        for job in self.idle:
            job.folder.close()
        self._await_ends(LEAVING_S if self.idle else 0.0)
        self.idle.clear()
        left = self.jobs.at_work()
        if left:
            slurm_commands.answered(["scancel", *left])
        self._await_ends(ENDING_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.campaign.absolute() / ".slurm"

    def _reused(self, asked: WorkerRequest) -> Job | None:
        """Return a job that has taken this on; those that can't are left alone, and end."""
        self.jobs.look()
        while self.idle:
            job = self.idle.pop()
            if self._has_room(job) and job.folder.ask(job.asked, asked):
                job.asked += 1
                return job
            job.folder.close()
        return None

    def _has_room(self, job: Job) -> bool:
        """Whether a job is there, and has time for a cell that takes half as long again as its longest so far."""
        if self.jobs.has_ended(job.id, submitted=job.submitted):
            return False
        return self.jobs.left_s.get(job.id, math.inf) > 1.5 * job.longest_s

    def _await_ends(self, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        # A job that was submitted just now isn't known from the last answer.
        self.jobs.ask()
        while self.jobs.at_work() and time.monotonic() < until:
            time.sleep(_WAIT_S)
            self.jobs.look()

    def _submitted(self, folder: Path) -> subprocess.CompletedProcess[str]:
        start = "warm" if self.is_warm else "fresh"
        command = [sys.executable, "-m", "harness.worker.cell_queue", str(folder), start, str(IDLE_S)]
        told = settings_elsewhere(needs_gpu=self.needs_gpu)
        settings = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in told.items())
        given = [f"--output={_literal(folder / _LOG)}", "--no-requeue", f"--job-name={self.jobs.name}"]
        script = _SCRIPT.format(settings=settings, command=shlex.join(command))
        return slurm_commands.answered(["sbatch", "--parsable", *self.options, *given], stdin=script)


@dataclass(slots=True, kw_only=True)
class SlurmRunning:
    """A worker that waits for its job's node, or is at work there."""

    executor: SlurmExecutor
    asked: WorkerRequest
    job: Job
    began: float = field(default_factory=time.monotonic)
    ended: Ended | None = None
    _number: int = field(init=False)
    _over_since: float | None = None

    def __post_init__(self) -> None:
        """Note which of its job's workers it is."""
        self._number = self.job.asked - 1

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still waits or runs."""
        until = time.monotonic() + timeout_s
        while self.ended is None:
            self.ended = self._looked()
            left_s = until - time.monotonic()
            if self.ended is not None or left_s <= 0:
                break
            time.sleep(min(_WAIT_S, left_s))
        return self.ended

    def stop(self) -> Ended:
        """Cancel the job, which ends all that it started."""
        if self.wait(0.0) is None:
            self.job.folder.withdraw(self._number)
            slurm_commands.answered(["scancel", self.job.id])
        self.ended = self.wait(ENDING_S) or self._killed(f"didn't end in {ENDING_S:g} s after scancel")
        return self.ended

    def _looked(self) -> Ended | None:
        told = self.job.folder.end(self._number)
        if told is not None:
            return self._told(*told)
        jobs = self.executor.jobs
        jobs.look()
        if not jobs.has_ended(self.job.id, submitted=self.job.submitted):
            return None
        state = jobs.states.get(self.job.id)
        # What the node wrote last may be on its way here yet.
        self._over_since = self._over_since or time.monotonic()
        if time.monotonic() - self._over_since < (0.0 if _is_forced(state) else FILES_S):
            return None
        return self._moved() if self._was_never_begun() else self._unsaid(state)

    def _was_never_begun(self) -> bool:
        """Whether the job did other cells and ended before this one, which is nobody's failure."""
        return self._number > 0 and self.job.folder.withdraw(self._number)

    def _moved(self) -> Ended | None:
        """Have a new job begin with this cell."""
        job = self.executor.submitted(self.asked)
        if isinstance(job, Refused):
            return job.ended
        self.job, self._number, self._over_since = job, 0, None
        return None

    def _told(self, wall_s: float, code: int) -> Ended:
        """Return the end that the node saw; its job may take the next cell."""
        self.job.longest_s = max(self.job.longest_s, wall_s)
        self.executor.idle.append(self.job)
        queued_s = max(time.monotonic() - self.began - wall_s, 0.0)
        return ended_by(code, wall_s=wall_s, evidence={"slurm_job": self.job.id, "queued_s": queued_s})

    def _unsaid(self, state: str | None) -> Ended:
        if state is None:
            return self._killed("is known to Slurm no more")
        cause = Cause.PREEMPTED if state == "PREEMPTED" else Cause.KILLED
        remedy = _REMEDIES.get(state) or _last_line(self.job.folder.path / _LOG)
        return self._killed(f"ended as {state}" + (f": {remedy}" if remedy else ""), cause=cause)

    def _killed(self, how: str, *, cause: Cause = Cause.KILLED) -> Ended:
        return Ended(
            exit_code=None,
            signal=None,
            wall_s=time.monotonic() - self.began,
            cause=cause,
            detail=f"job {self.job.id} of Slurm {how}",
            evidence={"slurm_job": self.job.id},
        )


def create(
    campaign: Path, *, needs_gpu: bool = False, is_warm: bool = True, max_hours: float | None = None
) -> SlurmExecutor:
    """Return what starts the workers of a matrix's folder, with the options in ``HARNESS_SBATCH``.

    Jobs of the same folder that are still at work, a killed run's, are ended first. A run of ``max_hours`` asks for no
    longer jobs, unless the options say how long, or the cluster gives none so long.

    Raises:
        MachineError: There is no Slurm here, or it would take no such job.
        UserError: The options are no words.
    """
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    if lacking:
        raise MachineError(f"--executor slurm: no {lacking[0]} here; run it on a host of the cluster that submits jobs")
    options = _accepted(_options(), max_hours)
    jobs = Jobs(_job_name(campaign))
    executor = SlurmExecutor(campaign=campaign, jobs=jobs, options=options, needs_gpu=needs_gpu, is_warm=is_warm)
    executor.close()
    return executor


def _accepted(options: Sequence[str], max_hours: float | None) -> Sequence[str]:
    """Return the options, with a limit of time where that is possible; raises MachineError where they are refused."""
    if max_hours is not None and not _limits_time(options):
        limited = [*options, f"--time={math.ceil(max_hours * 60) + 1}"]
        if not _tried(limited).returncode:
            return limited
    tried = _tried(options)
    if tried.returncode:
        raise MachineError(f"--executor slurm: {slurm_commands.complaint(tried)}; mend {OPTIONS} or the cluster")
    return options


def _tried(options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return slurm_commands.answered(["sbatch", "--test-only", *options], stdin="#!/bin/bash\n")


def _limits_time(options: Sequence[str]) -> bool:
    named = {option.partition("=")[0] for option in options}
    return "--time" in named or any(name.startswith("-t") for name in named) or "SBATCH_TIMELIMIT" in os.environ


def _options() -> list[str]:
    told = os.environ.get(OPTIONS, "")
    try:
        return shlex.split(told)
    except ValueError as error:
        raise UserError(f"{OPTIONS}={told}: {error}; quote it as a shell does") from error


def _job_name(campaign: Path) -> str:
    return f"harness-{hashlib.sha256(os.fsencode(campaign.resolve())).hexdigest()[:16]}"


def _is_forced(state: str | None) -> bool:
    """Whether Slurm ended the job, so that its script had no time to say how."""
    return state not in (None, "COMPLETED", "FAILED")


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line[:500] for line in reversed(lines) if line.strip()), "")


def _literal(path: Path) -> str:
    """Return a path as ``sbatch`` takes it for itself: a percent sign would begin a pattern."""
    return str(path.absolute()).replace("%", "%%")
