"""An executor of the user's own, from the command line to the record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.executors import own_executor
from harness.records import CellFolder
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

GUIDE = Path(__file__).parents[2] / "docs" / "add-an-executor.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[0]


def scores(folder: CellFolder) -> list[float]:
    return [epoch.val_score for trial in folder.trials() for epoch in trial.epochs]


@pytest.fixture
def file(line: CommandLine) -> Path:
    """The documented executor, beside the matrix."""
    path = line.folder / "nice ä.py"
    path.write_text(DOCUMENTED, "utf-8")
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--executor", "nowhere.py"], "--executor nowhere.py: no executor and no file of that name; there are auto, "),
        (["--executor", "lokal"], "--executor lokal: no executor and no file of that name; there are auto, local, "),
        (["--executor", "package:none"], "--executor: package:none: no installed package has anything for harness."),
        (
            ["--executor", "nice ä.py", "--image", "x"],
            "--image: --executor nice ä.py places its workers itself",
        ),
        (["--executor", "nice ä.py", "--gpu", "0"], "--gpu: --executor nice ä.py places its workers itself"),
        (["--executor", "empty.py"], "--executor: empty.py: defines no create; docs/add-an-executor.md shows one"),
    ],
)
@pytest.mark.usefixtures("file")
def test_an_executor_that_can_not_be_used_is_told_in_a_line(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(line.folder)
    Path("empty.py").write_text("", "utf-8")

    for answer in (line.plan(*options), line.run(*options)):
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err.replace(f"{line.folder}/", "")
        assert len(answer.err.splitlines()) == 1


def test_a_plan_says_by_what_cells_would_run_and_runs_nothing_of_it(line: CommandLine, file: Path) -> None:
    file.write_text(f"{DOCUMENTED}\nraise SystemExit('it was run')\n", "utf-8")

    answer = line.plan("--executor", str(file), "--at-once", "2")

    assert answer.code == 0
    assert "by nice ä.py, 2 cells at once" in answer.out


def test_a_run_asks_it_for_every_worker_and_closes_it_at_the_end(
    line: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = list[bool]()
    line.executor.close = lambda: closed.append(True)  # type: ignore[attr-defined] # the fake has nothing to close
    monkeypatch.setattr(own_executor, "create", lambda *_, **__: line.executor)

    answer = line.run("--executor", str(file))

    assert answer.code == 0
    assert "running by nice ä.py" in answer.err
    assert [program for program, _ in line.executor.started].count("search") == 3
    assert closed == [True]


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_real_workers_by_an_own_executor_find_what_local_ones_find_and_their_records_say_by_which(
    line: CommandLine, file: Path
) -> None:
    line.matrix.write_text(re.sub("(default|kt-random) = .*\n", "", line.matrix.read_text("utf-8")), "utf-8")
    assert line.run("--executor", "local").code == 0
    line.matrix_folder.path.rename(line.results / "local")

    assert line.run("--executor", str(file)).code == 0

    for cell in line.cells:
        by_own, local = line.matrix_folder.cell(cell.id), MatrixFolder(line.results / "local").cell(cell.id)
        record, earlier = by_own.record(), local.record()
        assert record is not None
        assert earlier is not None
        assert scores(by_own) == scores(local)
        assert record.evidence.told["executor"]["name"] == "nice ä.py"
        assert record.environment.told["cpu_model"] == earlier.environment.told["cpu_model"]
        assert record.setup_phases["startup"] > 0.5
        assert 0 <= record.closing_phases["shutdown"] < 5
