from __future__ import annotations

from harness.matrix_advice.image_sizes import LARGE, SMALL, ImageLimits, amount


def test_images_are_large_where_there_is_time_to_prepare_them() -> None:
    assert amount(150, seconds=180, processors=2) == ImageLimits(image_size=LARGE, max_images=None)


def test_they_are_smaller_before_any_is_left_out() -> None:
    assert amount(4000, seconds=180, processors=2) == ImageLimits(image_size=SMALL, max_images=None)


def test_of_very_many_some_are_drawn() -> None:
    drawn = amount(1_000_000, seconds=180, processors=2)

    assert drawn.image_size == SMALL
    assert drawn.max_images is not None
    assert 4000 < drawn.max_images < 10_000


def test_arrays_whose_number_is_unknown_are_small() -> None:
    assert amount(None, seconds=180, processors=2) == ImageLimits(image_size=SMALL, max_images=None)
