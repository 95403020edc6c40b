from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.doctor import containers
from harness.cli.doctor.containers import Engine
from harness.cli.doctor.findings import Finding
from harness.container_images import DeclaredImage
from harness.meters.nvml import Found, Gpu
from tests.cli.doctor.conftest import FakeDaemon
from tests.container_images.conftest import FakeEngine
from tests.meters.fake_nvml import FakeDevice

Look = Callable[..., Found]


@pytest.fixture
def gpus(found: Look) -> tuple[Gpu, ...]:
    return found(FakeDevice(uuid="GPU-1"), FakeDevice(uuid="GPU-2")).gpus


def reached() -> Engine:
    answer = containers.reach()
    assert isinstance(answer, Engine)
    return answer


def by_name(file: Path, gpus: tuple[Gpu, ...] = ()) -> dict[str, Finding]:
    return {one.what: one for one in containers.examine(reached(), file=file, gpus=gpus)}


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_no_engine_is_told_with_what_happens_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")

    found = containers.reach()
    gc.collect()

    assert isinstance(found, Finding)
    assert (found.state, found.found) == ("missing", "none answers within 3 s")
    assert "local processes" in str(found.remedy)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_an_engine_that_takes_connections_and_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(containers, "PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/mute")

        found = containers.reach()
        gc.collect()

    assert isinstance(found, Finding)
    assert (found.state, found.found) == ("missing", "none answers within 0.2 s")


def test_an_engine_that_answers_is_good_and_its_api_is_named(daemon: FakeDaemon, built: DeclaredImage) -> None:
    assert daemon

    found = by_name(built.root / "docker/images.toml")

    assert found["container engine"] == Finding(
        what="container engine", state="good", found="28.3.0, overlay2, cgroup v2"
    )
    assert found["engine API"].found == "1.24 to 1.51, spoken to in 1.51"
    assert found["engine API"].state == found["engine's disk"].state == "good"


@pytest.mark.parametrize(("option", "told"), [("name=rootless", "users rootless"), ("name=userns", "users remapped")])
def test_an_engine_that_maps_users_says_so(
    daemon: FakeDaemon, built: DeclaredImage, tmp_path: Path, option: str, told: str
) -> None:
    daemon.info |= {"SecurityOptions": [option], "DockerRootDir": str(tmp_path), "MemoryLimit": True}

    found = by_name(built.root / "docker/images.toml")["container engine"]

    assert found.state == "good"
    assert found.found.endswith(told)


def test_a_rootless_engine_without_limits_says_so(daemon: FakeDaemon, built: DeclaredImage, tmp_path: Path) -> None:
    daemon.info |= {"SecurityOptions": ["name=rootless"], "DockerRootDir": str(tmp_path), "CgroupVersion": "1"}

    found = by_name(built.root / "docker/images.toml")["container engine"]

    assert found.found.endswith("users rootless, enforces no limits")
    assert "version 2" in str(found.remedy)


def test_a_rootless_engine_of_another_user_is_unfit(daemon: FakeDaemon, built: DeclaredImage, tmp_path: Path) -> None:
    daemon.info |= {"SecurityOptions": ["name=rootless"], "DockerRootDir": _of_another(tmp_path)}

    found = by_name(built.root / "docker/images.toml")["container engine"]

    assert found.state == "unfit"
    assert "DOCKER_HOST" in str(found.remedy)


def _of_another(path: Path) -> str:
    """Return a folder that isn't the tests' user's: the root's where they aren't root's."""
    if os.geteuid() != 0:
        return "/"
    os.chown(path, 12345, 12345)
    return str(path)


@pytest.mark.seconds
@pytest.mark.parametrize(("api", "state"), [("1.40", "unfit"), ("1.41", "good"), ("1.9", "unfit"), ("1.100", "good")])
def test_an_engine_older_than_the_api_that_is_needed_is_unfit(
    daemon: FakeDaemon, built: DeclaredImage, api: str, state: str
) -> None:
    old = reached()
    old.version["ApiVersion"] = api

    found = {one.what: one for one in containers.examine(old, file=built.root / "docker/images.toml", gpus=())}

    assert daemon
    assert found["engine API"].state == state


