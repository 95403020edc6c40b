"""A model, a metric, a meter and a reader of the user's own, from files beside the matrix to their records."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.cells import Cell
from harness.phase_clock import on_the_clock

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

DOCS = Path(__file__).parents[2] / "docs"
MODEL, METRIC = (
    re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)[0]
    for page in ("add-a-model.md", "add-a-metric.md")
)
METER = """\
import time

class create:
    covers = "a lamp of 40 W"

    def read_j(self):
        return 40 * time.monotonic()
"""
READER = re.findall(r"```python\n(.*?)```", (DOCS / "add-a-data-set.md").read_text("utf-8"), re.DOTALL)[0]
DATA_SECTION = """\
[datasets.traps]
source = "file"
path = "my traps.py"
data = "traps"
"""
SECTION = """\
[backbones.small]
model = "file"
path = "my model.py"
options = { blocks = 2, width = 8 }
weights = "none"
"""


@pytest.fixture
def model(line: CommandLine) -> Path:
    """The file of a model, which the matrix names beside a known one."""
    path = line.folder / "my model.py"
    path.write_text(MODEL, "utf-8")
    with line.matrix.open("a", encoding="utf-8") as stream:
        stream.write(SECTION)
    return path


@pytest.fixture
def metric(line: CommandLine) -> Path:
    """The file of a metric, which the matrix maximises."""
    path = line.folder / "weighted recall.py"
    path.write_text(METRIC, "utf-8")
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[protocol]\n", f'[protocol]\nmetric = "{path.name}"\n'), "utf-8")
    return path


@pytest.fixture
def meter(line: CommandLine) -> Path:
    """The file of a meter, which the matrix counts joules by."""
    path = line.folder / "my lamp.py"
    path.write_text(METER, "utf-8")
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[protocol]\n", f'[protocol]\nmeter = "{path.name}"\n'), "utf-8")
    return path


def by_names(line: CommandLine) -> dict[tuple[str, str], Cell]:
    return {(cell.names.backbone, cell.names.tuner): cell for cell in line.cells}


def test_another_version_of_a_model_is_another_problem_and_no_other_cell_changes(
    line: CommandLine, model: Path
) -> None:
    before = by_names(line)

    model.write_text(f"{MODEL}\nNOISE = 1\n", "utf-8")

    after = by_names(line)
    for (backbone, tuner), cell in after.items():
        old = before[backbone, tuner]
        same = [cell.id == old.id, cell.problem == old.problem, cell.group == old.group]
        assert same == [backbone != "small"] * 3


def test_other_options_are_another_model(line: CommandLine, model: Path) -> None:
    assert model.is_file()
    before = by_names(line)

    line.matrix.write_text(line.matrix.read_text("utf-8").replace("width = 8", "width = 9"), "utf-8")

    after = by_names(line)
    assert after["small", "default"].problem != before["small", "default"].problem
    assert after["EfficientNetLite0", "default"].id == before["EfficientNetLite0", "default"].id


def test_another_version_of_a_metric_makes_other_cells_of_the_same_problems(line: CommandLine, metric: Path) -> None:
    before = by_names(line)

    metric.write_text(f"{METRIC}\nNOISE = 1\n", "utf-8")

    after = by_names(line)
    assert all(cell.id != before[names].id and cell.group != before[names].group for names, cell in after.items())
    assert [cell.problem for cell in after.values()] == [cell.problem for cell in before.values()]


def test_another_version_of_a_meter_makes_other_cells_of_the_same_problems(line: CommandLine, meter: Path) -> None:
    before = by_names(line)

    meter.write_text(f"{METER}\nNOISE = 1\n", "utf-8")

    after = by_names(line)
    assert all(cell.id != before[names].id and cell.group != before[names].group for names, cell in after.items())
    assert [cell.problem for cell in after.values()] == [cell.problem for cell in before.values()]
    assert all(meter in cell.read for cell in after.values())


def test_where_the_files_stand_is_no_part_of_the_cells(
    line: CommandLine, model: Path, metric: Path, meter: Path
) -> None:
    before = by_names(line)
    (line.folder / "elsewhere").mkdir()
    for file in (model, metric, meter):
        file.rename(line.folder / "elsewhere" / file.name)

    text = line.matrix.read_text("utf-8").replace('"my model', '"elsewhere/my model')
    text = text.replace('"my lamp', '"elsewhere/my lamp')
    line.matrix.write_text(text.replace('"weighted', '"elsewhere/weighted'), "utf-8")

    assert {names: cell.id for names, cell in by_names(line).items()} == {
        names: cell.id for names, cell in before.items()
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def score(:", "protocol: metric: {file}: line 1: is no Python (invalid syntax); mend it"),
        ("def f1(): ...", "protocol: metric: {file}: defines no score; docs/add-a-metric.md shows one"),
        (None, "protocol: metric: {file}: can't be read (No such file or directory); check the path"),
    ],
)
def test_what_is_no_metric_is_told_in_one_line_before_anything_runs(
    line: CommandLine, metric: Path, text: str | None, said: str
) -> None:
    if text is None:
        metric.unlink()
    else:
        metric.write_text(text, "utf-8")

    answer = line.run()

    assert (answer.code, answer.err) == (2, f"{line.matrix}: {said.format(file=metric)}\n")
    assert line.executor.started == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def create(:", "protocol: meter: {file}: line 1: is no Python (invalid syntax); mend it"),
        ("def read_j(): ...", "protocol: meter: {file}: defines no create; docs/add-a-meter.md shows one"),
        (None, "protocol: meter: {file}: can't be read (No such file or directory); check the path"),
    ],
)
def test_what_is_no_meter_is_told_in_one_line_before_anything_runs(
    line: CommandLine, meter: Path, text: str | None, said: str
) -> None:
    if text is None:
        meter.unlink()
    else:
        meter.write_text(text, "utf-8")

    answer = line.run()

    assert (answer.code, answer.err) == (2, f"{line.matrix}: {said.format(file=meter)}\n")
    assert line.executor.started == []


def test_what_is_no_model_is_told_in_one_line_before_anything_runs(line: CommandLine, model: Path) -> None:
    model.write_text("def build(): ...", "utf-8")

    answer = line.run()

    said = f"backbones.small: path: {model}: defines no create; docs/add-a-model.md shows one"
    assert (answer.code, answer.err) == (2, f"{line.matrix}: {said}\n")
    assert line.executor.started == []


@pytest.mark.usefixtures("real")
@pytest.mark.train
@pytest.mark.slow
def test_what_create_returns_is_judged_before_the_first_search(line: CommandLine, model: Path) -> None:
    model.write_text("def create(*, image_size, **_): return 3", "utf-8")

    answer = line.run("--executor", "local")

    assert answer.code == 2
    assert (
        answer.err == "digits, small: my model.py: create returned int, no keras.Model; docs/add-a-model.md shows one\n"
    )
    assert not any(line.matrix_folder.cell(cell_id).record() for cell_id in line.matrix_folder.cell_ids())


@pytest.mark.usefixtures("real")
@pytest.mark.train
@pytest.mark.slow
def test_a_meter_is_tried_before_the_first_search(line: CommandLine, meter: Path) -> None:
    meter.write_text(METER.replace("40 *", "-40 *"), "utf-8")

    answer = line.run("--executor", "local")

    assert answer.code == 2
    assert answer.err.startswith("digits, EfficientNetLite0: my lamp.py: read_j returned -")
    assert answer.err.count("\n") == 1
    assert not any(line.matrix_folder.cell(cell_id).record() for cell_id in line.matrix_folder.cell_ids())


@pytest.fixture
def reader(line: CommandLine) -> Path:
    """The file that reads data, which the matrix names in place of what it named."""
    path, data = line.folder / "my traps.py", line.folder / "traps"
    path.write_text(READER, "utf-8")
    data.mkdir()
    rng = np.random.default_rng(1)
    for site in "ABCDEF":
        frames = rng.integers(0, 256, (10, 8, 8), dtype=np.uint8)
        np.savez(data / f"{site}.npz", frames=frames, species=np.array(["fox", "lynx"] * 5))
    text = line.matrix.read_text("utf-8").replace("[datasets.digits]\nmax_images = 100\n", DATA_SECTION)
    line.matrix.write_text(text, "utf-8")
    return path


def test_what_is_no_reader_is_told_in_one_line_before_anything_runs(line: CommandLine, reader: Path) -> None:
    reader.write_text("def load(data): ...", "utf-8")

    answer = line.run()

    said = f"datasets.traps: path: {reader}: defines no read; docs/add-a-data-set.md shows one"
    assert (answer.code, answer.err) == (2, f"{line.matrix}: {said}\n")
    assert line.executor.started == []


def test_another_version_of_a_reader_is_another_problem(line: CommandLine, reader: Path) -> None:
    before = by_names(line)

    reader.write_text(f"{READER}\nNOISE = 1\n", "utf-8")

    assert all(cell.problem != before[names].problem for names, cell in by_names(line).items())


@pytest.mark.usefixtures("real", "reader", "model", "metric", "meter")
@pytest.mark.train
@pytest.mark.slow
def test_real_workers_read_the_data_train_the_model_maximise_the_metric_and_read_the_meter(line: CommandLine) -> None:
    searched_with_them(line, "local")


@pytest.mark.usefixtures("reader", "model", "metric", "meter")
@pytest.mark.train
@pytest.mark.slow
@pytest.mark.docker
def test_containers_see_the_files_too(line: CommandLine, current_image: str) -> None:
    searched_with_them(line, "docker", "--image", current_image)


def searched_with_them(line: CommandLine, executor: str, *options: str) -> None:
    line.matrix.write_text(re.sub(r"(optuna-tpe|kt-random) = .*\n", "", line.matrix.read_text("utf-8")), "utf-8")

    answer = line.run("--executor", executor, *options)

    assert answer.code == 0, answer.err
    records = [line.matrix_folder.cell(cell_id).record() for cell_id in line.matrix_folder.cell_ids()]
    cells = {record.cell.told["names"]["backbone"]: record for record in records if record is not None}
    assert set(cells) == {"EfficientNetLite0", "small"}
    assert (cells["small"].cell.told["backbone"]["path"], cells["small"].cell.told["model_file"]["path"]) == (
        "my model.py",
        None,
    )
    assert cells["small"].model.width == 16
    assert cells["EfficientNetLite0"].cell.told["model_file"] is None
    assert {record.cell.told["metric_file"]["path"] for record in cells.values()} == {None}
    assert "weighted recall" in answer.out
    assert "60 images, 2 classes (30), 6 groups" in answer.out
    assert {record.cell.told["dataset"]["data"] for record in cells.values()} == {"traps"}
    for record in cells.values():
        told = {"value": 0.0, "reason": None, "covers": "a lamp of 40 W", "meter": "my lamp.py"}
        assert (record.energy.told, record.cell.told["meter_file"]["path"]) == (told, None)
    for trial in (
        trial for cell_id in line.matrix_folder.cell_ids() for trial in line.matrix_folder.cell(cell_id).trials()
    ):
        charged_s = on_the_clock(dict(trial.phases))
        # Between two clocks that are read one after the other the machine may be elsewhere for a moment.
        assert 0.99 * charged_s < (trial.energy_j or 0.0) / 40 < charged_s + 0.1
    efficiency = (line.matrix_folder.tables / "efficiency.md").read_text("utf-8")
    assert "Joules are those of a lamp of 40 W (my lamp.py, a meter of the user's own) alone." in efficiency
    assert str(line.folder) not in str([record.cell for record in cells.values()])
