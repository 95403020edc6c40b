"""What checks ask of a host, on this one: small searches on the CPU, programs that are killed, no container."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.cli.gpu_check import programs
from harness.cli.gpu_check.gpu_host import GpuHost, OverTime
from harness.errors import ImagesError
from harness.meters import nvml
from tests.container_images.conftest import FakeEngine, engine, image, project  # noqa: F401 - fixtures
from tests.meters.fake_nvml import FakeDevice, FakeNvml


@pytest.fixture
def host(tmp_path: Path) -> GpuHost:
    found = nvml.find_through(FakeNvml(FakeDevice(uuid="GPU-1")))
    made = GpuHost(folder=tmp_path, gpus=found.gpus, images=Path("docker/images.toml"))
    made.allow(120)
    return made


def on_cpu(matrix: str) -> str:
    return matrix.replace('device = "gpu"\n', "").replace("last:20", "head")


@pytest.mark.train
@pytest.mark.slow
def test_a_search_is_run_once_and_seen_as_its_files_say(host: GpuHost) -> None:
    (one,) = host.search("smoke", on_cpu(programs.smoke()), gpus=[])

    assert (one.status, len(one.trials), one.device) == ("ok", 4, "cpu")
    began = time.monotonic()
    assert host.search("smoke", "another", gpus=[]) == [one]
    assert time.monotonic() - began < 0.1


@pytest.mark.train
@pytest.mark.slow
def test_the_wide_model_trains_where_it_fits(host: GpuHost) -> None:
    planted = on_cpu(programs.planted(2**20))

    (one,) = host.search("planted", planted, gpus=[], files={"wide.py": programs.WIDE})

    assert [(trial.parameters["batch_size"], trial.outcome) for trial in one.trials] == [
        (programs.SMALL_BATCH, "completed"),
        (programs.LARGE_BATCH, "completed"),
    ]


@pytest.mark.seconds
def test_a_search_that_is_refused_has_no_cells_and_says_why(host: GpuHost) -> None:
    assert host.search("smoke", "nonsense = 1", gpus=[]) == []
    assert "nonsense" in host.last_said()


@pytest.mark.seconds
def test_what_takes_too_long_is_ended(host: GpuHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "RUN", "import time; time.sleep(60)")
    host.allow(0.3)

    with pytest.raises(OverTime, match="not done within 0 s"):
        host.search("smoke", "", gpus=[])


@pytest.mark.seconds
def test_a_device_is_busy_while_the_block_is_at_work(host: GpuHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        programs, "BUSY", "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(60)"
    )

    with host.busy(host.gpus[0]):
        began = time.monotonic()
    assert time.monotonic() - began < 5


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("program", "why"),
    [("import sys; sys.exit('no GPU')", "ended by itself"), ("import time; time.sleep(60)", "not busy in time")],
)
def test_a_device_that_can_not_be_kept_busy_is_told(
    host: GpuHost, monkeypatch: pytest.MonkeyPatch, program: str, why: str
) -> None:
    monkeypatch.setattr(programs, "BUSY", program)
    host.allow(2 if "sleep" in program else 30)

    with pytest.raises(OverTime, match=why), host.busy(host.gpus[0]):
        pass


@pytest.mark.train
def test_the_program_that_keeps_a_device_busy_does(host: GpuHost) -> None:
    with host.busy(host.gpus[0]):
        pass


def test_without_an_image_nothing_can_be_seen_inside(host: GpuHost, engine: FakeEngine) -> None:  # noqa: F811 - a fixture
    engine.becomes(images={})

    with pytest.raises(ImagesError, match="no GPU image; build it"):
        host.inside(host.gpus[0])
