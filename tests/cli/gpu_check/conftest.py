"""A host with GPUs that is told what its searches come to: a fake, as no check was ever run on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.cli.gpu_check.gpu_host import Inside, OverTime, Sampled, Seen
from harness.meters import nvml
from harness.meters.nvml import Gpu
from harness.search_types import Epoch, Outcome, Proposal, Reading, Trial
from tests.meters.fake_nvml import FakeDevice, FakeNvml

GIB = 2**30
UUID = "GPU-1"


def trial(
    number: int = 0, *, first_s: float = 0.2, loss: float = 2.0, batch: int = 16, outcome: str = "completed"
) -> Trial:
    epochs = [Epoch(epoch=1, val_score=0.5, loss=loss, train_s=first_s, evaluate_s=0.1)]
    proposal = Proposal(parameters={"batch_size": batch}, first_epoch=1, last_epoch=1, parent=None)
    return Trial.of(proposal, number=number, outcome=Outcome(outcome), epochs=epochs, reason="as scripted")


def sampled(**changes: Any) -> Sampled:
    told = {"window_s": 10.0, "samples": 20, "sampling_s": 0.02}
    memory = {"peak_memory_bytes": Reading(value=3.0 * GIB), "idle_memory_bytes": Reading(value=1.0 * GIB)}
    return Sampled(**{**told, **memory, **changes})


def seen(*trials: Trial, uuid: str | None = UUID, **more: Any) -> Seen:
    given = {"status": "ok", "device": "NVIDIA A100", "uuid": uuid, "sampled": sampled(), "slot_gpu": uuid, **more}
    return Seen(trials=trials or tuple(trial(number) for number in range(4)), **given)


@dataclass
class FakeGpuHost:
    """Searches come to what they are told to; ``draws_w`` is what the busy device takes by both of its meters."""

    devices: list[FakeDevice] = field(default_factory=lambda: [FakeDevice(uuid=UUID)])
    searches: dict[str, Any] = field(default_factory=dict)
    contained: Any = field(default_factory=lambda: Inside(uuids=[UUID], names=["NVIDIA A100"]))
    draws_w: float = 300.0
    counts_w: float = 300.0
    allowed: list[float] = field(default_factory=list)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    said: str = "a line of its log"
    clock_s: float = 0.0

    @property
    def gpus(self) -> Sequence[Gpu]:
        return nvml.find_through(FakeNvml(*self.devices)).gpus

    def allow(self, seconds: float) -> None:
        self.allowed.append(seconds)

    def last_said(self) -> str:
        return self.said

    def search(
        self,
        name: str,
        matrix: str,
        *,
        gpus: Sequence[str],
        executor: str = "local",
        files: Mapping[str, str] | None = None,
    ) -> Sequence[Seen]:
        del matrix, files
        self.asked.append((name, executor, tuple(gpus)))
        scripted = self.searches.get(name, [seen()])
        if isinstance(scripted, Exception):
            raise scripted
        return list(scripted)

    @contextmanager
    def busy(self, gpu: Gpu) -> Iterator[None]:
        assert gpu.uuid == self.gpus[0].uuid
        self.devices[0].milliwatts = self.draws_w * 1e3
        yield

    def inside(self, gpu: Gpu) -> Inside:
        assert gpu.uuid == UUID
        if isinstance(self.contained, Exception):
            raise self.contained
        assert isinstance(self.contained, Inside)
        return self.contained

    def pause(self, seconds: float) -> None:
        self.clock_s += seconds
        if not isinstance(self.devices[0].millijoules, Exception):
            self.devices[0].millijoules += self.counts_w * seconds * 1e3

    def now(self) -> float:
        return self.clock_s


@pytest.fixture
def host() -> FakeGpuHost:
    """A host on which all is well."""
    over = [seen(trial(batch=8), trial(1, batch=512, outcome="out_of_memory"))]
    lost = Seen(status="missing", reason="no", attempts=["exit code 75: the device no longer computes: CUDA error"])
    return FakeGpuHost(searches={"planted": over, "broken": [lost]})


@pytest.fixture
def late() -> Callable[[], OverTime]:
    return lambda: OverTime("not done within 90 s")
