"""Which executor the command line asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cli import slots
from harness.errors import UserError
from harness.executors import Executor, LocalExecutor, Slot
from harness.spec import Container

LOCAL: Callable[[], Executor] = LocalExecutor


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the options say: an executor's name, for containers an image and GPUs, and how many cells run at once."""

    executor: str
    image: str | None = None
    gpus: tuple[str, ...] = ()
    at_once: int | None = None

    @property
    def options(self) -> list[str]:
        """The options that say the same."""
        at_once = [] if self.at_once is None else ["--at-once", str(self.at_once)]
        return [*([] if self.executor == "local" else ["--executor", self.executor]), *self._containers, *at_once]

    @property
    def slots(self) -> Sequence[Slot]:
        """What cells run on, one each, all alike; raise as ``slots.asked`` does."""
        return slots.asked(at_once=self.at_once, gpus=self.gpus, listed=slots.listed_by_driver)

    @property
    def _containers(self) -> list[str]:
        image = [] if self.image is None else ["--image", self.image]
        return [*image, *(word for gpu in self.gpus for word in ("--gpu", gpu))]

    @contextmanager
    def working(self, *, campaign: Path, container: Container, slots: Sequence[Slot]) -> Iterator[Executor]:
        """Give the executor for ``slots``; containers that an earlier run or this one leaves behind are removed.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked; says the way out.
        """
        if self.executor == "local":
            if self._containers:
                raise UserError(
                    f"{self._containers[0]}: a local process has none; add --executor docker, or leave it out"
                )
            yield LOCAL()
            return
        # Only here: the engine's SDK takes a fifth of a second to import.
        from harness.executors import engine  # noqa: PLC0415
        from harness.executors.docker import DockerExecutor  # noqa: PLC0415

        executor = DockerExecutor.ready(
            engine.connect(),
            reference=self.image or f"tuner-harness:{'gpu' if self.gpus else 'cpu'}",
            campaign=campaign,
            container=container,
            # What is prepared for all slots is prepared on the first one's.
            gpu=slots[0].gpu,
            slots=slots,
        )
        executor.sweep()
        try:
            yield executor
        finally:
            executor.sweep()
