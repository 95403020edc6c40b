"""The shell scripts' ways out, with a fake engine; what they do for real is in test_real_images.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.container_images.conftest import BASE, ROOT

if TYPE_CHECKING:
    from tests.container_images.conftest import FakeEngine

TOOLS = ("bash", "cat", "env", "rm", "sh")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder with the few tools that a bare machine has, to be all of PATH."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    says(folder, "id", "echo 0")
    return folder


def says(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def call(script: str, *arguments: str, path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "docker" / script), *arguments],
        env={"PATH": str(path), "TEST_ENGINE_STATE": str(path / "state"), **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def fake_client(engine: FakeEngine, tmp_path: Path, path: Path) -> Path:
    (path / "docker").symlink_to(tmp_path / "tools/docker")
    return engine.file


def test_a_base_needs_a_client(path: Path) -> None:
    answer = call("base-from-debian.sh", path=path)

    assert answer.returncode == 1
    assert answer.stderr == "base-from-debian.sh: no docker client on PATH; install docker.io or docker-ce-cli\n"


def test_a_base_needs_an_engine(path: Path) -> None:
    says(path, "docker", "exit 1")

    answer = call("base-from-debian.sh", path=path)

    assert answer.returncode == 1
    assert "no engine answers" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_base_that_is_here_is_left_alone(path: Path, fake_client: Path) -> None:
    answer = call("base-from-debian.sh", path=path, FAKE_DOCKER=str(fake_client))

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == f"{BASE} is here already; --again makes it anew\n"


def test_a_base_needs_root(path: Path, fake_client: Path) -> None:
    says(path, "id", "echo 1000")

    answer = call("base-from-debian.sh", "--again", path=path, FAKE_DOCKER=str(fake_client))

    assert answer.returncode == 1
    assert answer.stderr == "base-from-debian.sh: debootstrap needs root; run it with sudo\n"


def test_a_base_needs_debootstrap(path: Path, fake_client: Path) -> None:
    answer = call("base-from-debian.sh", "--again", path=path, FAKE_DOCKER=str(fake_client))

    assert answer.returncode == 1
    assert answer.stderr == "base-from-debian.sh: no debootstrap on PATH; apt-get install debootstrap\n"


def test_an_unknown_option_is_no_order_to_build(path: Path) -> None:
    answer = call("base-from-debian.sh", "--agian", path=path)

    assert answer.returncode == 1
    assert "'--agian' is no option; the only one is --again" in answer.stderr


def test_no_second_engine_is_started(path: Path, fake_client: Path) -> None:
    answer = call("test-engine.sh", "start", path=path, FAKE_DOCKER=str(fake_client))

    assert (answer.returncode, answer.stdout) == (0, "an engine answers already\n")


def test_an_engine_needs_root(path: Path) -> None:
    says(path, "id", "echo 1000")
    says(path, "docker", "exit 1")

    answer = call("test-engine.sh", "start", path=path)

    assert answer.returncode == 1
    assert answer.stderr == "test-engine.sh: starting an engine needs root; run it with sudo\n"


def test_an_engine_that_was_not_started_here_is_not_stopped(path: Path, fake_client: Path) -> None:
    answer = call("test-engine.sh", "stop", path=path, FAKE_DOCKER=str(fake_client))

    assert (answer.returncode, answer.stdout) == (0, "no engine of ours runs\n")


@pytest.mark.parametrize("arguments", [[], ["restart"]])
def test_the_engine_script_says_what_it_can_do(path: Path, arguments: list[str]) -> None:
    answer = call("test-engine.sh", *arguments, path=path)

    assert answer.returncode == 1
    assert answer.stderr == "test-engine.sh: say start [DATA_FOLDER] or stop\n"


def test_continuous_integration_starts_an_engine_of_its_own_though_another_answers(path: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    for folder in (".ci", "docker", ".venv/bin"):
        (job / folder).mkdir(parents=True)
    (job / ".ci/run").write_text((ROOT / ".ci/run").read_text("utf-8"))
    for place, name in ((job / "docker", "test-engine.sh"), (job / "docker", "base-from-debian.sh"), (path, "make")):
        says(place, name, f'echo "$DOCKER_HOST ${{0##*/}} $*" >> "{job}/calls"')
    says(job / ".venv/bin", "harness", f'echo "$DOCKER_HOST harness $*" >> "{job}/calls"')
    for name in ("docker", "dockerd", "debootstrap", "iptables", "chromium", "busybox", "docker-registry", "slurmctld"):
        says(path, name, "exit 0")
    for name in ("slurmd", "sbatch", "munged", "python3"):
        says(path, name, "exit 0")
    for name in ("dirname", "mkdir"):
        (path / name).symlink_to(str(shutil.which(name)))
    own = {"CI_ENGINE": str(tmp_path / "own"), "RUNNER_TEMP": str(tmp_path / "temp")}

    done = subprocess.run(
        [str(path / "bash"), str(job / ".ci/run")],
        env={"PATH": str(path), "DOCKER_HOST": "unix:///the/hosts.sock", "DOCKER_CONTEXT": "theirs", **own},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = (job / "calls").read_text().splitlines()
    assert first == f"unix://{tmp_path}/own/engine.sock test-engine.sh start {tmp_path}/temp/tuner-harness-engine"
    assert last == f"unix://{tmp_path}/own/engine.sock test-engine.sh stop"
    assert all(
        call.startswith(f"unix://{tmp_path}/own/engine.sock ") for call in (job / "calls").read_text().splitlines()
    )
