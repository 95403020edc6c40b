"""``harness import optuna`` and ``keras-tuner``: what became of them."""

from __future__ import annotations

from pathlib import Path

from harness.cli import printing
from harness.results_folder import MatrixFolder


def say(folder: Path) -> None:
    """Say where the searches are, and how they are looked at."""
    count = len(MatrixFolder(folder).plan())
    printing.say(f"imported: {count} {'search' if count == 1 else 'searches'} in {folder}")
    printing.say(f"look at it: harness tables {folder}")
