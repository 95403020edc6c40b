from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.campaign import tuner_files
from harness.errors import UserError


@pytest.mark.parametrize(
    "text",
    [
        "def create(space): ...",
        "class create: ...",
        "from elsewhere import make as create",
        "create = 3",
        "# ü\ncreate = 1",
    ],
)
def test_a_file_that_defines_a_maker_is_known_by_what_it_holds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ü ber.py"
    path.write_text(text, "utf-8")

    found = tuner_files.resolve("ü ber.py", base=tmp_path)

    assert found == {"path": str(path), "sha256": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "defines no create"),
        (b"def make(): ...", "defines no create; docs/add-a-tuner.md shows one"),
        (b"def create(:\n", "line 1: is no Python (invalid syntax); mend it"),
        (b"x = 1\ny = (\n", "line 2: is no Python"),
        (b"create = '\0'", "is no Python"),
        (b"\xff\xfe", "is no Python"),
    ],
)
def test_any_other_is_refused_with_its_place_and_nothing_of_it_is_run(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "mine.py").write_bytes(data)

    with pytest.raises(UserError) as raised:
        tuner_files.resolve("mine.py", base=tmp_path)

    assert str(raised.value).startswith(f"path: {tmp_path / 'mine.py'}: ")
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["no such.py", "."])
def test_a_file_that_can_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="can't be read"):
        tuner_files.resolve(name, base=tmp_path)
