"""What checks ask of a host with a GPU: small searches, a device at work, a look from inside a container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from harness import analysis, container_images
from harness.analysis import SearchResult
from harness.cli.gpu_check import programs
from harness.container_images import engine
from harness.errors import EngineError, ImagesError
from harness.meters.nvml import Gpu
from harness.results_folder import MatrixFolder
from harness.search_types import Reading, Trial

_SAID_LINES = 30


class OverTime(Exception):
    """A check took longer than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What was read of the device over a worker's life: ``samples`` of them took ``sampling_s`` of ``window_s``."""

    window_s: float
    samples: int
    sampling_s: float
    peak_memory_bytes: Reading
    idle_memory_bytes: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One search as its files say: ``status`` is ok, failed or missing.

    ``device`` and ``uuid`` are where the record says that it trained, ``why_unknown`` why it doesn't; ``sampled`` is
    None where no device was. ``slot_gpu`` is the device that its slot was given; ``attempts`` are why each of its
    processes ended, where that is told.
    """

    status: str
    reason: str | None = None
    trials: Sequence[Trial] = ()
    device: str | None = None
    uuid: str | None = None
    why_unknown: str | None = None
    sampled: Sampled | None = None
    slot_gpu: str | None = None
    attempts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a container sees: the UUIDs that NVML lists, and the names of the devices that TensorFlow has."""

    uuids: list[str]
    names: list[str]


