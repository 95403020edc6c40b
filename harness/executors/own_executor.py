"""An executor of the user's own, in a Python file or an installed package that the command line names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from harness import environment
from harness.environment import Identity
from harness.errors import UserError, reason
from harness.executors.contract import Devices, Ended, Running
from harness.executors.slots import Slot
from harness.extensions import EXECUTOR, Found, loading


class Starts(Protocol):
    """What the user's ``create`` returns at least."""

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> Running:
        """Start a worker: see ``Executor``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnExecutor:
    """Passes on what it is asked, and says what the user's need not say.

    Its workers have the packages and sources of this Python, which each of them checks before it searches. Unless it
    says otherwise they see none of this machine's GPUs.
    """

    name: str
    sha256: str
    made: Starts

    @property
    def devices(self) -> Devices:
        """Which GPUs of this machine its workers see."""
        devices: Devices = getattr(self.made, "devices", Devices.ELSEWHERE)
        return devices

    def identity(self) -> Identity:
        """Return what this Python is: its packages and the harness's sources."""
        return environment.identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> Running:
        """Start a worker; folders are told by their whole paths."""
        made = self.made.start(program, folder.absolute(), cache=cache.absolute(), log=log.absolute(), slot=slot)
        return OwnRunning(made, self)

    def close(self) -> None:
        """Let it end what it holds, if it holds anything."""
        close: Callable[[], None] | None = getattr(self.made, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True, slots=True)
class OwnRunning:
    """A worker at work, whose end says by which executor."""

    made: Running
    executor: OwnExecutor

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still runs."""
        ended = self.made.wait(timeout_s)
        return None if ended is None else self._known(ended)

    def stop(self) -> Ended:
        """End it: politely, then by force."""
        return self._known(self.made.stop())

    def _known(self, ended: Ended) -> Ended:
        if not isinstance(ended, Ended):
            raise UserError(
                f"--executor {self.executor.name}: said of a worker's end {type(ended).__name__}, no Ended; "
                f"{EXECUTOR.guide} shows one"
            )
        by = {"name": self.executor.name, "sha256": self.executor.sha256}
        return replace(ended, evidence={**ended.evidence, "executor": by})


def create(found: Found, campaign: Path) -> OwnExecutor:
    """Return the executor that the user's ``create`` makes for the folder of a matrix being run.

    Raises:
        UserError: ``create`` failed, or what it returned starts nothing.
        MachineError: The file or package isn't what it was.
    """
    name = loading.called(found)
    try:
        made = loading.maker(EXECUTOR, found)(campaign)
    except Exception as error:
        raise UserError(f"--executor {name}: create failed ({reason(error)}); mend it, or take local") from error
    if not callable(getattr(made, "start", None)):
        raise UserError(f"--executor {name}: what create returns has no start; {EXECUTOR.guide} shows one")
    return OwnExecutor(name=name, sha256=found["sha256"], made=cast("Starts", made))
