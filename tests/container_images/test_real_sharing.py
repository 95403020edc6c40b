"""Images through a real registry on loopback (Debian's docker-registry), and through folders, on a real engine."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from docker.errors import ImageNotFound

from harness import container_images
from harness.container_images import Base, build_input_hashes
from harness.errors import MachineError
from harness.executors.docker import DockerExecutor
from harness.executors.engine_connection import EngineImage
from harness.image_labels import BASE_LABEL, HASH_LABELS, local_name
from harness.matrix_schema import Container
from harness.placement.executor_choice import Where
from tests.container_images.conftest import ROOT
from tests.executors.conftest import real_client  # noqa: F401 - a fixture is used by name
from tests.executors.real_engine import tiny

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PATIENCE_S = 20.0


@pytest.fixture
def registry(tmp_path: Path, without_engine: Callable[[str], NoReturn]) -> Iterator[str]:
    """The address of a registry of the test's own."""
    program = shutil.which("docker-registry")
    if program is None:
        without_engine("no docker-registry on PATH; apt-get install docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": address},
    }
    # What is JSON is YAML too.
    (tmp_path / "registry.yml").write_text(json.dumps(config))
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([program, "serve", str(tmp_path / "registry.yml")], stdout=log, stderr=log)
    try:
        await_answer(f"http://{address}/v2/")
        yield address
    finally:
        running.terminate()
        running.wait(PATIENCE_S)


def await_answer(url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url):  # noqa: S310 - on loopback
            return
        time.sleep(0.1)
    pytest.fail(f"{url} doesn't answer")


class Engine:
    """An engine with an image of a shell alone that says that it is made from these sources."""

    def __init__(self, client: Any, shell: str) -> None:
        declared = container_images.load(ROOT / "docker/images.toml")[0]
        # A base that isn't here is not looked at.
        bases = {"none": Base(reference="tuner-harness-test/none:1")}
        self.client, self.image = client, replace(declared, tag="tuner-harness-test/shared:1", bases=bases)
        labels = {HASH_LABELS[kind]: value for kind, value in asdict(build_input_hashes.of(self.image)).items()}
        labels[BASE_LABEL] = f"tuner-harness-test/none:1@sha256:{'b' * 64}"
        recipe = [f"FROM {shell}", *(f"LABEL {name}={value}" for name, value in labels.items()), "USER 10001"]
        self.id = client.images.build(fileobj=io.BytesIO("\n".join(recipe).encode()), tag=self.image.tag, rm=True)[0].id

    def forget(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(ImageNotFound):
                self.client.images.remove(local_name(name), force=True)


@pytest.fixture
def engine(real_client: Any, without_engine: Callable[[str], NoReturn]) -> Iterator[Engine]:  # noqa: F811 - a fixture
    made = Engine(real_client, tiny(real_client, without_engine))
    yield made
    made.forget(made.id)


def works(tmp_path: Path, image: str) -> tuple[EngineImage, list[str]]:
    """Return the image that a matrix which asks for ``image`` runs in, and what is said of it."""
    said: list[str] = []
    container = Container(image=image, memory_gib=0.25)
    where = Where(executor="auto").in_image_of(container)
    with where.working(campaign=tmp_path, container=container, device="any", say=said.append) as here:
        assert isinstance(here.executor, DockerExecutor)
        return here.executor.image, said


def test_a_matrix_runs_the_very_image_that_a_registry_has_and_pulls_it_where_it_is_missing(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    pushed = container_images.push(engine.image, f"{registry}/lab/harness")
    assert works(tmp_path, pushed)[1] == [f"running in containers of {pushed} (engine {version(engine)}, no GPU)"]
    engine.forget(engine.id)

    image, said = works(tmp_path, pushed)

    assert said[0] == f"pulling {pushed}"
    assert (image.id, image.repo_digests) == (engine.id, (pushed,))


def test_what_is_pulled_by_its_digest_is_the_image_that_the_file_declares(engine: Engine, registry: str) -> None:
    pushed = container_images.push(engine.image, f"{registry}/lab/harness:1")
    engine.forget(engine.id)

    container_images.take(engine.image, container_images.pull(pushed))

    assert container_images.same([engine.image], pushed) is engine.image
    assert engine.client.images.get(engine.image.tag).id == engine.id


def test_a_digest_that_the_registry_does_not_have_is_the_machines_trouble(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    pushed = container_images.push(engine.image, f"{registry}/lab/harness")
    other = f"{pushed.partition('@')[0]}@sha256:{'0' * 64}"

    with pytest.raises(MachineError, match="docker pull failed"):
        works(tmp_path, other)


def test_an_image_that_went_through_a_folder_is_the_same(engine: Engine, tmp_path: Path) -> None:
    name = container_images.push(engine.image, f"oci:{tmp_path / 'ä shared'}")
    engine.forget(engine.id)
    with pytest.raises(MachineError, match=f"pull it: harness images pull oci:DIR@{engine.id}, from the folder"):
        works(tmp_path, name)

    assert container_images.pull(f"oci:{tmp_path / 'ä shared'}@{engine.id}") == name

    assert works(tmp_path, name)[0].id == engine.id


def test_another_image_under_the_name_of_one_is_refused(engine: Engine, tmp_path: Path) -> None:
    name = f"tuner-harness@sha256:{'1' * 64}"
    engine.client.images.get(engine.id).tag(local_name(name))

    with pytest.raises(MachineError, match=f"the engine has another under its name .{engine.id}.; pull it"):
        works(tmp_path, name)


def test_another_reader_of_the_form_finds_the_image(engine: Engine, tmp_path: Path) -> None:
    program = shutil.which("skopeo")
    if program is None:
        pytest.skip("no skopeo on PATH; apt-get install skopeo")
    container_images.push(engine.image, f"oci:{tmp_path / 'shared'}")

    told = subprocess.run(
        [program, "inspect", "--config", f"oci:{tmp_path / 'shared'}"], capture_output=True, text=True, check=True
    )

    assert json.loads(told.stdout)["config"]["User"] == "10001"


def version(engine: Engine) -> str:
    return str(engine.client.version()["Version"])
