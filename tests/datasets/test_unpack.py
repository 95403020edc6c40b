from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from harness import errors
from harness.datasets import unpack


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member, body in members:
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


def plain(name: str, body: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), body


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member, b""


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tar_is_unpacked(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tgz", special("photos", tarfile.DIRTYPE), plain("photos/ö ä/1.jpg", b"one"))

    unpack.unpack(archive, tmp_path / "out")

    assert contents(tmp_path / "out") == {"photos/ö ä/1.jpg": b"one"}


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("train/", b""), ("train/cat/1.png", b"one"), ("train/dog/2.png", b""))

    unpack.unpack(archive, tmp_path / "out")

    assert contents(tmp_path / "out") == {"train/cat/1.png": b"one", "train/dog/2.png": b""}


@pytest.mark.parametrize("name", ["/etc/owned", "../owned", "a/../../owned", "a\\..\\..\\owned", "C:/owned", "."])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    for archive in (
        tar(tmp_path / "a.tgz", plain(name)),
        zipped(tmp_path / "a.zip", (name, b"x")),
    ):
        with pytest.raises(errors.DatasetError, match="leaves its folder"):
            unpack.unpack(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("*owned*"))


@pytest.mark.parametrize(
    "member",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.SYMTYPE, "inside.txt"),
        special("link", tarfile.LNKTYPE, "../secret"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path, member: tuple[tarfile.TarInfo, bytes]) -> None:
    with pytest.raises(errors.DatasetError, match=r"holds '(link|device|pipe)', a link or device"):
        unpack.unpack(tar(tmp_path / "a.tgz", member), tmp_path / "out")


def test_links_of_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16

    with pytest.raises(errors.DatasetError, match="a link or device"):
        unpack.unpack(zipped(tmp_path / "a.zip", (link, b"/etc/passwd")), tmp_path / "out")


@pytest.mark.parametrize("make", ["tar", "zip"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, make: str) -> None:
    body = bytes(5_000_000)
    archive = tar(tmp_path / "a", plain("big", body)) if make == "tar" else zipped(tmp_path / "a", ("big", body))

    with pytest.raises(errors.DatasetError, match="unpacks to more than 1,000,000 bytes"):
        unpack.unpack(archive, tmp_path / "out", limits=unpack.Limits(unpacked_bytes=1_000_000))
    assert (tmp_path / "out" / "big").stat().st_size <= 1_000_001


def test_what_fills_the_limits_just_so_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("one", b"12345"), ("two", b"67890"))

    unpack.unpack(archive, tmp_path / "out", limits=unpack.Limits(unpacked_bytes=10, files=2))

    assert contents(tmp_path / "out") == {"one": b"12345", "two": b"67890"}


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", *((f"{number}", b"") for number in range(4)))

    with pytest.raises(errors.DatasetError, match="or 3 files"):
        unpack.unpack(archive, tmp_path / "out", limits=unpack.Limits(files=3))


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    whole = tar(tmp_path / "a.tgz", plain("a", bytes(range(256)) * 400)).read_bytes()
    twice = tar(tmp_path / "t.tgz", plain("a"), plain("a/b")).read_bytes()
    for name, body in (
        ("twice.tgz", twice),
        ("text.tgz", b"<html>not found</html>"),
        ("cut.tgz", whole[: len(whole) // 2]),
    ):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(errors.DatasetError, match=rf"{name}: can't be unpacked"):
            unpack.unpack(tmp_path / name, tmp_path / "out")
