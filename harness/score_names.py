"""What the score of a matrix is called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

UNKNOWN = "F1"
"""The name of a score whose metric no record tells."""

_NAMES = {"macro_f1": "macro-F1", "weighted_f1": "weighted-F1", "micro_f1": "micro-F1", "accuracy": "accuracy"}


def name_of(metric: str | None) -> str:
    """Return what readers call one of the protocol's metrics; ``UNKNOWN`` where it is None or none of these.

    A user's own is called as its file is, or as a package calls it.
    """
    if metric is None:
        return UNKNOWN
    if metric.startswith("package:"):
        return metric.removeprefix("package:")
    return PurePath(metric).stem if metric.endswith(".py") else _NAMES.get(metric, UNKNOWN)


def name_of_all(metrics: Iterable[str | None]) -> str:
    """Return the name that scores of these metrics share; the names of all, should they be of several."""
    return " / ".join(dict.fromkeys(name_of(metric) for metric in metrics if metric is not None)) or UNKNOWN
