from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness import container_images, image_labels
from harness.container_images import DeclaredImage, build_context
from harness.errors import EngineError, ImagesError
from tests.container_images.conftest import BASE, BASE_DIGEST, PULLED, ROOT, FakeEngine, image_of


def arguments(engine: FakeEngine) -> dict[str, str]:
    call = (engine.calls("build") + engine.calls("buildx", "build"))[0]
    given = [one.removeprefix("--build-arg=") for one in call if one.startswith("--build-arg=")]
    return dict(one.partition("=")[::2] for one in given)


def test_an_image_is_made_on_the_first_base_that_is_here_and_pinned_by_its_layers(
    image: DeclaredImage, engine: FakeEngine
) -> None:
    assert container_images.build(image) == f"{BASE}@{BASE_DIGEST}"

    assert arguments(engine)["BASE_IMAGE"] == BASE
    assert arguments(engine)["LOCK"] == "requirements/image-cpu.txt"
    assert engine.state["images"][image.tag]["Config"]["Labels"]["tuner-harness.base"] == f"{BASE}@{BASE_DIGEST}"
    assert engine.calls("pull") == []


def test_layers_above_one_another_are_hashed_as_the_oci_specification_chains_them(
    image: DeclaredImage, engine: FakeEngine
) -> None:
    engine.becomes(images={BASE: image_of(["sha256:a", "sha256:b", "sha256:c"])})
    two = hashlib.sha256(b"sha256:a sha256:b").hexdigest()
    three = hashlib.sha256(f"sha256:{two} sha256:c".encode()).hexdigest()

    assert container_images.build(image) == f"{BASE}@sha256:{three}"


def test_what_an_image_would_pin_is_known_before_it_is_built(image: DeclaredImage, engine: FakeEngine) -> None:
    planned = container_images.planned(image)
    assert engine.calls("build") == engine.calls("pull") == []

    container_images.build(image)

    assert image_labels.read(engine.state["images"][image.tag]["Config"]["Labels"]) == planned


