from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress

from harness.campaign.watching import Progress, State, Watcher
from harness.cells import Cell
from harness.cli.watchers import Bars, Lines, describe, ending, watcher
from harness.spec import Budget, Protocol


def a_whole_campaign(watching: Watcher, cell: Cell) -> None:
    watching.begins(total=2, finished=0)
    watching.prepares(cell)
    watching.data_are_known("digits", {"images": 30, "per_class": [10, 20], "duplicates": 1})
    for state in (State.OK, State.FAILED):
        watching.cell_begins(cell)
        for epoch in (1, 2):
            watching.cell_advances(
                cell, Progress(trial=0, epoch=epoch, last_epoch=3, val_f1=0.25, epochs_done=epoch, best_f1=0.5)
            )
        watching.cell_ends(cell, state, reason="no [b]kernel[/b]", best_f1=0.5, wall_s=1.25)
    watching.cell_was_disturbed(cell, by="others used 40 %")


def test_lines_say_each_end_and_no_epoch(cell: Cell) -> None:
    stream = io.StringIO()

    a_whole_campaign(Lines("mine", stream), cell)

    assert stream.getvalue().splitlines() == [
        "mine: 2 cells",
        "preparing digits for MobileNetV2",
        "digits: 30 images, 2 classes (10 to 20); left out 1: 1 duplicate",
        f"[1/2] {describe(cell)}: validation macro-F1 0.500, 1.2 total s",
        f"[2/2] {describe(cell)}: failed, validation macro-F1 0.500: no [b]kernel[/b], 1.2 total s",
        f"warning: {describe(cell)}: others used 40 %; its seconds are not to be trusted, let nothing else run",
    ]


@pytest.mark.parametrize("budget", [Budget(epochs=6), Budget(wall_s=9.0)])
def test_bars_show_matrix_cell_and_trial_and_survive_any_budget(cell: Cell, budget: Budget) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, markup=False, highlight=False)
    progress = RichProgress(console=console, auto_refresh=False)

    with progress:
        bars = Bars("mine", progress)
        a_whole_campaign(bars, cell.model_copy(update={"budget": budget}))
        (matrix,) = progress.tasks

    assert (matrix.completed, matrix.total, matrix.description) == (2, 2, "mine")
    assert "failed, validation macro-F1 0.500: no [b]kernel[/b], 1.2 total s" in stream.getvalue()
    assert "digits: 30 images, 2 classes (10 to 20); left out 1: 1 duplicate" in stream.getvalue()
    assert "others used 40 %; its seconds are not to be trusted" in stream.getvalue()


def test_bars_move_with_the_epochs(cell: Cell) -> None:
    progress = RichProgress(console=Console(file=io.StringIO()), auto_refresh=False)
    bars = Bars("mine", progress)
    bars.begins(total=3, finished=1)
    bars.cell_begins(cell)

    bars.cell_advances(cell, Progress(trial=4, epoch=2, last_epoch=3, val_f1=0.25, epochs_done=5, best_f1=0.5))

    matrix, search, trial = progress.tasks
    assert (matrix.completed, matrix.total) == (1, 3)
    assert (search.completed, search.total, search.fields["note"]) == (5, 6, "best macro-F1 0.500")
    assert (trial.completed, trial.total, trial.description) == (2, 3, "trial 5")


def at(epoch: int, best_f1: float) -> Progress:
    return Progress(trial=0, epoch=epoch, last_epoch=3, val_f1=0.25, epochs_done=epoch, best_f1=best_f1)


def test_cells_side_by_side_have_bars_of_their_own(cell: Cell) -> None:
    stream = io.StringIO()
    progress = RichProgress(console=Console(file=stream, markup=False, width=200), auto_refresh=False)
    bars = Bars("mine", progress)
    other = cell.model_copy(update={"seed": 7})
    bars.begins(total=3, finished=1)
    for each in (cell, other):
        bars.cell_begins(each)

    bars.cell_advances(other, at(2, 0.7))
    bars.cell_advances(cell, at(1, 0.3))

    _, first, first_trial, second, second_trial = progress.tasks
    assert (first.completed, first.fields["note"], first_trial.completed) == (1, "best macro-F1 0.300", 1)
    assert (second.completed, second.fields["note"], second_trial.completed) == (2, "best macro-F1 0.700", 2)

    bars.cell_ends(cell, State.OK, reason=None, best_f1=0.3, wall_s=1.0)

    matrix, *left = progress.tasks
    assert left == [second, second_trial]
    assert matrix.completed == 2
    assert "seed 0: validation macro-F1 0.300" in stream.getvalue()


def test_lines_count_cells_as_they_end(cell: Cell) -> None:
    stream = io.StringIO()
    lines = Lines("mine", stream)
    other = cell.model_copy(update={"seed": 7})
    lines.begins(total=3, finished=1)
    for each in (cell, other):
        lines.cell_begins(each)

    for each in (other, cell):
        lines.cell_ends(each, State.OK, reason=None, best_f1=0.5, wall_s=1.0)

    _, first, second = stream.getvalue().splitlines()
    assert (first[:5], first.partition(":")[0][-6:]) == ("[2/3]", "seed 7")
    assert (second[:5], second.partition(":")[0][-6:]) == ("[3/3]", "seed 0")


def test_what_is_no_terminal_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with watcher("mine") as watching:
        watching.begins(total=1, finished=0)

    assert isinstance(watching, Lines)
    assert capsys.readouterr().out == "mine: 1 cells\n"


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", FakeTerminal())

    with watcher("mine") as watching:
        assert isinstance(watching, Bars)


def test_json_is_left_alone_on_any_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = FakeTerminal()
    monkeypatch.setattr("sys.stdout", terminal)

    with watcher("mine", quiet=True) as watching:
        watching.begins(total=1, finished=0)

    assert terminal.getvalue() == ""
    assert capsys.readouterr().err == "mine: 1 cells\n"


@pytest.mark.parametrize(
    ("state", "best", "said"),
    [
        (State.OK, 0.5, "validation macro-F1 0.500"),
        (State.OK, 0.0, "validation macro-F1 0.000"),
        (State.FAILED, None, "failed, no macro-F1: why"),
        (State.MISSING, 0.5, "missing, validation macro-F1 0.500: why"),
    ],
)
def test_an_end_is_said_in_a_phrase(cell: Cell, state: State, best: float | None, said: str) -> None:
    assert ending(cell, state, "why", best) == said


def test_an_end_calls_the_score_by_its_name(cell: Cell) -> None:
    by_accuracy = cell.model_copy(update={"protocol": Protocol(metric="accuracy")})
    assert ending(by_accuracy, State.OK, None, 0.5) == "validation accuracy 0.500"
    assert ending(by_accuracy, State.FAILED, "why", None) == "failed, no accuracy: why"


def test_a_cell_is_named_by_its_parts(cell: Cell) -> None:
    assert describe(cell) == "digits · MobileNetV2 · two · random · seed 0"
