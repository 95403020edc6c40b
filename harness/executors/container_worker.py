"""A worker in a container: waited for by the harness's own clock, metered from outside, collected and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

from docker.errors import APIError, NotFound

from harness import files
from harness.executors import capped_log, engine_connection
from harness.executors.cgroups import Meter
from harness.executors.contract import BUS_ERROR, OWN_SIGNALS, Cause, Ended, told_apart
from harness.executors.standstill import Standstill

_SAMPLE_S = 0.1
_POLITE_S = 5
# The engine has then said nothing for longer than its own kill takes.
_STUCK_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A container's end: its exit code, or the error that kept the engine from telling; ``at`` by the clock."""

    code: int | None
    error: Exception | None
    at: float


@dataclass(slots=True, kw_only=True)
class DockerRunning:
    """A container at work; ``give_back`` is called once it is gone, and ``facts`` go into the evidence."""

    container: Any
    started: float
    deadline_s: float | None
    log: Path
    clock: Callable[[], float]
    meter: Meter
    facts: Mapping[str, Any]
    give_back: Callable[[], None]
    standstill: Standstill
    _exit: Future[Exit] = field(init=False)
    _ended: Ended | None = None

    def __post_init__(self) -> None:
        """Begin to wait."""
        self._exit = _awaited(self.container, self.clock)

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still runs. A deadline that is over ends it."""
        until = self.clock() + timeout_s
        while self._ended is None:
            left_s = until - self.clock()
            found = self._next(min(_SAMPLE_S, max(left_s, 0.0)))
            if found is not None:
                return self._collected(found)
            if self._is_late():
                return self._forced(Cause.DEADLINE, f"{self.deadline_s:g} s are over; raise container.deadline_s")
            halted = self.standstill.too_long()
            if halted is not None:
                return self._forced(Cause.HALTED, halted)
            if left_s <= 0:
                return None
        return self._ended

    def stop(self) -> Ended:
        """End the worker: SIGTERM, then SIGKILL."""
        return self._forced(None, None) if self._ended is None else self._ended

    def _is_late(self) -> bool:
        return self.deadline_s is not None and self.clock() - self.started > self.deadline_s

    def _next(self, timeout_s: float) -> Exit | None:
        try:
            return self._exit.result(timeout_s)
        except TimeoutError:
            self.meter.sample()
            return None

    def _forced(self, cause: Cause | None, detail: str | None) -> Ended:
        self.meter.sample()
        # Where it is already gone, or the engine is, the exit or its absence says which.
        with suppress(*engine_connection.FOREIGN):
            self.standstill.end()
            self.container.stop(timeout=_POLITE_S)
        found = self._next(_STUCK_S) or Exit(code=None, error=TimeoutError("the engine is stuck"), at=self.clock())
        return self._collected(found, why=(cause, detail))

    def _collected(self, found: Exit, *, why: tuple[Cause | None, str | None] | None = None) -> Ended:
        """Take log and last facts from the container, remove it, and return its end."""
        state, lost = self._taken()
        self.give_back()
        code, number = told_apart(found.code)
        cause, detail = why or _cause(found, number, out_of_memory=self._out_of_memory(state))
        if cause is None and code != 0 and lost is not None and lost[0] is Cause.NO_DISK:
            # What the worker said of its end can't be read any more, and needn't be.
            cause, detail = lost
        self._ended = Ended(
            exit_code=code,
            signal=number,
            wall_s=found.at - self.started,
            cause=cause,
            detail=detail,
            evidence={
                **self.facts,
                "status_code": found.code,
                "oom_killed": state.get("OOMKilled"),
                "output_lost": None if lost is None else lost[1],
                "stood_still_s": self.standstill.total_s,
                "used": asdict(self.meter.last),
            },
        )
        return self._ended

    def _out_of_memory(self, state: Mapping[str, Any]) -> str | None:
        """Return what to say of a worker that was killed for want of memory; None where no process was."""
        if not state.get("OOMKilled") and not self.meter.last.oom_kills.value:
            return None
        limit_mib = self.facts["enforced"]["memory_bytes"] / 2**20
        return f"the limit of {limit_mib:.0f} MiB was hit; raise container.memory_gib"

    def _taken(self) -> tuple[Mapping[str, Any], tuple[Cause, str] | None]:
        """Return the engine's last word on the container, and why its output was lost, if it was; remove it."""
        state: Mapping[str, Any] = {}
        try:
            self.container.reload()
            state = self.container.attrs["State"]
            lost = self._kept(_chunks(self.container))
            remove(self.container)
        except engine_connection.FOREIGN as error:
            lost = engine_connection.explained(error)
            self._kept([f"[output lost: {lost[1]}]\n".encode()])
        return state, lost

    def _kept(self, chunks: Iterable[bytes]) -> tuple[Cause, str] | None:
        """Add to the log; return what the disk has against it."""
        try:
            capped_log.append(self.log, chunks)
        except OSError as error:
            # The engine's errors are of this class too, and no trouble of the disk.
            trouble = files.disk_trouble(error, place=str(self.log))
            if trouble is None:
                raise
            return Cause.NO_DISK, trouble
        return None


def remove(container: Any) -> None:
    """Remove a container, running or not; one that is gone or going is removed already."""
    try:
        container.remove(force=True)
    except APIError as error:
        if error.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise


def _chunks(container: Any) -> Iterable[bytes]:
    chunks: Iterable[bytes] = container.logs(stdout=True, stderr=True, stream=True, follow=False)
    return chunks


def _awaited(container: Any, clock: Callable[[], float]) -> Future[Exit]:
    """Ask the engine for the end in a thread of its own: it answers once there is one, and not before."""
    future: Future[Exit] = Future()

    def ask() -> None:
        try:
            # The SDK's own timeout is one of the connection, not of the container.
            code = container.wait(timeout=None)["StatusCode"]
            future.set_result(Exit(code=code, error=None, at=clock()))
        except Exception as error:  # noqa: BLE001 - told to whoever waits, below
            future.set_result(Exit(code=None, error=error, at=clock()))

    Thread(target=ask, daemon=True).start()
    return future


def _cause(found: Exit, number: str | None, *, out_of_memory: str | None) -> tuple[Cause | None, str | None]:
    if isinstance(found.error, NotFound):
        return Cause.KILLED, "somebody removed the container"
    if isinstance(found.error, (*engine_connection.FOREIGN, TimeoutError)):
        return Cause.ENGINE_GONE, engine_connection.explained(found.error)[1]
    if found.error is not None:
        raise found.error
    # The flag is raised for any process of the container; only a worker that was itself killed ended by it.
    if number == "SIGKILL" and out_of_memory is not None:
        return Cause.OUT_OF_MEMORY, out_of_memory
    if number == "SIGBUS":
        return BUS_ERROR
    return (None, None) if number is None or number in OWN_SIGNALS else (Cause.KILLED, f"by {number}")
