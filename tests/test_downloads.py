from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness import downloads, errors

BODY = b"weights " * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


class Loopback:
    """A small real server: ``bodies`` by path; ``announced`` overrides the length that is announced."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.announced: dict[str, int] = {}
        self.requests: list[str] = []
        self.half_sent = threading.Event()
        self.go_on = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                loopback.serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(request.path)
        body = self.bodies.get(request.path)
        if body is None:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(self.announced.get(request.path, len(body))))
        request.end_headers()
        request.wfile.write(body[: len(body) // 2])
        if request.path.startswith("/slow"):
            self.half_sent.set()
            self.go_on.wait(20)
            return
        request.wfile.write(body[len(body) // 2 :])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("no_proxy", "*")
    served = Loopback()
    served.bodies = {"/w.h5": BODY, "/slow.h5": BODY}
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.go_on.set()
    served.server.shutdown()
    thread.join()
    served.server.server_close()


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob(".*")]


def test_a_file_is_stored_under_its_hash(loopback: Loopback, tmp_path: Path) -> None:
    path = downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path)

    assert path == tmp_path / "downloads" / SHA256 / "w.h5"
    assert path.read_bytes() == BODY
    assert leftovers(tmp_path) == []


def test_a_file_is_downloaded_once(loopback: Loopback, tmp_path: Path) -> None:
    for _ in range(3):
        downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path)

    assert loopback.requests == ["/w.h5"]


def test_file_addresses_with_spaces_and_umlauts_work(tmp_path: Path) -> None:
    original = tmp_path / "größe eins.bin"
    original.write_bytes(BODY)

    path = downloads.from_url(original.as_uri(), name="a b é.bin", sha256=SHA256, cache=tmp_path / "cache")

    assert path.read_bytes() == BODY


def test_another_file_than_pinned_is_refused_and_not_kept(loopback: Loopback, tmp_path: Path) -> None:
    with pytest.raises(errors.SourceUnreachable) as caught:
        downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256="a" * 64, cache=tmp_path)

    message = str(caught.value)
    assert f"expected SHA256 {'a' * 64}, found {SHA256}" in message
    assert str(tmp_path / "downloads" / ("a" * 64) / "w.h5") in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_put_there_by_hand_is_taken_without_a_download(loopback: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "downloads" / SHA256 / "w.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)

    assert downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path) == path
    assert loopback.requests == []


@pytest.mark.parametrize("content", [b"something else", b""])
def test_a_wrong_file_put_there_by_hand_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "downloads" / SHA256 / "w.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(errors.UserError, match="delete it to fetch it anew"):
        downloads.from_url("http://127.0.0.1:1/w.h5", name="w.h5", sha256=SHA256, cache=tmp_path)
    assert path.read_bytes() == content


def test_a_download_that_breaks_off_is_not_kept(loopback: Loopback, tmp_path: Path) -> None:
    loopback.announced["/w.h5"] = len(BODY) + 10

    with pytest.raises(errors.SourceUnreachable, match=r"broke off after 8000 of 8010 bytes|IncompleteRead"):
        downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_empty_download_is_refused(loopback: Loopback, tmp_path: Path) -> None:
    loopback.bodies["/empty"] = b""

    with pytest.raises(errors.SourceUnreachable, match="is empty"):
        downloads.from_url(loopback.url("/empty"), name="empty", sha256=None, cache=tmp_path)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/w.h5", "file:///nowhere/w.h5"])
def test_an_unreachable_address_says_which_file_to_put_where(tmp_path: Path, address: str) -> None:
    with pytest.raises(errors.SourceUnreachable) as caught:
        downloads.from_url(address, name="w.h5", sha256=SHA256, cache=tmp_path)

    message = str(caught.value)
    assert address in message
    assert f"put the file (SHA-256 {SHA256}) at {tmp_path / 'downloads' / SHA256 / 'w.h5'} by hand" in message
    assert "\n" not in message


def test_a_missing_page_is_named(loopback: Loopback, tmp_path: Path) -> None:
    with pytest.raises(errors.SourceUnreachable, match="404"):
        downloads.from_url(loopback.url("/other"), name="w.h5", sha256=SHA256, cache=tmp_path)


def test_a_known_md5_is_verified(loopback: Loopback, tmp_path: Path) -> None:
    downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=None, md5=MD5, cache=tmp_path)

    with pytest.raises(errors.SourceUnreachable, match=f"expected MD5 {'0' * 32}, found {MD5}"):
        downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=None, md5="0" * 32, cache=tmp_path / "other")


def test_a_file_without_a_pinned_hash_is_trusted_once_and_verified_from_then_on(
    loopback: Loopback, tmp_path: Path
) -> None:
    path = downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=None, cache=tmp_path)
    assert path.with_name("w.h5.sha256").read_text(encoding="utf-8").strip() == SHA256
    assert downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=None, cache=tmp_path) == path

    path.write_bytes(BODY[:-1])

    with pytest.raises(errors.UserError, match=f"expected SHA256 {SHA256}"):
        downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=None, cache=tmp_path)


def test_two_fetches_at_once_both_get_the_file(loopback: Loopback, tmp_path: Path) -> None:
    def get(_: int) -> bytes:
        return downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(get, range(8))) == {BODY}
    assert leftovers(tmp_path) == []


def test_a_killed_download_leaves_nothing_that_is_taken_for_the_file(loopback: Loopback, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness import downloads; "
        "downloads.from_url(sys.argv[1], name='w.h5', sha256=sys.argv[2], cache=Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, loopback.url("/slow.h5"), SHA256, str(tmp_path)]
    with subprocess.Popen(command) as process:
        assert loopback.half_sent.wait(20)
        process.kill()

    assert not (tmp_path / "downloads" / SHA256 / "w.h5").exists()
    path = downloads.from_url(loopback.url("/w.h5"), name="w.h5", sha256=SHA256, cache=tmp_path)
    assert path.read_bytes() == BODY


def wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny_pictures-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_pictures/one.bin", b"one")
        archive.writestr(
            "tiny_pictures-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-pictures\nVersion: 1.0\n"
        )
        archive.writestr("tiny_pictures-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_pictures-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def local_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A folder of wheels is an index that pip understands, through the user's own settings.
    served = wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(served.parent))
    return served


@pytest.mark.seconds
def test_a_wheel_comes_through_pip_with_the_users_settings(local_index: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(local_index.read_bytes()).hexdigest()

    path = downloads.from_package("tiny-pictures", "1.0", sha256=sha256, cache=tmp_path / "cache")

    assert path == tmp_path / "cache" / "downloads" / sha256 / local_index.name
    assert downloads.read_member(path, "tiny_pictures/one.bin") == b"one"
    assert leftovers(tmp_path / "cache") == []


@pytest.mark.seconds
def test_a_wheel_with_another_hash_is_refused(local_index: Path, tmp_path: Path) -> None:
    found = hashlib.sha256(local_index.read_bytes()).hexdigest()

    with pytest.raises(errors.SourceUnreachable, match=f"{'b' * 64}.*{found}"):
        downloads.from_package("tiny-pictures", "1.0", sha256="b" * 64, cache=tmp_path / "cache")


@pytest.mark.seconds
@pytest.mark.usefixtures("local_index")
def test_a_package_that_pip_does_not_find_says_where_to_put_the_wheel(tmp_path: Path) -> None:
    with pytest.raises(errors.SourceUnreachable) as caught:
        downloads.from_package("tiny-pictures", "2.0", sha256="c" * 64, cache=tmp_path)

    message = str(caught.value)
    assert message.startswith("tiny-pictures==2.0: pip can't download it (")
    assert f"put its wheel (SHA-256 {'c' * 64}) into {tmp_path / 'downloads' / ('c' * 64)} by hand" in message
    assert "No matching distribution" in message
    assert "\n" not in message


def test_a_wheel_put_there_by_hand_is_taken_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    made = wheel(tmp_path / "made")
    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    path = tmp_path / "downloads" / sha256 / made.name
    path.parent.mkdir(parents=True)
    made.rename(path)

    assert downloads.from_package("tiny-pictures", "1.0", sha256=sha256, cache=tmp_path) == path


def test_a_wrong_wheel_put_there_by_hand_is_refused(tmp_path: Path) -> None:
    wheel(tmp_path / "downloads" / ("d" * 64))

    with pytest.raises(errors.UserError, match=f"expected SHA256 {'d' * 64}"):
        downloads.from_package("tiny-pictures", "1.0", sha256="d" * 64, cache=tmp_path)


@pytest.mark.parametrize(
    ("present", "used"), [("pip", ["pip"]), ("pip3", ["pip3"]), ("uv", ["uv", "tool", "run", "pip"])]
)
def test_an_environment_without_pip_borrows_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: str, used: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / present
    program.touch()
    program.chmod(0o755)

    assert [Path(word).name for word in downloads._pip()] == used


def test_without_any_pip_python_is_left_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setenv("PATH", "")

    assert downloads._pip() == [sys.executable, "-m", "pip"]


def test_a_member_that_is_not_there_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        downloads.read_member(wheel(tmp_path), "tiny_pictures/two.bin")
