"""The harness as a wheel brings it, called far from any checkout: it makes the very images that a checkout makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import container_images
from tests.container_images.conftest import ROOT, FakeEngine

pytestmark = pytest.mark.seconds

BUILT_FROM = (
    "benchmarks",
    "docker",
    "harness",
    "requirements",
    ".dockerignore",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "setup.py",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the harness, installed from a wheel that was made of the sources' archive."""
    folder = tmp_path_factory.mktemp("from a wheel")
    (folder / "sources").mkdir()
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / "sources" / name)
    make = "import setuptools.build_meta as made; print(made.build_wheel(made_of))"
    call(["-c", f"made_of = {str(folder)!r}; {make}"], cwd=folder / "sources")
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "installed", "zip")
    return folder / "installed"


def call(arguments: list[str], *, cwd: Path, **environment: str) -> str:
    command, environment = [sys.executable, *arguments], {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def harness(installed: Path, folder: Path, *arguments: str) -> str:
    return call(["-m", "harness", *arguments], cwd=folder, PYTHONPATH=str(installed))


def test_an_image_from_a_wheel_is_made_from_the_same_as_from_a_checkout(
    installed: Path, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    container_images.build(container_images.load(ROOT / "docker/images.toml")[0])
    tag = "tuner-harness:cpu"
    context, labels = engine.state["contents"], engine.state["images"][tag]["Config"]["Labels"]

    assert harness(installed, tmp_path, "images", "build") == f"{tag}: built on {labels['tuner-harness.base']}\n"

    assert engine.state["contents"] == context
    assert engine.state["images"][tag]["Config"]["Labels"] == labels


def test_images_are_listed_from_a_wheel_and_what_makes_a_base_is_named_in_full(
    installed: Path, engine: FakeEngine, tmp_path: Path
) -> None:
    listed = json.loads(harness(installed, tmp_path, "images", "list", "--json"))
    assert [one["name"] for one in listed] == ["cpu", "gpu"]

    engine.becomes(images={})
    with pytest.raises(AssertionError, match=f"{installed}/harness/image_sources/docker/base-from-debian.sh makes it"):
        harness(installed, tmp_path, "images", "build", "--base", "debian")
    assert (installed / "harness/image_sources/docker/base-from-debian.sh").is_file()


def test_a_wheel_brings_matrices_that_are_known_by_their_names(installed: Path, tmp_path: Path) -> None:
    plan = json.loads(harness(installed, tmp_path, "plan", "smoke", "--executor", "local", "--json"))

    assert (plan["matrix"], plan["pending"]) == ("smoke", 3)
