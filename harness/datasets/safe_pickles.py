"""Pickled arrays read without running what a pickle may ask for."""

from __future__ import annotations

import codecs
import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness import errors

# Truth values, integers, floats and text: whatever their bytes are, they are values.
_KINDS = "biufSU"


class _Array(np.ndarray):
    """Stands for ``numpy.ndarray``, which called with a pickle's arguments would make an array over any address."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        raise pickle.UnpicklingError("calls numpy.ndarray")


def _reconstruct(kind: Any, shape: Any, _: Any) -> Any:
    """Return an empty array; its state, with shape, type and values, follows in the pickle."""
    if kind is not _Array or shape != (0,):
        raise pickle.UnpicklingError("builds something else than an array")
    return np.empty(0, dtype=np.int8)


def _dtype(name: Any, *_: Any) -> Any:
    # A copy, as numpy asks for: the state that follows, as its byte order, must not change numpy's own.
    found = np.dtype(name, copy=True)
    if found.kind not in _KINDS:
        raise pickle.UnpicklingError(f"asks for values of type {found}")
    return found


def _encode(text: Any, encoding: Any) -> Any:
    # How Python 3 writes bytes for Python 2.
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"asks for the codec {encoding!r}")
    return codecs.encode(text, "latin1")


# Just what numpy writes into a pickle of an array, under numpy 1's and numpy 2's names.
_ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): _encode,
}


# What Python's unpickler and numpy raise for bytes that aren't what was pickled.
_BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError),
    *(AttributeError, OverflowError, UnicodeError, MemoryError),
)


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        admitted = _ADMITTED.get((module, name))
        if admitted is None:
            raise pickle.UnpicklingError(f"asks for {module}.{name}")
        return admitted


def read(data: bytes, *, origin: str) -> Any:
    """Return the numbers, text, lists, dicts and numpy arrays of a pickle; Python 2's text comes as bytes.

    Raises:
        DatasetError: It asks for anything else, or is broken. Nothing of it has run.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
    except _BROKEN as error:
        raise errors.DatasetError(f"{origin}: not a pickle of plain arrays ({error}); not read") from error