def test_an_engine_that_refuses_the_least_version_of_the_client_is_spoken_to_in_its_own(daemon: FakeDaemon) -> None:
    daemon.version = {"ApiVersion": "1.52", "MinAPIVersion": "1.44"}

    assert reached().spoken == "1.52"


def test_a_full_engine_disk_is_unfit(daemon: FakeDaemon, built: DeclaredImage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert daemon
    monkeypatch.setattr(containers, "_CPU_GIB", 10**9)

    found = by_name(built.root / "docker/images.toml")["engine's disk"]

    assert found.state == "unfit"
    assert "docker system prune" in str(found.remedy)


def test_an_engine_on_another_machine_keeps_its_disk_to_itself(daemon: FakeDaemon, built: DeclaredImage) -> None:
    daemon.info["DockerRootDir"] = "/nowhere/docker"

    assert by_name(built.root / "docker/images.toml")["engine's disk"].state == "unknown"


def test_without_a_gpu_the_gpu_image_is_not_asked_for(daemon: FakeDaemon, built: DeclaredImage) -> None:
    assert daemon

    found = by_name(built.root / "docker/images.toml")

    assert found["image cpu"] == Finding(
        what="image cpu", state="good", found="tuner-harness:cpu, as pinned by its labels"
    )
    assert "image gpu" not in found


def test_with_a_gpu_its_image_is_missing_with_the_command_that_builds_it(
    daemon: FakeDaemon, built: DeclaredImage, gpus: tuple[Gpu, ...]
) -> None:
    assert daemon

    found = by_name(built.root / "docker/images.toml", gpus)["image gpu"]

    assert (found.state, found.remedy) == ("missing", "harness images build gpu")


def test_an_image_of_other_sources_is_unfit(daemon: FakeDaemon, built: DeclaredImage) -> None:
    assert daemon
    (built.root / "harness/search_loop.py").write_text("2\n")

    found = by_name(built.root / "docker/images.toml")["image cpu"]

    assert (found.state, found.remedy) == ("unfit", "harness images build cpu")
    assert "sources changed" in found.found


def test_a_client_that_reaches_no_engine_leaves_images_unknown(
    daemon: FakeDaemon, built: DeclaredImage, engine: FakeEngine
) -> None:
    assert daemon
    engine.becomes(answers=False)

    found = by_name(built.root / "docker/images.toml")["image cpu"]

    assert found.state == "unknown"
    assert found.remedy


def test_images_of_a_file_that_is_missing_are_unknown(daemon: FakeDaemon, tmp_path: Path) -> None:
    assert daemon

    found = by_name(tmp_path / "images.toml")["images"]

    assert found.state == "unknown"
    assert "leave --file out" in str(found.remedy)


def test_an_engine_that_lists_every_gpu_is_good(daemon: FakeDaemon, gpus: tuple[Gpu, ...]) -> None:
    names = [f"nvidia.com/gpu={name}" for name in ("0", "1", "GPU-1", "GPU-2", "all")]
    daemon.info["DiscoveredDevices"] = [{"Source": "cdi", "ID": name} for name in names]

    assert containers.cdi(reached(), gpus).state == "good"


@pytest.mark.parametrize("devices", [None, [], [{"Source": "cdi", "ID": "nvidia.com/gpu=GPU-1"}]])
def test_an_engine_that_lists_not_all_gpus_is_told_how_to(
    daemon: FakeDaemon, gpus: tuple[Gpu, ...], devices: list[dict[str, str]] | None
) -> None:
    daemon.info["DiscoveredDevices"] = devices

    found = containers.cdi(reached(), gpus)

    assert found.state == "missing"
    assert "nvidia-ctk cdi generate" in str(found.remedy)


def test_an_engines_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense")

    found = containers.reach()

    assert isinstance(found, Finding)
    assert (found.state, found.found[:24]) == ("unfit", "DOCKER_HOST = 'nonsense'")
    assert "give unix:///PATH" in str(found.remedy)
