"""A machine to be examined: a fake engine on a real socket, fake programs on PATH, fake GPUs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Thread
from typing import Any

import pytest

from harness.meters import nvml
from tests.container_images import conftest as images
from tests.meters.fake_nvml import FakeDevice, FakeNvml

# The images' project and the fake client that builds them.
engine = images.engine
project, image, built = images.project, images.image, images.built


@dataclass
class FakeDaemon:
    """An engine that says of itself what it is told to, and does nothing."""

    info: dict[str, Any] = field(
        default_factory=lambda: {
            "ServerVersion": "28.3.0",
            "Driver": "overlay2",
            "CgroupVersion": "2",
            "DockerRootDir": "/",
            "SecurityOptions": ["name=seccomp,profile=builtin"],
            "DiscoveredDevices": [],
        }
    )
    version: dict[str, Any] = field(default_factory=lambda: {"ApiVersion": "1.51", "MinAPIVersion": "1.24"})

    def answer(self, path: str) -> dict[str, Any] | None:
        return {"version": self.version, "info": self.info}.get(path.rsplit("/", 1)[-1])


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    """The engine that the environment names."""
    fake = FakeDaemon()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = fake.answer(self.path)
            body = json.dumps(answer or {"message": "page not found"}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a socket"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            del format, args

    socket = tmp_path / "engine.sock"
    with ThreadingUnixStreamServer(str(socket), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
        yield fake
        server.shutdown()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put a fake program on PATH, which does what its few lines of shell say."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, does: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def found() -> Callable[..., nvml.Found]:
    """Return what NVML finds on a machine with these devices."""

    def look(*devices: FakeDevice, **library: Any) -> nvml.Found:
        return nvml.find_through(FakeNvml(*devices, **library))

    return look
