"""What a frozen part of a backbone computes: once for all searches, kept under its content's hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness import atomic_folders, files
from harness.errors import MachineError

BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """``values`` is (images, …), memory-mapped; ``facts`` says what computed them and how long it took.

    ``values`` is None where nothing of the backbone is frozen below the trained layers.
    """

    values: npt.NDArray[Any] | None
    facts: Mapping[str, int]


def find(cache: Path, key: str) -> Activations | None:
    """Return what was computed under ``key``, or None.

    Raises:
        MachineError: A file was cut off since: it was written whole.
    """
    folder = cache / place_of(key)
    try:
        facts = _read(folder / "facts.json", lambda path: json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    stored = folder / "activations.npy"
    values = _read(stored, lambda path: np.load(path, mmap_mode="r")) if stored.exists() else None
    return Activations(values=None if values is None else _typed(values), facts=facts)


def compute(cache: Path, key: str, *, below: Any, images: npt.NDArray[np.uint8], facts: Mapping[str, int]) -> None:
    """Run ``images``, uint8 (N, H, W, 3), through ``below`` (None: nothing to run) and keep the result under ``key``.

    Two processes may do so at once: the first to finish is kept.
    """

    def build(folder: Path) -> None:
        if below is not None:
            _write(folder / "activations.npy", below, images)
        files.write_json(folder / "facts.json", dict(facts))

    atomic_folders.folder(cache / place_of(key), build)


def _typed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # An .npy file has no name for bfloat16: it comes back as two raw bytes for each value.
    return values.view(tf.bfloat16.as_numpy_dtype) if values.dtype == np.dtype("V2") else values


def _read(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(path)
    except (ValueError, EOFError) as error:
        way_out = f"delete {path.parent} and run again"
        raise MachineError(f"{path}: was not left as it was written: {error}; {way_out}") from error


def _write(path: Path, below: Any, images: npt.NDArray[np.uint8]) -> None:
    forward = tf.function(
        lambda batch: below(tf.cast(batch, tf.float32), training=False), jit_compile=False, reduce_retracing=True
    )
    first = forward(images[:BATCH]).numpy()
    header = {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False}
    # Written in order, not through a memory map: there, a full disk kills the process instead of raising.
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header | {"shape": (len(images), *first.shape[1:])})
        stream.write(first.tobytes())
        for start in range(BATCH, len(images), BATCH):
            stream.write(forward(images[start : start + BATCH]).numpy().tobytes())


def place_of(key: str) -> str:
    """Return the folder of what is kept under ``key``, relative to the cache."""
    return f"activations/{key}"
