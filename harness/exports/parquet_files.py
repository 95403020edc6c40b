"""Searches, trials and epochs as Parquet files, the frames of ``harness.exports.frames``."""

from __future__ import annotations

from pathlib import Path

from harness.analysis import MatrixResults
from harness.exports import frames
from harness.prices import Prices


def write(folder: Path, results: MatrixResults, prices: Prices) -> None:
    """Write ``searches.parquet``, ``trials.parquet`` and ``epochs.parquet``; what is unknown is null."""
    frames.searches(results, prices=prices).write_parquet(folder / "searches.parquet")
    frames.trials(results).write_parquet(folder / "trials.parquet")
    frames.epochs(results).write_parquet(folder / "epochs.parquet")
