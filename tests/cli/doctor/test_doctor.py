from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.tuners import KNOWN
from harness.cli.doctor import tensorflow
from harness.container_images import DeclaredImage
from harness.meters import nvml
from tests.cli.doctor.conftest import FakeDaemon
from tests.container_images.conftest import FakeEngine, image_of
from tests.meters.fake_nvml import FakeDevice, FakeNvml

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NAMES = {"memory and processors", "disk", "keras", "keras-tuner", "optuna", "training", "reports", "tuners"}
NAMES |= {"CPU energy", "NVIDIA driver"}
ANSWER = {"version": "2.21.0", "gpus": [], "kernels": []}


# The engine's SDK leaves one where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    yield
    gc.collect()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a program that answers as TensorFlow does, at once."""
    monkeypatch.setattr(tensorflow, "PROGRAM", f"print('some warning'); print({json.dumps(ANSWER)!r})")


@pytest.mark.train
@pytest.mark.usefixtures("no_engine")
def test_json_lists_every_finding_with_a_remedy_where_something_is_missing(line: CommandLine) -> None:
    answer = line.call("doctor", "--json", "--cache", str(line.cache))

    findings = json.loads(answer.out)
    assert answer.code == 0
    assert {finding["what"] for finding in findings} >= NAMES | {"TensorFlow", "container engine"}
    assert all(finding["state"] == "good" or finding["remedy"] for finding in findings)
    assert all(name in str(findings) for name in KNOWN)
    assert findings[-1]["found"].startswith("2.")


@pytest.mark.usefixtures("quick", "no_engine")
def test_a_table_says_the_same(line: CommandLine) -> None:
    answer = line.call("doctor", "--cache", str(line.cache))

    assert answer.code == 0
    assert all(name.split()[0] in answer.out for name in NAMES)
    assert "2.21.0, sees no GPU" in answer.out
    assert "none answers" in answer.out
    assert not line.cache.exists()


@pytest.mark.seconds
@pytest.mark.usefixtures("quick")
def test_a_gpu_host_with_everything_is_good_throughout(
    line: CommandLine,
    daemon: FakeDaemon,
    engine: FakeEngine,
    built: DeclaredImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = FakeDevice(uuid="GPU-1")
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(gpu)))
    daemon.info["DiscoveredDevices"] = [{"Source": "cdi", "ID": "nvidia.com/gpu=GPU-1"}]
    engine.becomes(
        images={**engine.state["images"], "tuner-harness:gpu": image_of(["sha256:bottom"])},
        inside=json.dumps({"version": "2.21.0", "gpus": [["NVIDIA A100", [8, 0]]], "kernels": ["sm_80"]}),
    )
    file = built.root / "docker/images.toml"

    answer = line.call("doctor", "--json", "--cache", str(line.cache), "--file", str(file))

    findings = {finding["what"]: finding for finding in json.loads(answer.out)}
    assert [findings[name]["state"] for name in ("GPU 0", "CDI", "GPU in a container", "engine API")] == ["good"] * 4
    assert findings["container toolkit"]["state"] == "missing"
