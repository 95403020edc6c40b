"""Workers as jobs of Slurm, on nodes that see this machine's files under the same paths.

Commands: https://slurm.schedmd.com/sbatch.html, squeue.html, scancel.html and job_state_codes.html.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from harness import environment
from harness.environment import Identity
from harness.errors import MachineError, UserError
from harness.executors.contract import BUS_ERROR, SETTINGS, Cause, Devices, Ended, Refused, Running, told_apart
from harness.executors.slots import WHOLE, Slot

OPTIONS = "HARNESS_SBATCH"
"""The environment variable with options of ``sbatch`` for every job."""
LOOK_S = 1.0
"""Seconds between two questions to Slurm, however many jobs are waited for: it has other users."""
ENDING_S = 60.0
"""Seconds that a job may take to end once it is cancelled."""
ANSWER_S = 20.0
"""Seconds in which Slurm's commands answer: where the controller is gone they try for a minute."""
# Seconds in which a file that a node has written shows on this machine, too.
_FILES_S = 5.0
_WAIT_S = 0.05

_PROGRAMS = ("sbatch", "squeue", "scancel")
# All in which a job has not ended; any other state is an end.
_UNENDED = frozenset(
    (
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "STOPPED",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "RESIZING",
        "SIGNALING",
        "STAGE_OUT",
        "SPECIAL_EXIT",
        "RESV_DEL_HOLD",
    )
)
_REMEDIES = {
    "TIMEOUT": "its limit of time was over; ask for more by --time",
    "OUT_OF_MEMORY": "it used more memory than it had; ask for more by --mem",
}
# The node's own clock that nothing sets back. Durations alone leave the node.
_SCRIPT = """#!/bin/bash
read -r began _ < /proc/uptime
{command}
code=$?
read -r ended _ < /proc/uptime
echo "$began $ended $code" > {end}.new && mv {end}.new {end}
exit $code
"""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Jobs:
    """All jobs of one name, asked for once a ``LOOK_S`` at most.

    ``states`` has what Slurm said last, by their ids, when it was asked at ``answered_at`` (``time.monotonic``).
    """

    name: str
    states: Mapping[str, str] = field(default_factory=dict)
    answered_at: float = float("-inf")
    _looked_at: float = float("-inf")

    def look(self) -> None:
        """Ask Slurm, if it was not asked just now; where it doesn't answer, what was known stays."""
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        began = time.monotonic()
        asked = _run(["squeue", "--noheader", "--states=all", f"--name={self.name}", "--format=%A %T"])
        self._looked_at = time.monotonic()
        if asked.returncode:
            log.warning("Slurm doesn't answer (%s); waiting for it", _complaint(asked))
            return
        self.states = dict(line.split()[:2] for line in asked.stdout.splitlines())
        self.answered_at = began

    def at_work(self) -> list[str]:
        """Return the ids of those that have not ended."""
        return [job for job, state in self.states.items() if state in _UNENDED]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmExecutor:
    """Starts each worker as a job of one task, under the options that the user gives ``sbatch``.

    Jobs are named after the folder of the matrix, so that those a killed run left are found. Slurm starts none of them
    a second time by itself: the harness does, and counts it.
    """

    campaign: Path
    jobs: Jobs
    options: Sequence[str] = ()
    needs_gpu: bool = False

    name: ClassVar[str] = "slurm"
    devices: ClassVar[Devices] = Devices.ELSEWHERE

    def identity(self) -> Identity:
        """Return what this Python is, as the nodes have it too: its packages and the harness's sources."""
        return environment.identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE) -> Running:
        """Submit a job that runs the worker's ``program`` on a cell folder; its output goes to ``log``."""
        command = [sys.executable, "-m", "harness.worker", program, str(folder.absolute()), str(cache.absolute())]
        end = self._ends / os.urandom(8).hex()
        self._ends.mkdir(parents=True, exist_ok=True)
        asked = self._submitted(command, end=end, log=log, slot=slot)
        if asked.returncode:
            why = _complaint(asked)
            return Refused(ended=Ended(exit_code=None, signal=None, wall_s=0.0, cause=Cause.KILLED, detail=why))
        return SlurmRunning(job=asked.stdout.strip().partition(";")[0], end=end, jobs=self.jobs)

    def close(self) -> None:
        """End the jobs of this folder that are left: an earlier run's where that was killed."""
        self.jobs.look()
        left = self.jobs.at_work()
        if left:
            _run(["scancel", *left])
        until = time.monotonic() + ENDING_S
        while self.jobs.at_work() and time.monotonic() < until:
            time.sleep(_WAIT_S)
            self.jobs.look()
        shutil.rmtree(self._ends, ignore_errors=True)

    @property
    def _ends(self) -> Path:
        return self.campaign.absolute() / ".slurm"

    def _submitted(
        self, command: Sequence[str], *, end: Path, log: Path, slot: Slot
    ) -> subprocess.CompletedProcess[str]:
        script = _SCRIPT.format(command=shlex.join(command), end=shlex.quote(str(end)))
        given = [f"--output={_literal(log)}", "--open-mode=append", "--no-requeue", f"--job-name={self.jobs.name}"]
        needs = {environment.NEEDS_GPU: "1"} if self.needs_gpu else {}
        told = {**SETTINGS, **slot.settings, **needs, environment.SOURCES: environment.sources_hash()}
        return _run(["sbatch", "--parsable", *self.options, *given], stdin=script, told=told)


