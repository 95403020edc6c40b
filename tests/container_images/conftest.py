"""A small project with images to build, and a fake engine to build them with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import container_images
from harness.container_images import DeclaredImage

ROOT = Path(__file__).parents[2]
BASE = "tuner-harness-base:bookworm"
BASE_ID = "sha256:" + "b" * 64
BASE_DIGEST = "sha256:" + "7" * 64
"""The digest of the one layer that the base has, and so of the base."""
PULLED = "python:3.11-slim-bookworm@sha256:" + "a" * 64
DECLARED = f"""\
[bases.python]
reference = "{PULLED}"
[bases.debian]
reference = "{BASE}"
made_by = "docker/base-from-debian.sh"
[images.cpu]
tag = "tuner-harness:cpu"
target = "cpu"
lock = "requirements/image-cpu.txt"
bases = ["python", "debian"]
[images.gpu]
tag = "tuner-harness:gpu"
target = "gpu"
lock = "requirements/image-gpu.txt"
bases = ["debian"]
"""
FILES = {
    ".dockerignore": "*\n!harness\n!requirements/image-cpu.txt\n!docker/extra-ca\n**/__pycache__\n",
    "docker/images.toml": DECLARED,
    "docker/Dockerfile": "FROM nothing\n",
    "docker/extra-ca/README": "certificates",
    "requirements/image-cpu.txt": "numpy==2.4.6 \\\n    --hash=sha256:0\n",
    "requirements/image-gpu.txt": "numpy==2.4.6 \\\n    --hash=sha256:0\n",
    "requirements/setup.txt": "uv==1\n",
    "harness/search_loop.py": "1\n",
    "harness/worker/__main__.py": "import harness.search_loop\n",
    "harness/__pycache__/search.pyc": "1\n",
    "private.txt": "none of the engine's business\n",
}


def image_of(layers: list[str], **config: Any) -> dict[str, Any]:
    return {"Id": BASE_ID, "Config": config, "RootFS": {"Layers": layers}, "Size": 1}


@dataclass(frozen=True, slots=True)
class FakeEngine:
    """The engine that the fake client speaks of."""

    file: Path

    @property
    def state(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        return read

    def becomes(self, **changed: Any) -> None:
        self.file.write_text(json.dumps({**self.state, **changed}), "utf-8")

    def holds(self, **found: Any) -> None:
        """Change fields of the CPU image's description."""
        held = self.state["images"]
        held["tuner-harness:cpu"] = {**held["tuner-harness:cpu"], **found}
        self.becomes(images=held)

    def finds_inside(self, **changed: Any) -> None:
        """Change what the CPU image's container says of itself."""
        self.becomes(inside=json.dumps({**json.loads(self.state["inside"]), **changed}))

    def calls(self, *beginning: str) -> list[list[str]]:
        return [call for call in self.state["calls"] if call[: len(beginning)] == list(beginning)]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine with a bridge, without BuildKit, which has the local base alone."""
    tools = tmp_path / "tools"
    tools.mkdir()
    client = tools / "docker"
    fake = Path(__file__).with_name("fake_docker.py")
    client.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{fake}" "$@"\n')
    client.chmod(0o755)
    state = {
        "answers": True, "bridge": True, "buildx": False, "build_fails": False, "calls": [], "inside": None,
        "images": {BASE: image_of([BASE_DIGEST])}, "registry": True,
    }  # fmt: skip
    file = tmp_path / "engine.json"
    file.write_text(json.dumps(state), "utf-8")
    monkeypatch.setenv("FAKE_DOCKER", str(file))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return FakeEngine(file)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Sources with a space and an umlaut in their path."""
    root = tmp_path / "my prüject"
    write(root, FILES)
    return root


@pytest.fixture
def image(project: Path) -> DeclaredImage:
    return container_images.load(project / "docker/images.toml")[0]


@pytest.fixture
def built(image: DeclaredImage, engine: FakeEngine) -> DeclaredImage:
    """The CPU image, built, with what its container truly finds in itself."""
    container_images.build(image)
    labels = engine.state["images"][image.tag]["Config"]["Labels"]
    inside = {
        "expected": {"numpy": "2.4.6"},
        "installed": {"numpy": "2.4.6"},
        "altered": [],
        "source": labels["tuner-harness.source-hash"],
        "environment": "e" * 64,
        "uid": 10001,
    }
    engine.becomes(inside=json.dumps(inside))
    return image


def write(root: Path, contents: Mapping[str, str]) -> None:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


@pytest.fixture(scope="session")
def real_engine() -> str:
    """The docker client, where a real engine answers; elsewhere the test is reported as not run, or failed in CI."""
    client = shutil.which("docker")
    asked = None if client is None else subprocess.run([client, "info"], capture_output=True, text=True, check=False)
    if client is not None and asked is not None and asked.returncode == 0:
        return client
    reason = "no container engine answers; docker/test-engine.sh start starts one"
    if os.environ.get("HARNESS_TESTS_NEED_ENGINE"):
        pytest.fail(reason)
    pytest.skip(reason)
