from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.datasets import tfrecord

if TYPE_CHECKING:
    from tests.datasets.conftest import Examples


def test_values_have_their_names(tensorflow: type[Examples]) -> None:
    feature = tensorflow.feature

    found = tfrecord.example(tensorflow.example(image=feature(b"\x89PNG"), label=feature(7), site=feature(b"a", b"")))

    assert found == {"image": [b"\x89PNG"], "label": [7], "site": [b"a", b""]}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**40, 2**63 - 1, -1, -(2**63)])
def test_whole_numbers_are_read_in_either_form(tensorflow: type[Examples], value: int, *, packed: bool) -> None:
    example = tensorflow.example(label=tensorflow.feature(value, 5, packed=packed))

    assert tfrecord.example(example) == {"label": [value, 5]}


def test_an_example_of_nothing_holds_nothing(tensorflow: type[Examples]) -> None:
    assert tfrecord.example(b"") == {}
    assert tfrecord.example(tensorflow.example(empty=b"")) == {"empty": []}


def test_floats_and_what_is_unknown_are_left_out(tensorflow: type[Examples]) -> None:
    varint, field = tensorflow.varint, tensorflow.field
    floats = field(2, field(1, struct.pack("<f", 1.5)))
    unknown = varint(9 << 3 | 5) + bytes(4) + varint(8 << 3 | 1) + bytes(8) + varint(7 << 3) + varint(3)

    found = tfrecord.example(unknown + tensorflow.example(x=floats, y=unknown + tensorflow.feature(2)))

    assert found == {"x": [], "y": [2]}


@pytest.mark.parametrize("kept", range(1, 21))
def test_an_example_that_is_cut_off_is_broken(tensorflow: type[Examples], kept: int) -> None:
    whole = tensorflow.example(image=tensorflow.feature(b"1234"))

    assert len(whole) == 21
    with pytest.raises(tfrecord.Broken):
        tfrecord.example(whole[:kept])


@pytest.mark.parametrize("data", [b"\xff" * 12, b"\x0b\x00", b"\x0a\xff\xff\xff\xff\x0f"])
def test_what_is_no_example_is_broken(data: bytes) -> None:
    with pytest.raises(tfrecord.Broken):
        tfrecord.example(data)


def test_records_are_read_one_after_the_other(tensorflow: type[Examples], tmp_path: Path) -> None:
    records = [b"one", b"", b"three" * 1000]

    assert list(tfrecord.records(tensorflow.write(tmp_path / "r", *records))) == records
    assert list(tfrecord.records(tensorflow.write(tmp_path / "none"))) == []


@pytest.mark.parametrize("less", [1, 4, 5, 8, 12, 18])
def test_a_file_that_is_cut_off_is_broken(tensorflow: type[Examples], tmp_path: Path, less: int) -> None:
    path = tensorflow.write(tmp_path / "r", b"one", b"two")
    path.write_bytes(path.read_bytes()[:-less])

    with pytest.raises(tfrecord.Broken, match="cut off"):
        list(tfrecord.records(path))


@pytest.mark.parametrize("data", [b"no records at all", bytes(40), b"\xff" * 40])
def test_a_file_of_something_else_is_broken(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r").write_bytes(data)

    with pytest.raises(tfrecord.Broken, match="no TFRecord file"):
        list(tfrecord.records(tmp_path / "r"))
