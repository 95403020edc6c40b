"""What polars reads of an export."""

from __future__ import annotations

import polars as pl

from tests.exports.conftest import Written


def test_searches_trials_and_epochs_are_files(write: Written) -> None:
    folder = write("parquet", "files")

    searches, trials, epochs = (
        pl.read_parquet(folder / f"{name}.parquet") for name in ("searches", "trials", "epochs")
    )
    assert searches["status"].to_list() == ["ok", "ok", "failed", "missing"]
    assert trials["outcome"].to_list() == ["completed", "pruned", "failed", "diverged", "cut", "completed"]
    assert epochs.filter((pl.col("tuner") == "tpe") & (pl.col("trial") == 0))["val_score"].to_list() == [0.5, 0.75]
    assert searches["search_s"].is_null().to_list() == [False, False, False, True]
