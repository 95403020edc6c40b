from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest

from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import CommandLine

Trained = Callable[..., Trial]


@pytest.fixture
def ran(line: CommandLine, does: type[Script], trained: Trained) -> CommandLine:
    """A run of three searches."""
    for tuner in ("default", "optuna-tpe", "kt-random"):
        line.executor.will(tuner, does.succeed(trained(0, 0.5)))
    line.run()
    return line


def test_a_matrix_is_exported_and_what_opens_it_is_said(ran: CommandLine) -> None:
    output = ran.folder / "files"

    answer = ran.call(
        "export", str(ran.matrix), "--results", str(ran.results), "--to", "parquet", "--output", str(output)
    )

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == f"exported: 3 searches to {output}"
    assert "open it: polars.read_parquet(" in answer.out
    assert len(pl.read_parquet(output / "searches.parquet")) == 3


def test_the_folder_that_a_run_left_may_be_given(ran: CommandLine) -> None:
    output = ran.folder / "files"

    answer = ran.call("export", str(ran.matrix_folder.path), "--to", "parquet", "-o", str(output))

    assert (answer.code, answer.err) == (0, "")
    assert (output / "epochs.parquet").is_file()


def test_a_second_export_to_one_place_is_refused_in_a_line(ran: CommandLine) -> None:
    command = ("export", str(ran.matrix_folder.path), "--to", "parquet", "-o", str(ran.folder / "files"))
    ran.call(*command)

    answer = ran.call(*command)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("files: is there already; move it away, or name another with --output\n")


def test_results_that_are_not_there_are_an_error_of_one_line(line: CommandLine) -> None:
    answer = line.call("export", str(line.folder / "nothing"), "--to", "parquet", "-o", str(line.folder / "files"))

    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "run the matrix first" in answer.err
