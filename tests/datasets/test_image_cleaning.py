from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness import errors, files, matrix_schema
from harness.datasets import decoding, image_cleaning, lazy_images, resolving, verified_sources
from harness.datasets.part_aliases import Part

Draw = Callable[..., Path]


@dataclass
class FakePictures:
    """One-pixel pictures of the given shades; None is a broken file."""

    shades: Sequence[int | None]
    labels: NDArray[np.int32]
    parts: NDArray[np.int8]
    classes: tuple[str, ...] = ("a", "b")
    groups: None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"p{index}" for index in range(len(self.shades)))

    def picture(self, index: int) -> decoding.Pixels:
        shade = self.shades[index]
        if shade is None:
            raise decoding.Unreadable("broken")
        return np.full((1, 1, 3), shade, dtype=np.uint8)


@dataclass(kw_only=True)
class FakePicturesThatAreReplaced(FakePictures):
    """Somebody writes other pictures into the file as soon as the first is decoded."""

    path: Path

    def picture(self, index: int) -> decoding.Pixels:
        self.path.write_bytes(b"other pictures")
        return super().picture(index)


def file_in(folder: Path) -> verified_sources.Source:
    """A source of one file, which the fakes above are said to come from."""
    path = folder / "fake.npz"
    path.write_bytes(b"some pictures")
    return verified_sources.Source(name="fake", kind="npz", paths=(str(path),), content_hash=files.sha256_of(path))


def cleaned(
    shades: Sequence[int | None], labels: Sequence[int], cache: Path, parts: Sequence[int] | None = None
) -> image_cleaning.Cleaned:
    opened = FakePictures(
        shades=shades,
        labels=np.array(labels, dtype=np.int32),
        parts=np.array(parts or [Part.FREE] * len(shades), dtype=np.int8),
    )
    return image_cleaning.clean(opened, image_cleaning.survey(file_in(cache), opened, cache=cache), origin="fake")


def test_different_pictures_are_all_kept(tmp_path: Path) -> None:
    found = cleaned([1, 2, 3], [0, 1, 0], tmp_path)

    assert found == image_cleaning.Cleaned(kept=(0, 1, 2), unreadable=(), duplicates=(), contradictions=())


def test_unreadable_pictures_are_listed_with_their_reason(tmp_path: Path) -> None:
    found = cleaned([1, None, 3, None], [0, 1, 1, 0], tmp_path)

    assert found.kept == (0, 2)
    assert found.unreadable == (("p1", "broken"), ("p3", "broken"))


def test_of_duplicates_the_first_is_kept(tmp_path: Path) -> None:
    found = cleaned([7, 8, 7, 7], [0, 1, 0, 0], tmp_path)

    assert found.kept == (0, 1)
    assert found.duplicates == (("p2", "p0"), ("p3", "p0"))


def test_a_published_test_part_keeps_its_pictures(tmp_path: Path) -> None:
    parts = [Part.TRAIN, Part.TEST, Part.VALIDATION, Part.TRAIN, Part.TEST]

    found = cleaned([7, 7, 7, 9, 7], [0, 0, 0, 1, 0], tmp_path, parts)

    assert found.kept == (1, 3)
    assert found.duplicates == (("p0", "p1"), ("p2", "p1"), ("p4", "p1"))


def test_equal_pictures_with_different_labels_are_all_removed(tmp_path: Path) -> None:
    found = cleaned([7, 7, 8, 9, 7], [0, 1, 0, 1, 1], tmp_path)

    assert found.kept == (2, 3)
    assert found.contradictions == (("p0", "p1", "p4"),)
    assert found.duplicates == ()


@pytest.mark.parametrize(
    ("shades", "why"),
    [
        ([1, None], "'b' has no usable image: 1 can't be read, as p1 (broken); "),
        ([7, 7], "'a' has no usable image: equal images of other classes contradict its own; "),
        (
            [1, 7, 2, None, 7],
            (
                "'b' has no usable image: 1 can't be read, as p3 (broken), and equal images of other classes "
                "contradict the others; "
            ),
        ),
    ],
)
def test_a_class_without_a_usable_picture_is_named_with_the_reason(
    tmp_path: Path, shades: list[int | None], why: str
) -> None:
    with pytest.raises(errors.DatasetError) as caught:
        cleaned(shades, [0, 1, 0, 1, 0][: len(shades)], tmp_path)

    assert str(caught.value) == f"fake: class {why}add images or remove the class"


def test_a_survey_is_made_once(tmp_path: Path) -> None:
    source = file_in(tmp_path)
    opened = FakePictures(shades=[1, 2], labels=np.arange(2, dtype=np.int32), parts=np.zeros(2, dtype=np.int8))
    first = image_cleaning.survey(source, opened, cache=tmp_path)

    opened.shades = [None, None]

    assert image_cleaning.survey(source, opened, cache=tmp_path) == first


def test_a_survey_of_a_source_that_changed_meanwhile_is_not_kept(tmp_path: Path) -> None:
    source = file_in(tmp_path)
    opened = FakePicturesThatAreReplaced(
        shades=[1, 2], labels=np.arange(2, dtype=np.int32), parts=np.zeros(2, dtype=np.int8), path=Path(source.paths[0])
    )

    with pytest.raises(errors.MachineError, match=r"fake\.npz: changed since the run began; run it again"):
        image_cleaning.survey(source, opened, cache=tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


def test_duplicates_are_found_by_their_pixels_not_their_bytes(draw: Draw, tmp_path: Path) -> None:
    for name in ("d/a/1.png", "d/a/2.png", "d/b/1.png"):
        draw(name)
    with Image.open(tmp_path / "d/a/1.png") as picture:
        picture.save(tmp_path / "d/a/copy.bmp")
    shutil.copy(tmp_path / "d/b/1.png", tmp_path / "d/b/Kopie von 1.png")
    (tmp_path / "d/b/broken.jpg").write_bytes(b"no picture")
    source = resolving.resolve(matrix_schema.Dataset(source="folder", path="d"), base=tmp_path, cache=tmp_path)
    opened = lazy_images.open_source(source)

    found = image_cleaning.clean(opened, image_cleaning.survey(source, opened, cache=tmp_path), origin="d")

    assert found.duplicates == (("a/copy.bmp", "a/1.png"), ("b/Kopie von 1.png", "b/1.png"))
    assert found.unreadable == (("b/broken.jpg", "cannot identify image file 'broken.jpg'"),)


def test_the_same_pixels_in_another_shape_are_another_picture(tmp_path: Path) -> None:
    for name, shape in (("d/a/1.png", (2, 6)), ("d/b/1.png", (6, 2))):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.fromarray(np.full(shape, 9, dtype=np.uint8)).save(tmp_path / name)
    source = resolving.resolve(matrix_schema.Dataset(source="folder", path="d"), base=tmp_path, cache=tmp_path)
    opened = lazy_images.open_source(source)

    assert image_cleaning.clean(opened, image_cleaning.survey(source, opened, cache=tmp_path), origin="d").kept == (
        0,
        1,
    )
