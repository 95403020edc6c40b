"""Compare hyperparameter tuners by F1 against compute cost, on real training.

As in::

    import harness

    matrix = harness.load_matrix("birds.toml")
    run = harness.run(matrix)
    results = harness.load(run.path, matrix=matrix)
    results.searches(), results.trials(), results.answer()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api.results import Results, load
    from harness.api.running import load_matrix, run
    from harness.campaign import events
    from harness.campaign.run import Run
    from harness.errors import HarnessError, MachineError, MatrixError, ResultsError, UserError
    from harness.matrix import Matrix

__all__ = [
    "HarnessError",
    "MachineError",
    "Matrix",
    "MatrixError",
    "Results",
    "ResultsError",
    "Run",
    "UserError",
    "events",
    "load",
    "load_matrix",
    "run",
]
__version__ = "0.1.0"

# Where each name is from. Nothing of it is imported before it is asked for, as a worker, or ``--help``, needs none.
_PLACES = {
    "HarnessError": "harness.errors",
    "MachineError": "harness.errors",
    "Matrix": "harness.matrix",
    "MatrixError": "harness.errors",
    "Results": "harness.api.results",
    "ResultsError": "harness.errors",
    "Run": "harness.campaign.run",
    "UserError": "harness.errors",
    "events": "harness.api.running",
    "load": "harness.api.results",
    "load_matrix": "harness.api.running",
    "run": "harness.api.running",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Return the names that are meant for users."""
    return sorted([*__all__, "__version__"])
