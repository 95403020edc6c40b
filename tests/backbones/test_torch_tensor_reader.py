from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backbones import torch_tensor_reader
from harness.errors import WeightsError

TorchWriter = Callable[[Path, Mapping[str, Any]], Path]


def test_floats_integers_scalars_and_empty_tensors_are_read(tmp_path: Path, torch_writer: TorchWriter) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4).copy(),
        "steps": np.array(7, dtype=np.int64),
        "nothing": np.zeros((0,), dtype=np.float32),
    }

    read = torch_tensor_reader.tensors(torch_writer(tmp_path / "ä b.pth", arrays))

    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_a_transposed_view_with_an_offset_is_read_as_what_it_shows(tmp_path: Path, torch_writer: TorchWriter) -> None:
    elements = np.arange(60, dtype=np.float32)
    view = elements[12:].reshape(6, 8)[1:, ::2].T
    assert view.base is elements

    read = torch_tensor_reader.tensors(torch_writer(tmp_path / "view.pth", {"view": view}))

    np.testing.assert_array_equal(read["view"], view)


def test_two_tensors_may_share_a_storage(tmp_path: Path, torch_writer: TorchWriter) -> None:
    elements = np.arange(6, dtype=np.float32)

    read = torch_tensor_reader.tensors(
        torch_writer(tmp_path / "shared.pth", {"low": elements[:3], "high": elements[3:]})
    )

    assert read["low"].tolist() == [0, 1, 2]
    assert read["high"].tolist() == [3, 4, 5]


def test_no_tensors_at_all_are_read_as_none(tmp_path: Path, torch_writer: TorchWriter) -> None:
    assert torch_tensor_reader.tensors(torch_writer(tmp_path / "none.pth", {})) == {}


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("position", [0, 1, 2, 3, 4])
def test_a_hostile_pickle_is_refused_wherever_it_stands(tmp_path: Path, position: int) -> None:
    target = tmp_path / "made by a pickle"
    parts: list[Any] = [0x1950A86A20F9469CFC6C, 1001, {}, {}, []]
    parts[position] = Hostile(target)
    path = tmp_path / "hostile.pth"
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))

    with pytest.raises(WeightsError, match=r"hostile\.pth: not a torch file .*asks for posix\.mkdir"):
        torch_tensor_reader.tensors(path)

    assert not target.exists()


def test_a_view_beyond_its_storage_is_refused(tmp_path: Path, torch_writer: TorchWriter) -> None:
    path = torch_writer(tmp_path / "short.pth", {"kernel": np.arange(4, dtype=np.float32)})
    path.write_bytes(path.read_bytes()[:-24] + (2).to_bytes(8, "little") + bytes(8))

    with pytest.raises(WeightsError, match="out of bounds"):
        torch_tensor_reader.tensors(path)


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, torch_writer: TorchWriter, keep: int) -> None:
    path = torch_writer(tmp_path / "whole.pth", {"kernel": np.arange(4, dtype=np.float32)})
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(WeightsError, match="delete it, and it is fetched again"):
        torch_tensor_reader.tensors(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", pickle.dumps(1) + pickle.dumps(1001), b"<html>"])
def test_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match="not a torch file"):
        torch_tensor_reader.tensors(path)
