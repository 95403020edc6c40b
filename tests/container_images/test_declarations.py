from __future__ import annotations

from pathlib import Path

import pytest

from harness import container_images
from harness.errors import ImagesError
from tests.container_images.conftest import DECLARED, ROOT, write


def test_images_are_read_with_their_bases_in_order_of_preference(project: Path) -> None:
    cpu, gpu = container_images.load(project / "docker/images.toml")

    assert (cpu.name, cpu.tag, cpu.target, cpu.lock) == (
        "cpu",
        "tuner-harness:cpu",
        "cpu",
        "requirements/image-cpu.txt",
    )
    assert list(cpu.bases) == ["python", "debian"]
    assert list(gpu.bases) == ["debian"]
    assert cpu.root == project


def test_the_shipped_file_names_bases_by_digest_or_says_what_makes_them() -> None:
    cpu, gpu = container_images.load(ROOT / "docker/images.toml")

    assert (cpu.target, gpu.target) == ("cpu", "gpu")
    for base in [*cpu.bases.values(), *gpu.bases.values()]:
        assert "@sha256:" in base.reference or (ROOT / str(base.made_by)).is_file()


def test_the_dockerfile_and_the_shipped_file_name_the_same_base() -> None:
    cpu, _ = container_images.load(ROOT / "docker/images.toml")

    assert f"ARG BASE_IMAGE={cpu.bases['python'].reference}\n" in (ROOT / "docker/Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('target = "cpu"', 'target = "tpu"', "images.cpu.target: input should be 'cpu' or 'gpu'"),
        ('tag = "tuner-harness:cpu"', 'tag = "two words"', "images.cpu.tag: "),
        ('tag = "tuner-harness:cpu"\n', "", "images.cpu.tag: field required"),
        ('bases = ["debian"]', "bases = []", "images.gpu.bases: "),
        ('bases = ["debian"]', 'bases = ["alpine"]', "images.gpu.bases: no base 'alpine'; there are python, debian"),
        ("image-gpu.txt", "image-tpu.txt", "images.gpu.lock: no file "),
        ("[images.cpu]", "[images.cpu", "not TOML"),
        ("[bases.debian]", "[bases.debian]\ncolour = 1", "bases.debian.colour: extra"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_key(project: Path, old: str, new: str, said: str) -> None:
    write(project, {"docker/images.toml": DECLARED.replace(old, new)})

    with pytest.raises(ImagesError) as told:
        container_images.load(project / "docker/images.toml")

    assert said in str(told.value)
    assert str(told.value).startswith(str(project / "docker/images.toml"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "[bases]\n[images]\n"])
def test_a_file_without_images_is_a_mistake(project: Path, text: str) -> None:
    write(project, {"docker/images.toml": text})

    with pytest.raises(ImagesError, match="images"):
        container_images.load(project / "docker/images.toml")


def test_a_missing_file_says_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match=r"can't be read \(No such file or directory\); leave --file out"):
        container_images.load(tmp_path / "docker/images.toml")
