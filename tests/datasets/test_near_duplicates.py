from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_images

from harness.datasets.decoding import Pixels
from harness.datasets.near_duplicates import MOST_BITS, fingerprint, of


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of a few soft patches, as photographs have them."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))


def apart(one: Image.Image, other: Image.Image) -> int:
    first, second = fingerprint(pixels(one)), fingerprint(pixels(other))
    assert first is not None
    assert second is not None
    return (first ^ second).bit_count()


@pytest.mark.parametrize("seed", range(8))
def test_a_resized_a_blurred_and_a_brighter_copy_look_alike_and_another_picture_does_not(seed: int) -> None:
    picture = scene(seed)

    assert apart(picture, picture.resize((80, 60))) <= MOST_BITS
    assert apart(picture, picture.filter(ImageFilter.GaussianBlur(1))) <= MOST_BITS
    assert apart(picture, picture.point(lambda shade: min(255, shade + 8))) <= MOST_BITS
    assert all(apart(picture, scene(other)) > MOST_BITS for other in range(100, 150))


@pytest.mark.seconds
def test_copies_of_photographs_look_alike_and_no_others() -> None:
    """What docs/data.md says of crops of scikit-learn's two photographs, 240 by 180 pixels each."""
    photographs = [Image.fromarray(each) for each in load_sample_images().images]
    rng = np.random.default_rng(0)
    corners = [(x, y) for x, y in zip(rng.integers(0, 360, 100), rng.integers(0, 220, 100), strict=True)]
    places = [(number, int(x), int(y)) for number in (0, 1) for x, y in corners]

    def crop(number: int, x: int, y: int) -> Image.Image:
        return photographs[number].crop((x, y, x + 240, y + 180))

    def with_an_animal(picture: Image.Image) -> Image.Image:
        picture.paste((90, 70, 40), (100, 100, 130, 120))
        return picture

    def found(change: Callable[[int, int, int], Image.Image]) -> int:
        return sum(apart(crop(*place), change(*place)) <= MOST_BITS for place in places)

    prints = np.array([fingerprint(pixels(crop(*place))) for place in places], dtype=np.uint64)
    elsewhere = [
        (one, other)
        for one, other in combinations(range(200), 2)
        if one // 100 != other // 100
        or abs(places[one][1] - places[other][1]) >= 240
        or abs(places[one][2] - places[other][2]) >= 180
    ]
    firsts, seconds = np.array(elsewhere).T

    assert found(lambda *place: crop(*place).resize((120, 90))) == 200
    assert found(lambda *place: as_jpeg(crop(*place), quality=30)) >= 198
    assert 170 <= found(lambda number, x, y: crop(number, x + 2, y + 1)) <= 190
    assert 100 <= found(lambda *place: with_an_animal(crop(*place))) <= 130
    assert len(elsewhere) > 10_000
    assert np.bitwise_count(prints[firsts] ^ prints[seconds]).min() > MOST_BITS + 8


def as_jpeg(picture: Image.Image, *, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_picture_of_one_shade_has_no_fingerprint(shade: int) -> None:
    plain = np.full((40, 30, 3), shade, dtype=np.uint8)
    noisy = np.clip(plain + np.random.default_rng(1).normal(0, 1, plain.shape), 0, 255).astype(np.uint8)

    assert fingerprint(plain) is None
    assert fingerprint(noisy) is None


def test_the_smallest_picture_and_one_that_is_repeated_from_grey_have_fingerprints() -> None:
    assert fingerprint(np.array([[[0] * 3, [255] * 3]], dtype=np.uint8)) is not None
    assert fingerprint(np.broadcast_to(np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 4, (8, 8, 3))) is not None


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255) | st.none(), max_size=40))
def test_all_pairs_that_are_near_are_found_and_no_others(values: list[int | None]) -> None:
    found = of(values)

    known = sorted({value for value in values if value is not None})
    expected = [[i, j] for i, j in combinations(range(len(known)), 2) if _bits(known[i], known[j]) <= MOST_BITS]
    assert found.near.tolist() == expected
    assert [None if kind < 0 else known[kind] for kind in found.kinds] == values


def _bits(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_bits_that_differ_side_by_side_or_far_apart_are_near() -> None:
    assert of([0, 0b1111]).near.tolist() == [[0, 1]]
    assert of([0, 1 | 1 << 20 | 1 << 40 | 1 << 63]).near.tolist() == [[0, 1]]
    assert of([0, 0b11111]).near.tolist() == []


def test_what_looks_like_a_picture_of_another_part_is_found() -> None:
    #          train, train, validation, test, test, none
    values = [0, 0xFF00, 0, 0b1, 0xFF00FF, None]
    parts = np.array([0, 0, 1, 2, 2, 2])

    found = of(values)

    assert found.divided(parts).tolist() == [0, 2, 3]
    assert found.divided(np.zeros(6, dtype=int)).tolist() == []
    assert found.like(3).tolist() == [0, 2]
    assert found.like(5).tolist() == []


def test_no_pictures_look_like_none() -> None:
    assert of([]).divided(np.empty(0, dtype=int)).tolist() == []
    assert of([None, None]).divided(np.array([0, 1])).tolist() == []
