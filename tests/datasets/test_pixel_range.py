from __future__ import annotations

import pytest

from harness.datasets.pixel_range import too_dark


@pytest.mark.parametrize(("brightest", "way_out"), [(1, "multiply by 255;"), (15, "multiply by 17;"), (100, "by 2;")])
def test_whole_numbers_of_which_none_is_bright_are_asked_about(brightest: float, way_out: str) -> None:
    said = too_dark(brightest, is_float=False)

    assert said is not None
    assert said.startswith(f"whole numbers from 0 to {brightest} alone, which are all black or nearly so where 255")
    assert way_out in said
    assert said.endswith("if they are meant to be so dark, divide by 255: floats from 0 to 1 are taken as they are")


def test_bright_or_dark_floats_are_taken_as_they_are() -> None:
    assert too_dark(128, is_float=False) is None
    assert too_dark(15 / 255, is_float=True) is None


def test_floats_that_were_divided_twice_are_asked_about() -> None:
    assert "all black or nearly so where 1 is white; bring" in str(too_dark(1 / 255, is_float=True))


def test_black_is_black() -> None:
    assert (too_dark(0, is_float=False), too_dark(0.0, is_float=True)) == (None, None)
