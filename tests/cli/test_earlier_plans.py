from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import harness
from harness import matrix
from harness.campaign import outdated_results

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def edit(line: CommandLine, before: str, after: str) -> None:
    text = line.matrix.read_text("utf-8")
    assert before in text
    line.matrix.write_text(text.replace(before, after), "utf-8")


def test_tables_of_searches_that_were_asked_for_otherwise_say_so_and_what_to_do(line: CommandLine) -> None:
    line.run()
    edit(line, "epochs = 6", "epochs = 9")
    edit(line, "image_size = 32", "image_size = 48")

    said = (
        f"{line.matrix_folder.path}: the searches shown are of an earlier version of {line.matrix} "
        f"(protocol.image_size, budget.epochs); harness plan {line.matrix} says what it asks for now, "
        f"harness run {line.matrix} searches that\n"
    )

    assert (line.tables().err, line.tables("--quiet").err) == (said, "")
    assert line.call("best", str(line.matrix), "--results", str(line.results)).err == said


def test_a_new_run_leaves_nothing_to_remark(line: CommandLine) -> None:
    line.run()
    edit(line, "epochs = 6", "epochs = 9")

    # Of its untuned search, which can't spend more, the record stays.
    assert line.run().err == ""
    assert line.tables().err == ""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("max_images = 100", "max_images = 90", "datasets.digits.max_images"),
        ("optuna-tpe = {}", 'optuna-tpe = { pruner = "median" }', "tuners.optuna-tpe.pruner"),
        ("low = 1e-4", "low = 1e-5", 'hyperparameters."lr only"'),
        ("seeds = [1]", "seeds = [1, 2]", "3 searches not planned then"),
        ("kt-random = {}\n", "", "1 search no longer asked for"),
    ],
)
def test_whatever_makes_other_searches_is_named(line: CommandLine, before: str, after: str, told: str) -> None:
    line.run()
    edit(line, before, after)

    assert f" ({told}); " in line.tables().err


def test_what_makes_no_other_search_is_no_reason_to_remark(line: CommandLine) -> None:
    line.run()
    edit(line, "image_size = 32", "image_size = 32\nlearning_rate_factors = [0.5, 1.0]")

    assert line.tables().err == ""


def test_searches_that_never_began_are_told_by_their_names_alone(line: CommandLine) -> None:
    line.run()
    for cell in line.matrix_folder.plan():
        (line.matrix_folder.cell(cell.id).path / "cell.json").unlink()
    edit(line, "epochs = 6", "epochs = 9")

    assert outdated_results.remarks(line.matrix_folder, matrix.load(line.matrix)) == []


def test_python_is_told_the_same_in_the_results_and_in_the_log(
    line: CommandLine, caplog: pytest.LogCaptureFixture
) -> None:
    line.run()
    edit(line, "epochs = 6", "epochs = 9")

    results = harness.load(line.matrix_folder.path, matrix=harness.load_matrix(line.matrix))

    (remark,) = results.remarks
    assert "earlier version" in remark
    assert remark in repr(results)
    assert caplog.messages == [remark]
