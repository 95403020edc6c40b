from __future__ import annotations

import os
from pathlib import Path, PosixPath

import pytest

from harness.errors import MatrixError
from harness.matrix import load

# The last line is needed whole, so that every shorter file lacks something.
TEXT = """\
seeds = [1, 2]
[protocol]
epochs_per_trial = 10
[datasets."Tier·Bilder"]
source = "animals"
[backbones.MobileNetV2]
[tuners."optuna-tpe + hyperband"]
tuner = "optuna-tpe"
pruner = "hyperband"
[hyperparameters.full]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
batch_size = { choices = [16, 32, 64] }
[budget]
epochs = 60
""".replace("·", " ")
DATA = TEXT.encode()


def judge(file: Path, data: bytes) -> list[str]:
    file.write_bytes(data)
    with pytest.raises(MatrixError) as caught:
        load(file)
    lines = list(caught.value.mistakes)
    assert lines
    assert all(line.startswith(f"{file}: ") and line.isprintable() and len(line) < 300 for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "m.toml"


def test_the_text_that_is_corrupted_below_is_sound(file: Path) -> None:
    file.write_bytes(DATA)

    assert list(load(file).spec.datasets) == ["Tier Bilder"]


@pytest.mark.parametrize("length", range(0, len(DATA) - 1, 9))
def test_a_truncated_file_is_told(file: Path, length: int) -> None:
    judge(file, DATA[:length])


@pytest.mark.parametrize("place", range(0, len(DATA), 23))
@pytest.mark.parametrize("byte", [b"\xff", b"\x00", b"\x1b", b"\xc3"])
def test_a_stray_byte_is_one_line(file: Path, place: int, byte: bytes) -> None:
    (line,) = judge(file, DATA[:place] + byte + DATA[place:])

    assert line.startswith("line ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xef\xbb\xbf" + DATA, "begins with a byte order mark; save it as UTF-8 without one"),
        (TEXT.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (DATA + "# ü".encode("latin-1"), "line 15: byte 0xfc is not UTF-8; save the file as UTF-8"),
        (DATA + b"[budget]\n", "line 15, column 8: cannot declare ('budget',) twice in '[budget]'; name it once"),
        (b"seeds = [1]\nseeds = [2]\n", "line 2, column 12: cannot overwrite a value in 'seeds = [2]'; name it once"),
        (b"seeds = [1\n", "line 2, column 1: unclosed array"),
        (b"seeds = 1, 2\n", "line 1, column 10: expected newline or end of document after a statement"),
        (b"seeds = one\n", "line 1, column 9: invalid value in 'seeds = one'; text needs quotes"),
        (b"seeds = " + b"9" * 5000, "holds a number or date that can't be read"),
        (b"[" + b".".join([b"a"] * 500) + b"]", "is nested too deeply; a matrix needs four levels"),
        (b"seeds = " + b"[" * 5000, "is nested too deeply; a matrix needs four levels"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_text_that_is_not_toml_is_one_line_with_its_place(file: Path, data: bytes, said: str) -> None:
    (line,) = judge(file, data)

    assert said in line


def test_windows_line_ends_are_read(file: Path) -> None:
    file.write_bytes(DATA.replace(b"\n", b"\r\n"))

    assert load(file).spec.budget.epochs == 60


def test_an_empty_file_lacks_every_required_section(file: Path) -> None:
    lines = judge(file, b"")

    assert [line.partition(":")[0] for line in lines] == [
        *("datasets", "backbones", "tuners", "hyperparameters", "seeds", "budget")
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.toml", "no such file; check the path"),
        ("folder", "is a folder; name a .toml file in it"),
        ("m.toml/below.toml", "can't be read (Not a directory); check the path"),
        ("null\0.toml", "can't be read (embedded null byte); check the path"),
        ("x" * 300, "can't be read (File name too long); check the path"),
    ],
)
def test_a_path_that_leads_to_no_file_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "m.toml").write_bytes(DATA)

    with pytest.raises(MatrixError) as caught:
        load(tmp_path / name)

    (line,) = caught.value.mistakes
    assert line.endswith(said)
    assert line.isprintable()


class ForbiddenFile(PosixPath):
    """A fake file that this user may not read; root, which may run these tests, may read every real one."""

    def read_bytes(self) -> bytes:
        raise PermissionError(13, os.strerror(13), str(self))


def test_a_file_that_this_user_may_not_read_is_one_line() -> None:
    with pytest.raises(MatrixError) as caught:
        load(ForbiddenFile("secret.toml"))

    assert str(caught.value) == "secret.toml: may not be read by this user; change its permissions"


def test_a_file_name_that_no_folder_of_results_can_have_is_told(tmp_path: Path) -> None:
    file = tmp_path / "my:matrix.toml"

    (line,) = judge(file, DATA)

    assert line == (
        "rename the file, for results are named after it: "
        "':' can't stand in a name; use letters, digits, space and - _ . +"
    )
