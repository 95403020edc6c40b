from __future__ import annotations

from pathlib import Path

import pytest

from harness import carbon
from harness.errors import UserError
from harness.search_types import Reading

GRID = '[grids."my roof"]\ng_per_kwh = 41.5\nyear = 2025\nsource = "the meter"\n'


def _file(folder: Path, text: str) -> Path:
    path = folder / "my grids.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_shipped_grid_is_dated_and_sourced() -> None:
    names = ("world", "australia", "brazil", "canada", "china", "finland", "france", "germany", "india", "norway")
    found = [carbon.load(grid=name).grid for name in names]

    assert all(grid.year == 2023 and "https://" in grid.source and grid.g_per_kwh > 0 for grid in found)


def test_a_kilowatt_hour_of_the_world_emits_what_its_grid_says() -> None:
    assert carbon.load().emitted_g(Reading(value=3.6e6)) == Reading(value=481.0)


def test_no_joules_are_no_carbon_and_unknown_joules_unknown_carbon() -> None:
    assert carbon.load().emitted_g(Reading(value=0.0)) == Reading(value=0.0)
    assert carbon.load().emitted_g(Reading.unknown("no counter")) == Reading.unknown("no counter")


def test_a_file_of_ones_own_counts_instead(tmp_path: Path) -> None:
    own = carbon.load(_file(tmp_path, f'title = "mine"\n{GRID}'), grid="my roof")

    assert (own.name, own.title, own.grid.g_per_kwh) == ("my roof", "mine", 41.5)


@pytest.mark.parametrize(
    ("text", "grid", "said"),
    [
        (None, "germny", "carbon.toml: no grid 'germny'; did you mean 'germany'? (--grid)"),
        (None, "atlantis", "there are australia, brazil"),
        (f'title = "mine"\n{GRID}', None, "no grid 'world'; there are my roof"),
        ('title = "mine"\n[grids]\n', None, "no grid 'world'; there are none"),
        ("title = 3", None, "title: "),
        (f'title = "t"\n{GRID}'.replace("41.5", "-1"), "my roof", "grids.my roof.g_per_kwh: "),
        (f'title = "t"\n{GRID}'.replace("41.5", "nan"), "my roof", "grids.my roof.g_per_kwh: "),
        (f'title = "t"\n{GRID}'.replace("41.5", "inf"), "my roof", "grids.my roof.g_per_kwh: "),
        ("title", None, "not TOML"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(tmp_path: Path, text: str | None, grid: str | None, said: str) -> None:
    path = None if text is None else _file(tmp_path, text)

    with pytest.raises(UserError) as caught:
        carbon.load(path, grid=grid)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't be read .*; name a file of carbon intensities"):
        carbon.load(tmp_path / "none.toml")
