"""Which executor the command line asks for, and what it comes to on this host."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environment import Identity
from harness.errors import MachineError, UserError
from harness.executors import Executor, LocalExecutor
from harness.spec import Container, Device

if TYPE_CHECKING:
    from harness.cli.auto import Intent
    from harness.executors.docker import DockerExecutor

LOCAL: Callable[..., Executor] = LocalExecutor
VARIABLE = "HARNESS_EXECUTOR"
"""The environment variable that says where cells run unless the command line does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Cells would run as processes of this host; ``why`` says why not in containers, None where that was asked for."""

    why: str | None
    identity: Identity

    @property
    def builds(self) -> bool:
        """Whether something must be built first: never."""
        return False

    @property
    def is_news(self) -> bool:
        """Whether the user should be told: not where it was asked for."""
        return self.why is not None

    def __str__(self) -> str:
        """Say it as the end of "running …"."""
        return "as local processes" if self.why is None else f"as local processes: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the options say: an executor's name, and an image and a GPU, or None."""

    executor: str
    image: str | None = None
    gpu: str | None = None

    @property
    def options(self) -> list[str]:
        """The options that say the same."""
        named = {"--image": self.image, "--gpu": self.gpu}
        given = [word for name, value in named.items() if value is not None for word in (name, value)]
        usual = self.executor == os.environ.get(VARIABLE, "auto")
        return [*([] if usual else ["--executor", self.executor]), *given]

    @property
    def is_free(self) -> bool:
        """Whether the choice is the harness's: an image or a GPU that is named is for a container."""
        return self.executor == "auto" and self.image is None and self.gpu is None

    def intended(self, *, device: Device) -> Intent | Local:
        """Return where cells would run; nothing is built, fetched or started to find out.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked; says the way out.
        """
        if self.executor == "local":
            if self.image is not None:
                raise UserError("--image: a local process has none; add --executor docker, or leave it out")
            return Local(why=None, identity=self._processes(device).identity())
        # Only here: the engine's SDK takes a fifth of a second to import.
        from harness.cli import auto  # noqa: PLC0415

        if not self.is_free:
            return auto.named(self.image, gpu=self.gpu, device=device)
        try:
            return auto.found(device=device)
        except MachineError as error:
            return Local(why=str(error), identity=self._processes(device).identity())

    @contextmanager
    def working(self, *, campaign: Path, container: Container, device: Device) -> Iterator[Executor]:
        """Give the executor, and say which; containers that a run leaves behind are removed, earlier ones' too.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked; says the way out.
        """
        intent = self.intended(device=device)
        containers, intent = self._containers(intent, campaign=campaign, container=container)
        if intent.is_news:
            _say(f"running {intent}")
        if containers is None:
            yield self._processes(device)
            return
        containers.sweep()
        try:
            yield containers
        finally:
            containers.sweep()

    def _containers(
        self, intent: Intent | Local, *, campaign: Path, container: Container
    ) -> tuple[DockerExecutor | None, Intent | Local]:
        """Return what runs containers as intended; None, and local processes, where there is to be none or it fails."""
        if isinstance(intent, Local):
            return None, intent
        from harness.cli import auto  # noqa: PLC0415 - see above

        if intent.build is not None:
            _say(f"building {intent.reference} first: {auto.build_takes(intent.build)}")
        try:
            return auto.ready(intent, campaign=campaign, container=container), intent
        except MachineError as error:
            if not self.is_free:
                raise
            return None, Local(why=str(error), identity=LOCAL().identity())

    def _processes(self, device: Device) -> Executor:
        needs_gpu = device == "gpu" or self.gpu is not None
        return LOCAL(gpu=self.gpu, needs_gpu=True) if needs_gpu else LOCAL()


def _say(line: str) -> None:
    # Standard output belongs to tables and JSON.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
