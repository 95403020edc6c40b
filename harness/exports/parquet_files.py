"""Searches, trials and epochs as Parquet files, the frames of ``harness.exports.frames``."""

from __future__ import annotations

from pathlib import Path

from harness.exports import frames
from harness.exports.exported_searches import Export


def write(folder: Path, export: Export) -> None:
    """Write ``searches.parquet``, ``trials.parquet`` and ``epochs.parquet``; what is unknown is null."""
    frames.searches(export.results, prices=export.prices).write_parquet(folder / "searches.parquet")
    frames.trials(export.results).write_parquet(folder / "trials.parquet")
    frames.epochs(export.results).write_parquet(folder / "epochs.parquet")
