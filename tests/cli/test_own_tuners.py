"""A tuner of the user's own, from a file beside the matrix to its record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cells import Cell

if TYPE_CHECKING:
    from tests.cli.conftest import Answer, CommandLine

PAGE = Path(__file__).parents[2] / "docs" / "add-a-tuner.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
BROKEN = "def create(space, *, seed, epochs_per_trial): raise ValueError('not today')"
SECTION = """\
[tuners.near-the-best]
tuner = "file"
path = "my tuner.py"
options = { share = 0.7 }
"""


@pytest.fixture
def file(line: CommandLine) -> Path:
    """The file of a tuner, which the matrix names beside one of Optuna's."""
    path = line.folder / "my tuner.py"
    path.write_text(DOCUMENTED, "utf-8")
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(re.sub(r"\[tuners\]\n(.*= \{\}\n)+", f"[tuners.optuna-tpe]\n{SECTION}", text), "utf-8")
    return path


def by_tuner(line: CommandLine) -> dict[str, Cell]:
    return {cell.names.tuner: cell for cell in line.cells}


def test_another_version_of_the_file_is_another_tuner_and_no_other_cell_changes(line: CommandLine, file: Path) -> None:
    before = by_tuner(line)

    file.write_text(f"{DOCUMENTED}\nNOISE = 1\n", "utf-8")

    after = by_tuner(line)
    assert after["optuna-tpe"].id == before["optuna-tpe"].id
    assert after["near-the-best"].id != before["near-the-best"].id
    assert {cell.group for cell in after.values()} == {cell.group for cell in before.values()}


def test_where_the_file_stands_is_no_part_of_the_cell(line: CommandLine, file: Path) -> None:
    before = by_tuner(line)
    (line.folder / "elsewhere").mkdir()
    file.rename(line.folder / "elsewhere" / "other.py")

    text = line.matrix.read_text("utf-8").replace("my tuner.py", "elsewhere/other.py")
    line.matrix.write_text(text, "utf-8")

    assert by_tuner(line)["near-the-best"].id == before["near-the-best"].id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def create(:", "tuners.near-the-best: path: {file}: line 1: is no Python (invalid syntax); mend it"),
        ("def make(): ...", "tuners.near-the-best: path: {file}: defines no create; docs/add-a-tuner.md shows one"),
        (None, "tuners.near-the-best: path: {file}: can't be read (No such file or directory); check the path"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_is_no_tuner_is_told_in_one_line_before_anything_runs(
    line: CommandLine, file: Path, text: str | None, said: str, command: str
) -> None:
    if text is None:
        file.unlink()
    else:
        file.write_text(text, "utf-8")

    answer: Answer = line.call(command, str(line.matrix), *line.places)

    assert answer.code == 2
    assert answer.err == f"{line.matrix}: {said.format(file=file)}\n"
    assert line.executor.started == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('path = "my tuner.py"\n', "", "tuners.near-the-best.path: is missing; name the Python file"),
        ('tuner = "file"', 'tuner = "kt-random"', "tuners.near-the-best.path: is for tuner = 'file'; remove it"),
    ],
)
def test_a_path_goes_with_the_word_file(line: CommandLine, file: Path, before: str, after: str, said: str) -> None:
    assert file.is_file()
    text = line.matrix.read_text("utf-8").replace("options = { share = 0.7 }\n", "")
    line.matrix.write_text(text.replace(before, after), "utf-8")

    answer = line.run()

    assert answer.code == 2
    assert answer.err.startswith(f"{line.matrix}: {said}")


@pytest.mark.usefixtures("real")
@pytest.mark.train
@pytest.mark.slow
def test_real_workers_search_with_it_as_with_any_other_and_one_that_raises_fails_alone(
    line: CommandLine, file: Path
) -> None:
    assert file.is_file()

    searched_with_it(line, "local")


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.docker
def test_containers_see_its_file_too(line: CommandLine, file: Path, current_image: str) -> None:
    assert file.is_file()
    searched_with_it(line, "docker", "--image", current_image)


def searched_with_it(line: CommandLine, executor: str, *options: str) -> None:
    (line.folder / "broken.py").write_text(BROKEN, "utf-8")
    with line.matrix.open("a", encoding="utf-8") as stream:
        stream.write('[tuners.broken]\ntuner = "file"\npath = "broken.py"\n')

    answer = line.run("--executor", executor, *options)

    assert answer.code == 3, answer.err
    assert "broken · seed 1: failed, no macro-F1: crash: ValueError: not today" in answer.out
    records = [line.matrix_folder.cell(cell_id).record() for cell_id in line.matrix_folder.cell_ids()]
    ended = {record.cell.told["names"]["tuner"]: record.status for record in records if record is not None}
    assert ended == {"optuna-tpe": "completed", "near-the-best": "completed", "broken": "failed"}
    cells = {record.cell.told["names"]["tuner"]: record.cell for record in records if record is not None}
    assert (cells["near-the-best"].told["tuner"]["path"], cells["near-the-best"].told["tuner_file"]["path"]) == (
        "my tuner.py",
        None,
    )
    assert "near-the-best" in answer.out