class Host(Protocol):
    """A host with GPUs; whatever runs longer than ``allow`` allows is ended, and raises ``OverTime``."""

    @property
    def gpus(self) -> Sequence[Gpu]:
        """Every GPU."""
        ...

    def allow(self, seconds: float) -> None:
        """Let what follows take so long in all."""
        ...

    def last_said(self) -> str:
        """Return the last lines of what ran since the last ``allow``."""
        ...

    def search(
        self,
        name: str,
        matrix: str,
        *,
        gpus: Sequence[str],
        executor: str = "local",
        files: Mapping[str, str] | None = None,
    ) -> Sequence[Seen]:
        """Run a matrix beside ``files``, unless one of its name was; return its searches, none if it was refused."""
        ...

    def busy(self, gpu: Gpu) -> AbstractContextManager[None]:
        """Keep a GPU busy for as long as the block takes."""
        ...

    def inside(self, gpu: Gpu) -> Inside:
        """Return what a container that is given ``gpu`` sees.

        Raises:
            EngineError: None could be started.
            ImagesError: There is no image of it.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def now(self) -> float:
        """Return the reading of a clock, in seconds."""
        ...


@dataclass(slots=True, kw_only=True)
class GpuHost:
    """This machine. Searches go into ``folder``; ``images`` declares the GPU image."""

    folder: Path
    gpus: Sequence[Gpu]
    images: Path
    _until: float = 0.0
    _said: list[str] = field(default_factory=list)
    _searched: dict[str, Sequence[Seen]] = field(default_factory=dict)

    def allow(self, seconds: float) -> None:
        """Let what follows take so long in all."""
        self._until = time.monotonic() + seconds
        self._said = []

    def last_said(self) -> str:
        """Return the last lines of what ran since then."""
        return "\n".join(self._said[-_SAID_LINES:])

    def search(
        self,
        name: str,
        matrix: str,
        *,
        gpus: Sequence[str],
        executor: str = "local",
        files: Mapping[str, str] | None = None,
    ) -> Sequence[Seen]:
        """Run a matrix in a process of its own, or return what came of one of that name."""
        if name not in self._searched:
            self._searched[name] = self._search(name, matrix, gpus=gpus, executor=executor, files=files or {})
        return self._searched[name]

    def _search(
        self, name: str, matrix: str, *, gpus: Sequence[str], executor: str, files: Mapping[str, str]
    ) -> Sequence[Seen]:
        for each, text in {f"{name}.toml": matrix, **files}.items():
            (self.folder / each).write_text(text, "utf-8")
        asked = {
            "matrix": str(self.folder / f"{name}.toml"),
            "results": str(self.folder / "results"),
            "cache": str(self.folder / "cache"),
            "executor": executor,
            "gpus": list(gpus),
        }
        self._run([sys.executable, "-c", programs.RUN, json.dumps(asked)])
        folder = MatrixFolder(self.folder / "results" / name)
        if not folder.has_plan:
            return []
        return [self._seen(cell) for cell in analysis.read(folder).cells]

    @contextmanager
    def busy(self, gpu: Gpu) -> Iterator[None]:
        """Let TensorFlow multiply matrices on it."""
        log = self.folder / "busy.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", programs.BUSY],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "CUDA_VISIBLE_DEVICES": gpu.uuid},
                start_new_session=True,
            )
        try:
            self._await_line(process)
            yield
        finally:
            _end(process)
            self._said += log.read_text("utf-8", errors="replace").splitlines()

    def inside(self, gpu: Gpu) -> Inside:
        """Ask in a container of the GPU image, by CDI where the engine knows the device so."""
        declared = [image for image in container_images.load(self.images) if image.target == "gpu"]
        image = next((one.id for one in container_images.held(declared) if one.id is not None), None)
        if image is None:
            raise ImagesError("no GPU image; build it: harness images build gpu")
        answer = self._asked_inside(image, gpu)
        # Libraries print what they please before it.
        return Inside(**json.loads(answer.strip().splitlines()[-1]))

    def _asked_inside(self, image: str, gpu: Gpu) -> str:
        program = ["python", "-c", programs.INSIDE]
        try:
            return engine.run_inside(image, program, given="", devices=["--device", f"nvidia.com/gpu={gpu.uuid}"])
        except EngineError as error:
            self._said.append(f"by CDI: {error}")
        return engine.run_inside(image, program, given="", devices=["--gpus", f"device={gpu.uuid}"])

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def now(self) -> float:
        """Return seconds."""
        return time.monotonic()

    def _left_s(self) -> float:
        return max(self._until - time.monotonic(), 0.0)

    def _run(self, command: Sequence[str]) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        left_s = self._left_s()
        try:
            said, _ = process.communicate(timeout=left_s)
        except subprocess.TimeoutExpired as error:
            raise OverTime(f"not done within {left_s:.0f} s") from error
        finally:
            _end(process)
        self._said += said.splitlines()

    def _await_line(self, process: subprocess.Popen[bytes]) -> None:
        os.set_blocking(_stream(process).fileno(), False)
        while not _stream(process).read(1):
            if process.poll() is not None:
                raise OverTime("what keeps the GPU busy ended by itself")
            if self._left_s() <= 0:
                raise OverTime("the GPU was not busy in time")
            time.sleep(0.05)

    def _seen(self, cell: SearchResult) -> Seen:
        attempts = [str(attempt.reason) for attempt in cell.folder.attempts() if attempt.reason is not None]
        if cell.status is not analysis.Status.OK and cell.folder.log.exists():
            self._said += cell.folder.log.read_text("utf-8", errors="replace").splitlines()
        record = cell.record
        where = {} if record is None else record.environment.told
        evidence = {} if record is None else record.evidence.told
        return Seen(
            status=str(cell.status),
            reason=cell.reason,
            trials=cell.trials,
            device=where.get("device"),
            uuid=where.get("device_uuid"),
            why_unknown=where.get("device_unknown"),
            sampled=_sampled(evidence.get("gpu", {})),
            slot_gpu=evidence.get("slot", {}).get("gpu"),
            attempts=attempts,
        )


def _sampled(told: Mapping[str, Any]) -> Sampled | None:
    """Return what the evidence has of a device; of none it has reasons alone."""
    if "samples" not in told:
        return None
    return Sampled(
        window_s=told["window_s"],
        samples=told["samples"],
        sampling_s=told["sampling_s"],
        peak_memory_bytes=Reading(**told["peak_memory_bytes"]),
        idle_memory_bytes=Reading(**told["idle_memory_bytes"]),
    )


def _stream(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise RuntimeError("it was started with a pipe")
    return process.stdout


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a process and what it started; one that is gone has ended already."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
