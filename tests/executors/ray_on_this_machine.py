"""Whether tests start a real Ray cluster (``benchmarks.ray_nodes``)."""

from __future__ import annotations

import importlib.util
import os

NEEDED = "HARNESS_TESTS_NEED_RAY"


def is_wanted() -> bool:
    """Whether tests are to start it: where Ray is installed, and where the environment says that they must."""
    return importlib.util.find_spec("ray") is not None or os.environ.get(NEEDED) == "1"
