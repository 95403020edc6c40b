"""Packages that an image has besides its lock; the engine is a fake."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness import container_images, files
from harness.container_images import DeclaredImage, build_input_hashes, extra_packages
from harness.errors import ImagesError
from tests.container_images.conftest import DECLARED, FILES, ROOT, FakeEngine, write

WHEEL = "near_the_best-1.0-py3-none-any.whl"
SHA256 = hashlib.sha256(b"a wheel").hexdigest()
MINE = f"""\
# what our searches import
Rich_Text==13.7 ; python_version >= "3" \\
    --hash=sha256:{"1" * 64} \\
    --hash=sha256:{"2" * 64}  # two files of it

./{WHEEL} --hash=sha256:{SHA256}
"""
LOCK = "requirements/image-cpu.txt"


def declared(project: Path, mine: str = MINE, *, wheel: bytes | None = b"a wheel") -> DeclaredImage:
    """Declare the CPU image with more packages."""
    more = f'lock = "{LOCK}"\nrequirements = "requirements/mine.txt"'
    write(project, {"docker/images.toml": DECLARED.replace(f'lock = "{LOCK}"', more), "requirements/mine.txt": mine})
    write(project, {"docker/Dockerfile": f"FROM nothing\n{extra_packages.COPIED}RUN it\n"})
    if wheel is not None:
        (project / "requirements" / WHEEL).write_bytes(wheel)
    return container_images.load(project / "docker/images.toml")[0]


@pytest.fixture
def image(project: Path) -> DeclaredImage:
    return declared(project)


def test_they_are_read_with_their_hashes_and_wheels(image: DeclaredImage) -> None:
    text, wheel = image.more

    assert (text.name, text.pinned) == ("rich-text", 'Rich_Text==13.7 ; python_version >= "3"')
    assert (wheel.name, wheel.pinned) == ("near-the-best", "near-the-best==1.0")
    assert text.line == f"{text.pinned} --hash=sha256:{'1' * 64} --hash=sha256:{'2' * 64}"
    assert wheel.line == f"/build/own/{WHEEL} --hash=sha256:{SHA256}"
    assert container_images.packages_of(image) == {"numpy", "rich-text", "near-the-best"}


def test_an_image_without_them_is_what_it_was(project: Path) -> None:
    plain = container_images.load(project / "docker/images.toml")[0]

    assert (plain.requirements, plain.more, plain.locks) == (None, (), LOCK)
    assert container_images.lock_hash(plain) == files.sha256_of(project / LOCK)
    assert build_input_hashes.locked(plain) == FILES[LOCK]


def test_the_build_is_sent_one_lock_and_the_wheels(image: DeclaredImage, engine: FakeEngine) -> None:
    container_images.build(image)

    sent = engine.state["contents"]
    assert sent[f"own/{WHEEL}"] == "a wheel"
    assert sent[LOCK] == "\n".join([FILES[LOCK], *(one.line for one in image.more), ""])
    assert sent["Dockerfile"] == f"FROM nothing\n{extra_packages.COPIED}COPY own/ /build/own/\nRUN it\n"
    assert "requirements/mine.txt" not in sent


def test_where_there_is_no_wheel_the_dockerfile_is_the_shipped_one(project: Path, engine: FakeEngine) -> None:
    container_images.build(declared(project, f"rich==13.7 --hash=sha256:{'1' * 64}\n", wheel=None))

    call = engine.calls("build")[0]
    assert call[call.index("--file") + 1] == str(project / "docker/Dockerfile")
    assert "rich==13.7" in engine.state["contents"][LOCK]


def test_the_shipped_dockerfile_has_the_line_after_which_wheels_are_copied() -> None:
    assert (ROOT / "docker/Dockerfile").read_text("utf-8").count(extra_packages.COPIED) == 1


@pytest.mark.usefixtures("engine")
def test_a_dockerfile_without_that_line_is_told(image: DeclaredImage) -> None:
    write(image.root, {"docker/Dockerfile": "FROM nothing\n"})

    with pytest.raises(ImagesError, match="has no line 'COPY"):
        container_images.build(image)


@pytest.mark.usefixtures("engine")
def test_a_wheel_that_is_another_than_its_line_says_is_refused(project: Path) -> None:
    image = declared(project, wheel=b"another")

    with pytest.raises(ImagesError, match=rf"{WHEEL}: has SHA-256 {hashlib.sha256(b'another').hexdigest()}, and its"):
        container_images.build(image)


@pytest.mark.seconds
@pytest.mark.usefixtures("engine")
def test_other_packages_make_an_image_stale(image: DeclaredImage) -> None:
    container_images.build(image)
    assert container_images.stale(image) == []
    write(image.root, {"requirements/mine.txt": f"{MINE}# a remark\n"})

    (difference,) = container_images.stale(container_images.load(image.root / "docker/images.toml")[0])

    assert "the lock changed since it was built" in difference


def test_a_container_is_asked_for_them_too(image: DeclaredImage, engine: FakeEngine) -> None:
    container_images.build(image)
    engine.becomes(inside="no JSON")

    container_images.verify(image)

    assert engine.state["given"].endswith('\nRich_Text==13.7 ; python_version >= "3"\nnear-the-best==1.0\n')
    assert container_images.held([image])[0].lock == f"{LOCK} + requirements/mine.txt"


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ("rich==13.7\n", "line 1: 'rich==13.7' is none of name==version or ./FILE.whl, each with --hash=sha256:…"),
        (f"\nrich>=13 --hash=sha256:{'1' * 64}", "line 2: 'rich>=13 --hash"),
        (f"rich==1 --hash=md5:{'1' * 64}", "line 1: 'rich==1 --hash=md5"),
        ("rich==1 --hash=sha256:12", "line 1: 'rich==1 --hash=sha256:12' is none of"),
        ("--index-url https://mirror\n", "line 1: '--index-url https://mirror' is none of"),
        ("-r other.txt", "line 1: '-r other.txt' is none of"),
        ("rich==1 \\", "line 1: 'rich==1' is none of"),
        (f"../{WHEEL} --hash=sha256:{SHA256}", "is none of"),
        (f"./no_such-1.0-py3-none-any.whl --hash=sha256:{SHA256}", "line 1: no file "),
        (f"./no_wheel-1.0.zip --hash=sha256:{SHA256}", "is none of"),
        (f"NumPy==2.4.6 --hash=sha256:{'1' * 64}", "line 1: numpy stands in "),
        (f"{MINE}\nnear.the.best==2 --hash=sha256:{'1' * 64}", "line 8: near-the-best stands in "),
    ],
)
def test_a_line_that_can_not_be_followed_is_told_with_its_number(project: Path, mine: str, said: str) -> None:
    with pytest.raises(ImagesError) as told:
        declared(project, mine)

    place = project / "requirements/mine.txt"
    assert str(told.value).startswith(f"{project / 'docker/images.toml'}: images.cpu.requirements: {place}: line ")
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(project: Path) -> None:
    declared(project)
    (project / "requirements/mine.txt").unlink()

    with pytest.raises(ImagesError, match=r"mine\.txt: can't be read \(No such file or directory\)"):
        container_images.load(project / "docker/images.toml")


def test_an_empty_file_asks_for_nothing(project: Path) -> None:
    assert declared(project, "# none\n").more == ()
