from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

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


@pytest.mark.seconds
def test_an_export_that_is_imported_again_is_the_same_searches(line: CommandLine, does: Any, trained: Any) -> None:
    for tuner in ("default", "optuna-tpe", "kt-random"):
        line.executor.will(tuner, does.succeed(trained(0, 0.25, 0.5)))
    line.run()
    storage = line.folder / "runs.log"
    line.call("export", str(line.matrix_folder.path), "--to", "optuna", "-o", str(storage))

    answer = line.call("import", "optuna", str(storage), "--metric", "macro_f1", "--results", str(line.results))
    tables = line.call("tables", str(line.results / "runs"), "--only", "tables", "--json")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == f"imported: 3 searches in {line.results / 'runs'}"
    document = json.loads(tables.out)
    assert (document["matrix"], document["exit_code"]) == ("runs", 0)
    assert {(cell["tuner"], cell["val_score"]) for cell in document["cells"]} == {
        ("default", 0.5),
        ("optuna-tpe", 0.5),
        ("kt-random", 0.5),
    }