@dataclass(slots=True, kw_only=True)
class SlurmRunning:
    """A job that waits for its node, or is at work there."""

    job: str
    end: Path
    jobs: Jobs
    submitted: float = field(default_factory=time.monotonic)
    ended: Ended | None = None
    _over_since: float | None = None

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
            _run(["scancel", self.job])
        self.ended = self.wait(ENDING_S) or self._killed(f"didn't end in {ENDING_S:g} s after scancel")
        return self.ended

    def _looked(self) -> Ended | None:
        told = _read(self.end)
        if told is not None:
            return self._told(told)
        self.jobs.look()
        state = self.jobs.states.get(self.job)
        if state in _UNENDED or self.jobs.answered_at < self.submitted:
            return None
        # What the node wrote last may be on its way here yet.
        self._over_since = self._over_since or time.monotonic()
        if time.monotonic() - self._over_since < (0.0 if _is_forced(state) else _FILES_S):
            return None
        return self._unsaid(state)

    def _told(self, told: str) -> Ended:
        """Return the end that the script itself saw."""
        began, ended, status = told.split()
        code, by_signal = told_apart(int(status))
        cause, detail = BUS_ERROR if by_signal == "SIGBUS" else (None, None)
        wall_s = float(ended) - float(began)
        return Ended(
            exit_code=code,
            signal=by_signal,
            wall_s=wall_s,
            cause=cause,
            detail=detail,
            evidence={"slurm_job": self.job, "queued_s": max(time.monotonic() - self.submitted - wall_s, 0.0)},
        )

    def _unsaid(self, state: str | None) -> Ended:
        if state is None:
            return self._killed("is known to Slurm no more")
        remedy = _REMEDIES.get(state)
        return self._killed(f"ended as {state}" + ("" if remedy is None else f": {remedy}"))

    def _killed(self, how: str) -> Ended:
        return Ended(
            exit_code=None,
            signal=None,
            wall_s=time.monotonic() - self.submitted,
            cause=Cause.KILLED,
            detail=f"job {self.job} of Slurm {how}",
            evidence={"slurm_job": self.job},
        )


def create(campaign: Path, *, needs_gpu: bool = False) -> SlurmExecutor:
    """Return what starts the workers of a matrix's folder, with the options in ``HARNESS_SBATCH``.

    Jobs of the same folder that are still at work, a killed run's, are ended first.

    Raises:
        MachineError: There is no Slurm here, or it would take no such job.
        UserError: The options are no words.
    """
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    if lacking:
        raise MachineError(f"--executor slurm: no {lacking[0]} here; run it on a host of the cluster that submits jobs")
    executor = SlurmExecutor(campaign=campaign, jobs=Jobs(_job_name(campaign)), options=_options(), needs_gpu=needs_gpu)
    asked = _run(["sbatch", "--test-only", *executor.options], stdin="#!/bin/bash\n")
    if asked.returncode:
        raise MachineError(f"--executor slurm: {_complaint(asked)}; mend {OPTIONS} or the cluster")
    executor.close()
    return executor


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


def _read(path: Path) -> str | None:
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        return None


def _literal(path: Path) -> str:
    """Return a path as ``sbatch`` takes it for itself: a percent sign would begin a pattern."""
    return str(path.absolute()).replace("%", "%%")


def _run(
    command: Sequence[str], *, stdin: str | None = None, told: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **(told or {})}
    try:
        return subprocess.run(
            command, input=stdin, env=settings, capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer to {command[0]} in {ANSWER_S:g} s")


def _complaint(asked: subprocess.CompletedProcess[str]) -> str:
    lines = asked.stderr.strip().splitlines()
    return lines[0] if lines else f"{asked.args[0]} ended with {asked.returncode}"
