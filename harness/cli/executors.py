"""Which executor the command line asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.executors import Executor, LocalExecutor
from harness.spec import Container

LOCAL: Callable[[], Executor] = LocalExecutor


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the options say: an executor's name, and for containers an image and a GPU, or None."""

    executor: str
    image: str | None = None
    gpu: str | None = None

    @property
    def options(self) -> list[str]:
        """The options that say the same."""
        named = {"--image": self.image, "--gpu": self.gpu}
        given = [word for name, value in named.items() if value is not None for word in (name, value)]
        return [*([] if self.executor == "local" else ["--executor", self.executor]), *given]

    @contextmanager
    def working(self, *, campaign: Path, container: Container) -> Iterator[Executor]:
        """Give the executor; containers that an earlier run or this one leaves behind are removed.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked; says the way out.
        """
        if self.executor == "local":
            if self.options:
                raise UserError(f"{self.options[0]}: a local process has none; add --executor docker, or leave it out")
            yield LOCAL()
            return
        # Only here: the engine's SDK takes a fifth of a second to import.
        from harness.executors import engine  # noqa: PLC0415
        from harness.executors.docker import DockerExecutor  # noqa: PLC0415

        executor = DockerExecutor.ready(
            engine.connect(),
            reference=self.image or f"tuner-harness:{'cpu' if self.gpu is None else 'gpu'}",
            campaign=campaign,
            container=container,
            gpu=self.gpu,
        )
        executor.sweep()
        try:
            yield executor
        finally:
            executor.sweep()
