"""Pickled arrays read without running what a pickle may ask for."""

from __future__ import annotations

import codecs
import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness import errors

_RECONSTRUCT = np.empty(0).__reduce__()[0]

# Just what numpy writes into a pickle of an array, under numpy 1's and numpy 2's names.
_ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): codecs.encode,
}


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
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError) as error:
        raise errors.DatasetError(f"{origin}: not a pickle of plain arrays ({error}); not read") from error
