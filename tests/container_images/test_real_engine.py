"""An engine started and stopped for real, beside any other."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.container_images.conftest import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.slow]


class Engine:
    """The script, with a socket and a state of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self._socket = f"unix://{folder}/socket"

    def call(self, *arguments: str) -> str:
        return self._run(str(ROOT / "docker/test-engine.sh"), *arguments).stdout

    def answers(self) -> bool:
        return self._run("docker", "info", check=False).returncode == 0

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        own = {"DOCKER_HOST": self._socket, "TEST_ENGINE_STATE": str(self.state)}
        return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=check)


@pytest.fixture
def engine(without_engine: Callable[[str], NoReturn]) -> Iterator[Engine]:
    if os.getuid() != 0 or shutil.which("dockerd") is None:
        without_engine("only root can start an engine, where dockerd is installed: apt-get install docker.io")
    # Not tmp_path: the path of a socket may have no more than 107 bytes.
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        made = Engine(Path(folder))
        yield made
        made.call("stop")


def test_an_engine_is_started_once_and_stopped_with_all_that_it_left(engine: Engine) -> None:
    assert "answers; its data is in" in engine.call("start")
    data = Path((engine.state / "data").read_text("utf-8").strip())
    assert engine.answers()
    assert data.is_dir()
    assert engine.call("start") == "an engine answers already\n"

    assert engine.call("stop") == "engine stopped\n"

    assert not engine.answers()
    assert not data.exists()
    assert not engine.state.exists()


def test_the_folder_that_an_engine_was_given_outlives_it(engine: Engine, tmp_path: Path) -> None:
    engine.call("start", str(tmp_path / "my data"))

    engine.call("stop")

    assert (tmp_path / "my data").is_dir()
    shutil.rmtree(tmp_path / "my data")
