from __future__ import annotations

import codecs
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import errors
from harness.datasets import safe_pickles


class Evil:
    """Asks to be unpickled by calling a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4"])
def test_arrays_are_read(protocol: int, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)

    found = safe_pickles.read(pickle.dumps({b"data": array, b"labels": [1, 2]}, protocol), origin="a")

    np.testing.assert_array_equal(found[b"data"], array)
    assert found[b"labels"] == [1, 2]


def test_python_2_text_comes_as_bytes() -> None:
    assert safe_pickles.read(b"(dp0\nS'data'\np1\nI7\ns.", origin="a") == {b"data": 7}


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_before_it_runs(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "owned"
    for call in (Evil(os.system, f"touch {trace}"), Evil(subprocess.call, ["touch", str(trace)]), Evil(eval, "1")):
        hidden = {"data": np.zeros(3), "more": [call]}
        with pytest.raises(errors.DatasetError, match="asks for"):
            safe_pickles.read(pickle.dumps(hidden, protocol), origin="batch_1")
    assert not trace.exists()


@pytest.mark.parametrize("name", ["numpy\nload", "numpy\nfromfile", "builtins\ngetattr", "numpy\nndarray.tofile"])
def test_only_what_rebuilds_arrays_is_admitted(name: str) -> None:
    with pytest.raises(errors.DatasetError, match=f"asks for {name.replace(chr(10), '.')}"):
        safe_pickles.read(f"c{name}\n.".encode(), origin="a")


HOSTILE: dict[str, bytes] = {
    # An array of objects over bytes that are read as addresses: the interpreter would follow them.
    "an array made by a call": pickle.dumps(Evil(np.ndarray, (2,), np.dtype("u1"), b"ab")),
    "an array made of a class": b"cnumpy\nndarray\n(I2\ntcnumpy\ndtype\n(Vu1\nI0\nI1\ntR\x81.",
    "objects": pickle.dumps(np.array([{}], dtype=object)),
    "a type of objects": b"cnumpy\ndtype\n(VO8\nI0\nI1\ntR.",
    "records": pickle.dumps(np.zeros(2, dtype=[("a", "u1"), ("b", "O")])),
    "another codec": pickle.dumps(Evil(codecs.encode, "a", "zip")),
    "something else rebuilt": b"cnumpy.core.multiarray\n_reconstruct\n(I1\n(I0\ntVb\ntR.",
    "more values than memory": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntVb\ntR(I1\n"
    b"(L99999999999999L\ntcnumpy\ndtype\n(Vu1\nI0\nI1\ntRI00\nVa\ntb.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_pickle_can_only_rebuild_arrays_of_numbers_and_text(data: bytes) -> None:
    with pytest.raises(errors.DatasetError, match="batch_1: not a pickle of plain arrays"):
        safe_pickles.read(data, origin="batch_1")


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps(np.zeros(9), 4)[:-20]])
def test_a_broken_pickle_is_named(data: bytes) -> None:
    with pytest.raises(errors.DatasetError, match="batch_1: not a pickle of plain arrays"):
        safe_pickles.read(data, origin="batch_1")
