from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.doctor import findings


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202", (1, 17, 8)),
        ("550.54.14", (550, 54, 14)),
        ("1.9", (1, 9)),
        ("", ()),
        ("none", ()),
        ("12", ()),
    ],
)
def test_the_first_version_in_a_text_is_read(text: str, numbers: tuple[int, ...]) -> None:
    assert findings.version(text) == numbers


def test_a_full_disk_is_told_with_its_remedy(tmp_path: Path) -> None:
    found = findings.disk(tmp_path / "not" / "there", what="disk", least_gib=10**9, remedy="choose --cache elsewhere")

    assert (found.state, found.remedy) == ("unfit", "choose --cache elsewhere")


def test_a_disk_with_room_is_good(tmp_path: Path) -> None:
    assert findings.disk(tmp_path / "not" / "there", what="disk", least_gib=0, remedy="").state == "good"