def test_no_gpu_image_is_built_beside_an_arm_processor(
    image: DeclaredImage, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")

    with pytest.raises(ImagesError, match=r"wheels for aarch64 are built for the CPU alone; use an x86-64 host"):
        container_images.build(replace(image, target="gpu"))

    assert engine.calls("build") == []


def test_a_base_with_a_digest_comes_first_where_it_is_here(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(images={BASE: image_of([]), PULLED: image_of([])})

    assert container_images.build(image) == PULLED


def test_where_no_base_is_here_the_first_is_pulled(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(images={})

    assert container_images.build(image) == PULLED
    assert arguments(engine)["BASE_IMAGE"] == PULLED
    assert engine.calls("pull") == [["pull", PULLED]]


def test_where_the_registry_is_out_of_reach_the_way_without_one_is_told(
    image: DeclaredImage, engine: FakeEngine
) -> None:
    engine.becomes(images={}, registry=False)

    with pytest.raises(EngineError, match=r"can't be pulled; as root, .*/docker/base-from-debian\.sh makes a base"):
        container_images.build(image)
    assert engine.calls("build") == []


def test_an_earlier_image_goes_once_nobody_has_a_name_for_it(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(next_id="sha256:" + "2" * 64)

    container_images.build(built)

    assert engine.calls("image", "rm") == [["image", "rm", "sha256:" + "1" * 64]]


def test_an_earlier_image_that_a_registry_named_stays(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.holds(RepoDigests=[f"lab/ours@sha256:{'d' * 64}"])
    engine.becomes(next_id="sha256:" + "2" * 64)

    container_images.build(built)

    assert engine.calls("image", "rm") == []


def test_the_classic_builders_stage_has_a_name_so_that_the_next_build_finds_the_packages(
    image: DeclaredImage, engine: FakeEngine
) -> None:
    container_images.build(image, from_nothing=True)

    whole, stage = engine.calls("build")
    assert (whole[whole.index("--target") + 1], stage[stage.index("--target") + 1]) == ("cpu", "code")
    assert stage[stage.index("--tag") + 1] == "tuner-harness:cpu-stage"
    # The stage is what was just built, and nothing that is built once more.
    assert ("--no-cache" in whole, "--no-cache" in stage) == (True, False)


def test_buildkit_keeps_its_own_stages(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(buildx=True)

    container_images.build(image)

    assert [call[call.index("--target") + 1] for call in engine.calls("buildx", "build")] == ["cpu"]


@pytest.mark.usefixtures("engine")
def test_a_named_base_is_taken_though_another_is_here(image: DeclaredImage) -> None:
    assert container_images.build(image, base="python") == PULLED


def test_a_base_that_must_be_made_says_by_what(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(images={})

    with pytest.raises(EngineError, match=r"is not on this host; .*/docker/base-from-debian\.sh makes it"):
        container_images.build(image, base="debian")


@pytest.mark.usefixtures("engine")
def test_an_undeclared_base_is_a_mistake(image: DeclaredImage) -> None:
    with pytest.raises(ImagesError, match="no base 'alpine'; there are python, debian"):
        container_images.build(image, base="alpine")


def test_a_base_that_nothing_pins_is_not_pulled(image: DeclaredImage, engine: FakeEngine) -> None:
    loose = image.bases["python"].model_copy(update={"reference": "python:3.11"})

    with pytest.raises(ImagesError, match=r"base 'python:3\.11' has no digest; add @sha256"):
        container_images.build(replace(image, bases={"python": loose}))
    assert engine.calls("build") == []


def test_the_engine_is_sent_what_the_list_allows_and_nothing_else(image: DeclaredImage, engine: FakeEngine) -> None:
    container_images.build(image)

    assert engine.state["context"] == [
        "docker/extra-ca/README",
        "harness/search_loop.py",
        "harness/worker/__main__.py",
        "requirements/image-cpu.txt",
    ]


def test_certificates_join_the_build_and_leave_no_trace_in_the_sources(
    image: DeclaredImage, engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "proxy ca.pem").write_text("certificate")

    container_images.build(image, extra_ca=tmp_path / "proxy ca.pem")

    assert "docker/extra-ca/given.pem" in engine.state["context"]
    assert [path.name for path in (image.root / "docker/extra-ca").iterdir()] == ["README"]


def test_the_context_is_removed_though_the_build_fails(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(build_fails=True)

    with pytest.raises(EngineError, match="docker build failed"):
        container_images.build(image)

    assert not Path(engine.calls("build")[0][-1]).exists()


@pytest.mark.usefixtures("engine")
def test_what_the_build_needs_and_the_sources_lack_is_named(image: DeclaredImage) -> None:
    shutil.rmtree(image.root / "docker/extra-ca")

    with pytest.raises(ImagesError, match=r"docker/extra-ca: can't be copied for the build \(No such file"):
        container_images.build(image)


def test_proxies_are_passed_by_name_so_that_no_list_of_processes_shows_their_passwords(
    image: DeclaredImage, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy")

    container_images.build(image)

    call = engine.calls("build")[0]
    assert "--build-arg=HTTPS_PROXY" in call
    assert not any("secret" in word for word in call)


@pytest.mark.parametrize(("bridge", "network"), [(True, "default"), (False, "host")])
def test_a_build_takes_the_hosts_network_where_the_engine_has_no_bridge(
    image: DeclaredImage, engine: FakeEngine, network: str, *, bridge: bool
) -> None:
    engine.becomes(bridge=bridge)

    container_images.build(image)

    call = engine.calls("build")[0]
    assert call[call.index("--network") + 1] == network


def test_buildkit_is_used_where_the_client_has_it(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(buildx=True)

    container_images.build(image, from_nothing=True, index_url="https://mirror/simple")

    (call,) = engine.calls("buildx", "build")
    assert "--load" in call
    assert "--no-cache" in call
    assert arguments(engine)["INDEX_URL"] == "https://mirror/simple"


def test_no_engine_is_the_machines_trouble(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(answers=False)

    with pytest.raises(EngineError, match=r"no container engine answers \(Cannot connect .*; start docker"):
        container_images.build(image)


def test_no_client_is_the_machines_trouble(
    image: DeclaredImage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match="no docker client on PATH; install docker"):
        container_images.build(image)


def test_every_file_that_the_shipped_dockerfile_copies_is_in_its_context() -> None:
    copied = [
        line.split()[1].rstrip("/")
        for line in (ROOT / "docker/Dockerfile").read_text("utf-8").splitlines()
        if line.startswith("COPY") and "--from" not in line
    ]
    locks = [image.lock for image in container_images.load(ROOT / "docker/images.toml")]

    assert {*copied, *locks} - {"${LOCK}"} == set(build_context.allowed(ROOT))
