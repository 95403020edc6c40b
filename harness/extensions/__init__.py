"""Tuners, models, metrics, meters, readers of data and executors of users' own: found and hashed on the host.

Each is a Python file that the matrix names, or the entry point of an installed package (``package:NAME``), and is run
in the worker alone; an executor is named on the command line, and run by the host. What is found of one is plain text
that JSON holds: of a file ``path`` and ``sha256``; of an entry point ``package`` and ``version`` (its distribution's),
``entry_point`` (``module:function``) and ``sha256``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Found = Mapping[str, str]
"""What is known of one, see above."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one is for: the key that names it, what a file must define, the page that shows one, the entry points."""

    key: str
    maker: str
    guide: str
    group: str


TUNER: Final = Kind("path", "create", "docs/add-a-tuner.md", "harness.tuners")
MODEL: Final = Kind("path", "create", "docs/add-a-model.md", "harness.models")
DATA: Final = Kind("path", "read", "docs/add-a-data-set.md", "harness.datasets")
EXECUTOR: Final = Kind("--executor", "create", "docs/add-an-executor.md", "harness.executors")
METRIC: Final = Kind("metric", "score", "docs/add-a-metric.md", "harness.metrics")
METER: Final = Kind("meter", "create", "docs/add-a-meter.md", "harness.meters")
