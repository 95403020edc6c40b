from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_curves_become_a_table_and_what_searches_it_is_said(line: CommandLine) -> None:
    rows = [
        {"parameters.rate": rate, "epoch": epoch, "val_score": rate * epoch, "loss": 1.0, "train_s": 2.0}
        for rate in (0.1, 0.2)
        for epoch in (1, 2)
    ]
    file = line.folder / "strangers.parquet"
    pl.DataFrame(rows).write_parquet(file)
    command = ("import", "curves", str(file), "--metric", "accuracy", "--results", str(line.results))

    answer, again = line.call(*command), line.call(*command)

    table = line.results / "strangers-recorded" / "strangers-unknown-grid.parquet"
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [f"table: {table}", f"search it: harness replay {table}"]
    assert (again.code, again.out) == (2, "")
    assert again.err.endswith("is there already; move it away, or give another --name\n")
