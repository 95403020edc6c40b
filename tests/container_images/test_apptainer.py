"""Definition files for Apptainer, held against the Dockerfile step by step; no Apptainer has read one here."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness import container_images
from harness.container_images import DeclaredImage, apptainer, build_input_hashes
from harness.container_images.extra_packages import Requirement
from harness.errors import ImagesError
from harness.image_labels import HASH_LABELS
from tests.container_images.conftest import ROOT

IMAGES = {image.name: image for image in container_images.load(ROOT / "docker/images.toml")}
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text("utf-8")


def sections(text: str) -> list[dict[str, str]]:
    """Return the sections of each stage of a definition file, by their names, and its header as ``header``."""
    stages = re.split(r"^(?=Bootstrap: )", text, flags=re.MULTILINE)[1:]
    return [dict(_sections(stage)) for stage in stages]


def _sections(stage: str) -> list[tuple[str, str]]:
    header, *rest = re.split(r"^%", stage, flags=re.MULTILINE)
    parted = (each.partition("\n") for each in rest)
    return [("header", header), *((name, body) for name, _, body in parted)]


def unindented(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_every_step_of_the_dockerfile_is_done_once_and_in_its_order(name: str) -> None:
    build, final = sections(container_images.definition(IMAGES[name]))
    wanted = [step.rest for steps in apptainer.read(DOCKERFILE).values() for step in steps if step.word == "RUN"]
    wanted = wanted if name == "gpu" else wanted[:-1]

    script = unindented(build["post"] + final["post"])

    places = [script.index(unindented(step)) for step in wanted]
    assert places == sorted(places)
    assert [script.count(unindented(step)) for step in wanted] == [1] * len(wanted)


def test_what_is_copied_is_what_the_dockerfile_copies() -> None:
    build, final = sections(container_images.definition(IMAGES["cpu"]))

    assert [line.split() for line in build["files"].splitlines() if line] == [
        ["docker/extra-ca/", "/build/extra-ca/"],
        ["requirements/setup.txt", "/build/setup.txt"],
        ["requirements/image-cpu.txt", "/build/lock.txt"],
        ["pyproject.toml", "/build/source/"],
        ["harness/", "/build/source/harness/"],
    ]
    assert [line.split() for line in final["files from code"].splitlines() if line] == [
        ["/opt/packages", "/opt/packages"],
        ["/opt/code", "/opt/code"],
    ]


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_base_and_the_labels_are_the_pins_of_the_image(name: str) -> None:
    image = IMAGES[name]
    build, final = sections(container_images.definition(image))
    base = image.bases["python"].reference

    assert build["header"].split() == ["Bootstrap:", "docker", "From:", base, "Stage:", "code"]
    assert final["header"].split() == ["Bootstrap:", "docker", "From:", base, "Stage:", "final"]
    labels = dict(line.split() for line in final["labels"].splitlines() if line)
    pins = build_input_hashes.of(image)
    assert labels == {
        "tuner-harness.base": base,
        HASH_LABELS["source"]: pins.source,
        HASH_LABELS["lock"]: pins.lock,
        HASH_LABELS["recipe"]: pins.recipe,
    }


def test_a_base_that_this_host_made_comes_from_its_engine() -> None:
    build, _ = sections(container_images.definition(IMAGES["cpu"], "debian"))

    assert build["header"].split()[:4] == ["Bootstrap:", "docker-daemon", "From:", "tuner-harness-base:bookworm"]


def test_settings_hold_while_it_is_made_and_when_it_runs() -> None:
    _, final = sections(container_images.definition(IMAGES["gpu"]))

    for setting in ("KERAS_BACKEND=tensorflow", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"):
        assert f"    export {setting}\n" in final["environment"]
        assert f"    export {setting}\n" in final["post"]


def test_a_base_that_is_not_declared_is_a_mistake() -> None:
    with pytest.raises(ImagesError, match="no base 'alpine'; there are python, debian"):
        container_images.definition(IMAGES["cpu"], "alpine")


def test_packages_besides_the_lock_are_refused(image: DeclaredImage) -> None:
    more = Requirement(name="ours", pinned="ours==1", hashes="--hash=sha256:1", wheel=None)

    with pytest.raises(ImagesError, match=r"images\.cpu\.requirements: no definition file installs more packages"):
        container_images.definition(replace(image, more=(more,)))
