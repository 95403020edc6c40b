from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness import own_files
from harness.errors import MachineError, UserError
from harness.own_files import METRIC, MODEL, TUNER


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

    found = own_files.find(TUNER, "ü ber.py", base=tmp_path)

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
        own_files.find(TUNER, "mine.py", base=tmp_path)

    assert str(raised.value).startswith(f"path: {tmp_path / 'mine.py'}: ")
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["no such.py", "."])
def test_a_file_that_can_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="can't be read"):
        own_files.find(TUNER, name, base=tmp_path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (MODEL, "path: {place}: defines no create; docs/add-a-model.md shows one"),
        (METRIC, "metric: {place}: defines no score; docs/add-a-metric.md shows one"),
    ],
)
def test_what_a_file_lacks_is_told_for_what_it_is_meant_for(tmp_path: Path, kind: own_files.Kind, said: str) -> None:
    (tmp_path / "mine.py").write_text("def make(): ...", "utf-8")

    with pytest.raises(UserError) as raised:
        own_files.find(kind, "mine.py", base=tmp_path)

    assert str(raised.value) == said.format(place=tmp_path / "mine.py")


def test_a_file_is_run_once_however_often_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("found = []\ndef create(): found.append(1); return len(found)", "utf-8")
    known = own_files.find(TUNER, "mine.py", base=tmp_path)

    made = [own_files.load(Path(known["path"]), known["sha256"]).create() for _ in range(2)]

    assert made == [1, 2]


def test_a_file_that_changed_since_it_was_found_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def create(): ...", "utf-8")
    known = own_files.find(TUNER, "mine.py", base=tmp_path)
    path.write_text("raise SystemExit('run')", "utf-8")

    with pytest.raises(MachineError, match="changed since the run began; run it again"):
        own_files.load(path, known["sha256"])
