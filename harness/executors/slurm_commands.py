"""Slurm as its commands tell it: what a job is at, and how long it may go on.

https://slurm.schedmd.com/sbatch.html, squeue.html, scancel.html and job_state_codes.html.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LOOK_S = 1.0
"""Seconds between two questions to Slurm, however many jobs are waited for: it has other users."""
ANSWER_S = 20.0
"""Seconds in which Slurm's commands answer: where the controller is gone they try for a minute."""

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

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Jobs:
    """All jobs of one name, asked for once a ``LOOK_S`` at most.

    ``states`` and ``left_s``, the seconds until the limit of time, have what Slurm said last, by the jobs' ids, when it
    was asked at ``answered_at`` (``time.monotonic``).
    """

    name: str
    states: Mapping[str, str] = field(default_factory=dict)
    left_s: Mapping[str, float] = field(default_factory=dict)
    answered_at: float = float("-inf")
    _looked_at: float = float("-inf")

    def look(self) -> None:
        """Ask Slurm, if it was not asked just now."""
        if time.monotonic() - self._looked_at >= LOOK_S:
            self.ask()

    def ask(self) -> None:
        """Ask Slurm; where it doesn't answer, what was known stays."""
        began = time.monotonic()
        asked = answered(["squeue", "--noheader", "--states=all", f"--name={self.name}", "--format=%A %T %L"])
        self._looked_at = time.monotonic()
        if asked.returncode:
            log.warning("Slurm doesn't answer (%s); waiting for it", complaint(asked))
            return
        lines = [line.split() for line in asked.stdout.splitlines()]
        self.states = {job: state for job, state, _ in lines}
        self.left_s = {job: seconds for job, _, left in lines if (seconds := _seconds(left)) is not None}
        self.answered_at = began

    def at_work(self) -> list[str]:
        """Return the ids of those that have not ended."""
        return [job for job, state in self.states.items() if state in _UNENDED]

    def has_ended(self, job: str, *, submitted: float) -> bool:
        """Whether a job that was submitted then has ended, as far as Slurm has said since."""
        return self.answered_at >= submitted and self.states.get(job) not in _UNENDED


def answered(command: Sequence[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Return what a command said; that it gave no answer where it took longer than ``ANSWER_S``."""
    try:
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer to {command[0]} in {ANSWER_S:g} s")


def complaint(asked: subprocess.CompletedProcess[str]) -> str:
    """Return the first line that a command wrote to standard error, or its exit code."""
    lines = asked.stderr.strip().splitlines()
    return lines[0] if lines else f"{asked.args[0]} ended with {asked.returncode}"


def _seconds(left: str) -> float | None:
    """Return ``squeue``'s ``days-hours:minutes:seconds`` in seconds; None where no limit is known."""
    days, _, clock = left.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in (*parts, days or "0")):
        return None
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return int(days or 0) * 86400 + seconds
