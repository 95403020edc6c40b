"""Tensors of a torch file in the format before torch 1.6, read without torch.

The layout is that of ``torch.serialization._legacy_save``: five pickles (magic number, protocol, machine, the object,
the storages' keys), then for each key the number of elements as a 64-bit integer and the elements.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

import numpy as np

from harness.errors import WeightsError

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
# What a hostile or damaged pickle can raise inside the unpickler, besides its own error.
_DAMAGE: Final = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    UnicodeDecodeError,
)

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor before its elements are known."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, elements: Array) -> Array:
        """Copy the tensor out of its storage; an index beyond the storage raises IndexError."""
        index = np.asarray(self.offset)
        for length, stride in zip(self.shape, self.strides, strict=True):
            index = index[..., None] + np.arange(length) * stride
        copy: Array = elements[index]
        return copy


def tensors(path: Path) -> dict[str, Array]:
    """Return every tensor of a saved state dictionary, by name.

    Raises:
        WeightsError: The file is damaged, of another format, or asks for anything but tensors of floats and integers.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except _DAMAGE as error:
        raise WeightsError(
            f"{path}: not a torch file of plain tensors ({error}); delete it, and it is fetched again"
        ) from error


def _read(stream: BinaryIO) -> dict[str, Array]:
    if (_load(stream), _load(stream)) != (_MAGIC, _PROTOCOL):
        raise ValueError("another format")
    _load(stream)  # what the machine's integers were like; storages are always little-endian
    views: Mapping[str, _View] = _load(stream)
    dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
    storages = {key: _elements(stream, dtypes[key]) for key in _load(stream)}
    return {name: view.of(storages[view.storage.key]) for name, view in views.items()}


def _elements(stream: BinaryIO, dtype: str) -> Array:
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * np.dtype(dtype).itemsize), dtype=dtype, count=count)


def _load(stream: BinaryIO) -> Any:
    return _Unpickler(stream).load()


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _View:
    return _View(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Admits what a state dictionary needs; torch's own names become ours."""

    admitted: Final = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return our stand-in for an admitted name; refuse every other."""
        if (module, name) not in self.admitted:
            _refuse(f"it asks for {module}.{name}")
        return self.admitted[module, name]

    def persistent_load(self, reference: Any) -> _Storage:
        """Return the storage that a tensor refers to."""
        kind, dtype, key, _location, _count, view = reference
        if kind != "storage" or view is not None:
            _refuse("it refers to something else than a storage")
        return _Storage(key, dtype)


def _refuse(why: str) -> NoReturn:
    raise pickle.UnpicklingError(why)
