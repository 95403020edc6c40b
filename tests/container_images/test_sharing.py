"""Images to and from registries and folders, through a fake of docker's client; test_real_sharing.py has real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import container_images, image_labels
from harness.container_images import DeclaredImage
from harness.errors import EngineError, ImagesError
from tests.container_images.conftest import FakeEngine

DIGEST = "sha256:" + "d" * 64


def test_what_is_pushed_is_named_by_the_digest_that_its_registry_gave_it(
    built: DeclaredImage, engine: FakeEngine
) -> None:
    assert container_images.push(built, "lab:5000/ours:1") == f"lab:5000/ours@{DIGEST}"
    assert engine.calls("push") == [["push", "lab:5000/ours:1"]]


def test_what_is_not_as_these_sources_have_it_is_not_pushed(
    built: DeclaredImage, project: Path, engine: FakeEngine
) -> None:
    (project / "harness/search_loop.py").write_text("2\n")

    with pytest.raises(ImagesError, match="sources changed since it was built"):
        container_images.push(built, "lab:5000/ours")
    assert engine.calls("push") == []


@pytest.mark.parametrize("target", ["ours", f"lab/ours@{DIGEST}"])
def test_a_place_that_is_none_is_refused(built: DeclaredImage, target: str) -> None:
    with pytest.raises(ImagesError, match="no place to push to; give HOST/NAME, HOST/NAME:TAG, or oci:DIR"):
        container_images.push(built, target)


def test_a_registry_that_is_out_of_reach_is_the_machines_trouble(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(registry=False)

    with pytest.raises(EngineError, match="docker push failed"):
        container_images.push(built, "lab:5000/ours")


def test_an_image_goes_through_a_folder_and_keeps_its_id(
    built: DeclaredImage, engine: FakeEngine, tmp_path: Path
) -> None:
    name = container_images.push(built, f"oci:{tmp_path / 'shared'}")
    image = image_labels.id_in(name)

    assert container_images.pull(f"oci:{tmp_path / 'shared'}@{image}") == name
    assert engine.state["images"][image_labels.local_name(name)]["Id"] == image


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("reference", ["lab/ours:1", "lab/ours", "oci:/shared", "lab/ours@sha256:12"])
def test_a_name_that_may_be_any_image_is_not_pulled(reference: str) -> None:
    with pytest.raises(ImagesError, match=r"names no one image; give .*@sha256:…, as harness images push printed it"):
        container_images.pull(reference)


@pytest.mark.usefixtures("engine")
def test_an_image_that_no_registry_has_says_so() -> None:
    with pytest.raises(ImagesError, match=f"no registry has it; harness images pull oci:DIR@{DIGEST}"):
        container_images.pull(f"tuner-harness@{DIGEST}")


def test_what_is_pulled_is_known_for_the_declared_image_that_it_is(built: DeclaredImage, engine: FakeEngine) -> None:
    name = container_images.push(built, "lab:5000/ours:1")
    engine.becomes(images={name: engine.state["images"].pop(built.tag)})

    same = container_images.same([built], name)

    assert same is built
    container_images.take(built, name)
    assert container_images.stale(built) == []


@pytest.mark.usefixtures("engine")
def test_what_is_pulled_and_made_from_something_else_is_no_declared_image(built: DeclaredImage) -> None:
    container_images.pull(f"lab/other@{DIGEST}")

    assert container_images.same([built], f"lab/other@{DIGEST}") is None


def test_the_list_has_the_digests(built: DeclaredImage) -> None:
    container_images.push(built, "lab:5000/ours:1")

    assert [one.digests for one in container_images.held([built])] == [(f"lab:5000/ours@{DIGEST}",)]


def test_a_layout_says_which_form_it_has(built: DeclaredImage, tmp_path: Path) -> None:
    container_images.push(built, f"oci:{tmp_path / 'shared'}")

    assert json.loads((tmp_path / "shared/oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
