from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.datasets import tfrecord

Draw = Callable[..., Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Make a small image file of random colours below the test's folder; another seed, another picture."""

    def drawn(name: str, *, seed: int | None = None, size: tuple[int, int] = (9, 7)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(list(name.encode()) if seed is None else seed)
        Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path)
        return path

    return drawn


@pytest.fixture(scope="session")
def package_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the few real downloads of the tests go: kept between runs if HARNESS_TEST_CACHE says where."""
    return Path(os.environ.get("HARNESS_TEST_CACHE") or tmp_path_factory.mktemp("cache"))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a real server on loopback serves it."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def varint(value: int) -> bytes:
    """A whole number in protobuf's encoding."""
    value %= 1 << 64
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: bytes) -> bytes:
    """A message or bytes in protobuf's encoding."""
    return varint(number << 3 | 2) + varint(len(value)) + value


class Examples:
    """What TensorFlow writes, made without it."""

    varint, field = staticmethod(varint), staticmethod(field)

    @staticmethod
    def feature(*values: bytes | int, packed: bool = True) -> bytes:
        """A list of bytes, or of integers."""
        if all(isinstance(value, bytes) for value in values):
            return field(1, b"".join(field(1, value) for value in values if isinstance(value, bytes)))
        numbers = [varint(value) for value in values if isinstance(value, int)]
        plain = b"".join(varint(1 << 3) + number for number in numbers)
        return field(3, field(1, b"".join(numbers)) if packed else plain)

    @staticmethod
    def example(**features: bytes) -> bytes:
        """Features by their names."""
        entries = [field(1, field(1, name.encode()) + field(2, value)) for name, value in features.items()]
        return field(1, b"".join(entries))

    @staticmethod
    def write(path: Path, *records: bytes) -> Path:
        """A TFRecord file; the checksums of what is in the records are zero."""
        with path.open("wb") as stream:
            for record in records:
                length = struct.pack("<Q", len(record))
                stream.write(length + struct.pack("<I", tfrecord._masked_crc(length)) + record + bytes(4))
        return path


@pytest.fixture
def tensorflow() -> type[Examples]:
    """What TensorFlow writes, made without it."""
    return Examples
