from __future__ import annotations

import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TorchWriter = Callable[[Path, Mapping[str, Any]], Path]


@pytest.fixture(scope="session")
def learn_statistics() -> Callable[[Any, Any], None]:
    """Give batch normalisation the images' statistics; with initial ones the features vanish, and tests with them."""

    def learn(core: Any, inputs: Any) -> None:
        for layer in core.layers:
            if hasattr(layer, "momentum"):
                layer.momentum = 0.0
        core(inputs, training=True)

    return learn


class FakeTorchTensor:
    """Pickles as a torch tensor of the old format does: a view of a storage that follows the pickles."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.elements = array if array.base is None else array.base

    def __reduce__(self) -> tuple[Any, ...]:
        torch = sys.modules["torch"]
        offset = (self.array.ctypes.data - self.elements.ctypes.data) // self.array.itemsize
        strides = tuple(stride // self.array.itemsize for stride in self.array.strides)
        arguments: tuple[Any, ...] = (
            FakeStorage(self.elements),
            offset,
            self.array.shape,
            strides,
            False,
            OrderedDict(),
        )
        return torch._utils._rebuild_tensor_v2, arguments


class FakeStorage:
    def __init__(self, elements: np.ndarray[Any, Any]) -> None:
        self.elements = elements


class FakeTorchPickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> Any:
        if not isinstance(thing, FakeStorage):
            return None
        torch = sys.modules["torch"]
        kind = torch.FloatStorage if thing.elements.dtype == np.float32 else torch.LongStorage
        return ("storage", kind, str(id(thing.elements)), "cpu", thing.elements.size, None)


@pytest.fixture
def torch_writer(monkeypatch: pytest.MonkeyPatch) -> TorchWriter:
    """Write torch files of the old format without torch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild() -> None: ...

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", *2 * ("_rebuild_tensor_v2",)
    utils._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]  # a fake module takes any attribute
    torch._utils = utils  # type: ignore[attr-defined]  # the same
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return write_torch


def write_torch(path: Path, arrays: Mapping[str, Any]) -> Path:
    tensors = OrderedDict((name, FakeTorchTensor(np.asarray(array))) for name, array in arrays.items())
    storages = {str(id(tensor.elements)): tensor.elements for tensor in tensors.values()}
    with path.open("wb") as stream:
        for header in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(header, stream, protocol=2)
        FakeTorchPickler(stream, protocol=2).dump(tensors)
        pickle.dump(list(storages), stream, protocol=2)
        for elements in storages.values():
            stream.write(elements.size.to_bytes(8, "little") + elements.tobytes())
    return path
