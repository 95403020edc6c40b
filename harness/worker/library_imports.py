"""Importing the trainer and the tuners' libraries, which takes most of a short search's life."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Numerical libraries read these once, when they are loaded. While a model trains they have one thread, and none of
# theirs spins after its work, waiting for more, and takes a processor from TensorFlow. OpenBLAS waits for 2^n cycles, n
# at least 4; GNU's OpenMP spins so often; LLVM's and Intel's wait for so many milliseconds, by themselves 200.
_STILL = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_THREAD_TIMEOUT": "4",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
    # Arrow's allocator, which pandas brings and Keras imports where it is installed, begins a thread otherwise.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


def keep_still() -> None:
    """Let numerical libraries that are imported from now on use one thread, and no processor while they wait."""
    os.environ.update(_STILL)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while the block imports, and never among what it imported.

    Modules stay: collecting among TensorFlow's millions of objects costs a tenth of the start-up and finds nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
