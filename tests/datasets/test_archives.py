from __future__ import annotations

import errno
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from harness import errors
from harness.datasets import archives


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

    archives.unpack(archive, tmp_path / "out")

    assert contents(tmp_path / "out") == {"photos/ö ä/1.jpg": b"one"}


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("train/", b""), ("train/cat/1.png", b"one"), ("train/dog/2.png", b""))

    archives.unpack(archive, tmp_path / "out")

    assert contents(tmp_path / "out") == {"train/cat/1.png": b"one", "train/dog/2.png": b""}


@pytest.mark.parametrize("name", ["/etc/owned", "../owned", "a/../../owned", "a\\..\\..\\owned", "C:/owned", "."])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    for archive in (
        tar(tmp_path / "a.tgz", plain(name)),
        zipped(tmp_path / "a.zip", (name, b"x")),
    ):
        with pytest.raises(errors.DatasetError, match="leaves its folder"):
            archives.unpack(archive, tmp_path / "out")
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
        archives.unpack(tar(tmp_path / "a.tgz", member), tmp_path / "out")


def test_links_of_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16

    with pytest.raises(errors.DatasetError, match="a link or device"):
        archives.unpack(zipped(tmp_path / "a.zip", (link, b"/etc/passwd")), tmp_path / "out")


@pytest.mark.parametrize("make", ["tar", "zip"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, make: str) -> None:
    body = bytes(5_000_000)
    archive = tar(tmp_path / "a", plain("big", body)) if make == "tar" else zipped(tmp_path / "a", ("big", body))

    with pytest.raises(errors.DatasetError, match="unpacks to more than 1,000,000 bytes"):
        archives.unpack(archive, tmp_path / "out", limits=archives.UnpackLimits(unpacked_bytes=1_000_000))
    assert (tmp_path / "out" / "big").stat().st_size <= 1_000_001


def test_what_fills_the_limits_just_so_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("one", b"12345"), ("two", b"67890"))

    archives.unpack(archive, tmp_path / "out", limits=archives.UnpackLimits(unpacked_bytes=10, files=2))

    assert contents(tmp_path / "out") == {"one": b"12345", "two": b"67890"}


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", *((f"{number}", b"") for number in range(4)))

    with pytest.raises(errors.DatasetError, match="or 3 files"):
        archives.unpack(archive, tmp_path / "out", limits=archives.UnpackLimits(files=3))


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
            archives.unpack(tmp_path / name, tmp_path / "out")


def test_folders_are_unpacked_too_and_the_whole_may_be_one_of_them(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tgz", special("./", tarfile.DIRTYPE), special("./a/b", tarfile.DIRTYPE), plain("./c"))

    archives.unpack(archive, tmp_path / "out")

    assert (tmp_path / "out/a/b").is_dir()
    assert contents(tmp_path / "out") == {"c": b"x"}


@pytest.mark.parametrize("make", ["tar", "zip"])
def test_folders_count_as_files_do(tmp_path: Path, make: str) -> None:
    names = [f"{number}/" for number in range(4)]
    archive = (
        tar(tmp_path / "a", *(special(name, tarfile.DIRTYPE) for name in names))
        if make == "tar"
        else zipped(tmp_path / "a", *((name, b"") for name in names))
    )

    with pytest.raises(errors.DatasetError, match="or 3 files"):
        archives.unpack(archive, tmp_path / "out", limits=archives.UnpackLimits(files=3))


def test_a_folder_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match="leaves its folder"):
        archives.unpack(tar(tmp_path / "a.tgz", special("../owned", tarfile.DIRTYPE)), tmp_path / "out")
    assert not list(tmp_path.rglob("*owned*"))


@pytest.mark.parametrize("name", ["n" * 256, "a/" + "ö" * 200, "/".join(["d" * 200] * 30)])
def test_names_that_no_disk_takes_are_told_in_one_line(tmp_path: Path, name: str) -> None:
    for archive in (tar(tmp_path / "a.tgz", plain(name)), zipped(tmp_path / "a.zip", (name, b"x"))):
        with pytest.raises(errors.DatasetError, match=r"can't be unpacked \(File name too long\)") as caught:
            archives.unpack(archive, tmp_path / "out")
        assert "\n" not in str(caught.value)


def test_long_names_are_cut_where_they_are_told(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("../" + "n" * 60_000, b"x"))

    with pytest.raises(errors.DatasetError, match="leaves its folder") as caught:
        archives.unpack(archive, tmp_path / "out")
    assert len(str(caught.value)) < 400


def test_encrypted_members_are_told(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("cat.png", b"x"))
    body = bytearray(archive.read_bytes())
    body[6] |= 1  # the flag of the member's own header, and of its entry in the list
    body[body.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(body)

    with pytest.raises(errors.DatasetError, match=r"holds 'cat\.png', which is encrypted; unpack it yourself"):
        archives.unpack(archive, tmp_path / "out")


def test_a_method_of_compression_that_python_lacks_is_told(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("cat.png", b"x"))
    body = bytearray(archive.read_bytes())
    body[8] = body[body.index(b"PK\x01\x02") + 10] = 97
    archive.write_bytes(body)

    with pytest.raises(errors.DatasetError, match=r"a\.zip: can't be unpacked \(.*compression"):
        archives.unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("packed", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_that_is_cut_off_anywhere_is_told(tmp_path: Path, packed: str) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, packed) as written:  # type: ignore[call-overload]  # modes are literals there
        for number in range(3):
            member, body = plain(f"{number}", bytes(range(256)) * 8)
            member.size = len(body)
            written.addfile(member, io.BytesIO(body))
    whole = archive.read_bytes()
    used = 3 * (512 + 2048) if packed == "w" else len(whole) - 8
    for number, end in enumerate(sorted({1, 700, 512 + 2048, 2 * (512 + 2048), 2 * (512 + 2048) + 100, used})):
        if end > used:
            continue
        archive.write_bytes(whole[:end])
        with pytest.raises(errors.DatasetError, match="can't be unpacked"):
            archives.unpack(archive, tmp_path / f"out-{number}")


def test_a_tar_with_garbage_between_its_members_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as written:
        for name in ("one", "two"):
            written.addfile(tarfile.TarInfo(name))
    body = archive.read_bytes()
    archive.write_bytes(body[:512] + b"?" * 512 + body[512:])

    with pytest.raises(errors.DatasetError, match="cut off, or damaged within"):
        archives.unpack(archive, tmp_path / "out")


def test_a_tar_whose_last_file_is_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("inside", b"x")).read_bytes()
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as written:
        member, _ = plain("inner.zip")
        member.size = len(inner)
        written.addfile(member, io.BytesIO(inner))

    archives.unpack(archive, tmp_path / "out")

    assert contents(tmp_path / "out") == {"inner.zip": inner}


def test_a_disk_that_is_full_is_not_the_archives_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives, "_copy", full)

    with pytest.raises(OSError, match="No space left"):
        archives.unpack(zipped(tmp_path / "a.zip", ("one", b"1")), tmp_path / "out")
