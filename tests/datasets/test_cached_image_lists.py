from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.datasets import cached_image_lists
from harness.datasets.image_folders import ImageFile, Layout
from harness.datasets.part_aliases import Part

LAYOUT = Layout(
    files=(
        ImageFile(path=Path("/data/Gämse 1.png"), name="Gämse 1.png", label="Gämse", part=Part.FREE),
        ImageFile(path=Path("/data/2.png"), name="2.png", label="犬", part=Part.TEST),
    ),
    skipped=("notes.txt",),
    is_listed=True,
)


@pytest.mark.parametrize("groups", [None, ("A", "B")])
def test_a_list_is_read_as_it_was_written(tmp_path: Path, groups: tuple[str, ...] | None) -> None:
    layout = replace(LAYOUT, groups=groups)

    cached_image_lists.write(tmp_path, cached_image_lists.text_of(layout))

    assert cached_image_lists.read(tmp_path / cached_image_lists.NAME) == layout


def test_relative_paths_begin_at_the_lists_folder(tmp_path: Path) -> None:
    layout = replace(LAYOUT, files=(replace(LAYOUT.files[0], path=Path("00/1.png")),))
    cached_image_lists.write(tmp_path, cached_image_lists.text_of(layout))

    assert cached_image_lists.read(tmp_path / cached_image_lists.NAME).files[0].path == tmp_path / "00/1.png"
