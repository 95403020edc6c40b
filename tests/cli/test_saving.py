from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.executors import LocalExecutor
from harness.placement import executor_choice
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import Answer, CommandLine

Trained = Callable[..., Trial]

SCORED = """\
import json, sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
images = np.zeros((2, 32, 32, 3), "float32")
print(json.dumps([list(model.input_shape), np.asarray(model(images)).sum(axis=1).tolist()]))
"""


def save(line: CommandLine, *options: str, into: str = "ä models") -> Answer:
    folder = str(line.folder / into)
    return line.call("best", str(line.matrix), *line.places, "--executor", "local", "--save", folder, *options)


@pytest.fixture
def ran(line: CommandLine, does: type[Script], trained: Trained) -> CommandLine:
    """A finished run of three searches, the second of which found most."""
    line.executor.will("optuna-tpe", does.succeed(trained(0, 0.5), trained(1, 0.25, 0.75)))
    line.run()
    return line


@pytest.mark.train
@pytest.mark.slow
def test_a_saved_model_needs_nothing_of_the_harness(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_choice, "LOCAL", LocalExecutor)
    assert line.run("--executor", "local").code == 0

    answer = save(line, "--json")

    assert answer.code == 0, answer.err
    (group,) = json.loads(answer.out)["best"]
    folder = Path(group["saved"])
    assert folder == line.folder / "ä models" / "digits-EfficientNetLite0-lr-only"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "labels.json", "model.keras"]
    assert json.loads((folder / "labels.json").read_text("utf-8")) == [str(digit) for digit in range(10)]
    told = (folder / "README.md").read_text("utf-8")
    assert "did not repeat" not in told
    test_scores = [row.split("|")[2].strip() for row in told.splitlines() if row.startswith("| test macro-F1 of th")]
    assert test_scores == [f"{group['test_score']:.3f}"] * 2
    assert not (line.matrix_folder.path / "saving").exists()
    loaded = subprocess.run(
        [sys.executable, "-c", SCORED, folder / "model.keras"], capture_output=True, text=True, check=True
    )
    shape, sums = json.loads(loaded.stdout)
    assert shape == [None, 32, 32, 3]
    assert sums == pytest.approx([1, 1], rel=1e-5)


def test_a_folder_that_is_there_is_never_written_over(ran: CommandLine) -> None:
    (ran.folder / "ä models" / "digits-EfficientNetLite0-lr-only").mkdir(parents=True)
    ran.executor.started.clear()

    answer = save(ran)

    assert answer.code == 2
    assert "digits-EfficientNetLite0-lr-only: is there already; move it away" in answer.err
    assert ran.executor.started == []


def test_a_file_in_the_folders_place_is_an_error_of_one_line(ran: CommandLine) -> None:
    (ran.folder / "taken").touch()

    answer = save(ran, into="taken/deeper")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "can't be made" in answer.err


def test_a_search_that_the_matrix_no_longer_asks_for_is_not_saved(ran: CommandLine) -> None:
    changed = ran.matrix.read_text("utf-8").replace("max_images = 100", "max_images = 90")
    ran.matrix.write_text(changed, "utf-8")

    answer = save(ran)

    assert answer.code == 2
    assert "digits, EfficientNetLite0, lr only, optuna-tpe, seed 1: its data, weights, settings" in answer.err
    assert answer.err.rstrip().endswith("run the matrix again")
    assert "save" not in [program for program, _ in ran.executor.started]


def test_without_a_winner_there_is_nothing_to_save(line: CommandLine, does: type[Script]) -> None:
    for tuner in ("default", "optuna-tpe", "kt-random"):
        line.executor.will(tuner, does.fail("no such kernel"))
    line.run()

    answer = save(line)

    assert answer.code == 2
    assert "no search ended with a score, so there is no model to save" in answer.err


def test_why_a_model_can_not_be_saved_is_said_in_a_line_that_names_the_log(
    ran: CommandLine, does: type[Script]
) -> None:
    ran.executor.will("save", does.fail("Keras can't load the saved model by itself"))

    answer = save(ran)

    assert answer.code == 2
    assert "digits, EfficientNetLite0, lr only: no model was saved: Keras can't load" in answer.err
    assert "worker.log" in answer.err
    assert not any((ran.folder / "ä models").iterdir())


def test_a_worker_that_is_killed_is_the_machines_trouble_after_a_second_try(
    ran: CommandLine, does: type[Script]
) -> None:
    ran.executor.will("save", does.be_killed(), does.be_killed())

    answer = save(ran)

    assert answer.code == 4
    assert "no model was saved: killed by SIGKILL" in answer.err
    assert [program for program, _ in ran.executor.started].count("save") == 2


def test_the_record_of_the_search_stays_as_it_was(ran: CommandLine, does: type[Script]) -> None:
    folders = [ran.matrix_folder.cell(cell.id) for cell in ran.cells]
    before = [folder.fingerprint() for folder in folders]
    ran.executor.will("save", does.fail("no"))

    save(ran)

    assert [folder.fingerprint() for folder in folders] == before
