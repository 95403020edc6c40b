from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Answer, CommandLine


@pytest.fixture
def second(line: CommandLine) -> Path:
    """Another matrix file of the same name elsewhere, with a tuner less and another budget."""
    path = line.folder / "elsewhere" / line.matrix.name
    path.parent.mkdir()
    text = line.matrix.read_text("utf-8").replace("epochs = 6", "epochs = 9").replace("kt-random = {}\n", "")
    path.write_text(text, "utf-8")
    return path


def call(line: CommandLine, command: str, matrix: Path) -> Answer:
    places = line.places[:2] if command == "tables" else line.places
    return line.call(command, str(matrix), *places)


@pytest.mark.seconds
def test_a_second_file_of_the_same_name_is_warned_before_it_takes_over_plan_and_page(
    line: CommandLine, second: Path
) -> None:
    line.run()

    planned, answer = call(line, "plan", second), call(line, "run", second)

    # The untuned cell can spend no more, and is the same.
    said = (
        f"{line.matrix_folder.path}: holds the plan of another file named {line.matrix.name}; 2 of its cells are left "
        "out of plan, tables and page from now on, their records are kept; rename one of the files, or keep their "
        "results apart (--results DIR)\n"
    )
    assert (planned.code, answer.code, answer.err) == (0, 0, said)
    assert said in planned.out
    assert call(line, "run", second).err == ""


def test_tables_of_cells_that_another_file_planned_are_said_to_be(line: CommandLine, second: Path) -> None:
    line.run()

    answer = call(line, "tables", second)

    assert answer.code == 0
    assert answer.err.startswith(
        f"{line.matrix_folder.path}: holds the plan of another file named {line.matrix.name}; 1 of its cells, which "
        f"{second} doesn't ask for, are what tables and page show; "
    )


@pytest.mark.seconds
def test_ordinary_edits_of_one_file_are_no_clash(line: CommandLine, second: Path) -> None:
    line.run()
    line.matrix.write_bytes(second.read_bytes())

    assert "another file" not in line.tables().err
    assert (line.plan().code, line.run().err) == (0, "")


@pytest.mark.seconds
def test_the_same_file_by_another_path_is_the_same(line: CommandLine) -> None:
    line.run()
    (line.folder / "link").symlink_to(line.folder)
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("epochs = 6", "epochs = 9"), "utf-8")

    assert call(line, "run", line.folder / "link" / line.matrix.name).err == ""


@pytest.mark.seconds
def test_a_copy_elsewhere_that_asks_for_the_same_cells_takes_nothing_away(line: CommandLine, second: Path) -> None:
    line.run()
    second.write_bytes(line.matrix.read_bytes())

    assert (call(line, "tables", second).err, call(line, "run", second).err) == ("", "")
