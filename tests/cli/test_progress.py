from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.campaign.events import (
    CellBegins,
    CellDisturbed,
    CellEnds,
    DataKnown,
    EpochEnds,
    PreparationBegins,
    State,
    Watch,
    WaveBegins,
)
from harness.campaign.forecast_totals import ForecastInterval
from harness.campaign.time_left import Outlook
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.cli import forecasts
from harness.cli.output_options import Voice
from harness.cli.progress import Bars, Lines, describe, ending, shower, watcher
from harness.cli.progress_bars import Display
from harness.matrix_schema import Budget, Protocol
from harness.record_schema import DataTable


def a_whole_campaign(watch: Watch, cell: Cell, outlook: Outlook | None = None) -> None:
    expected = outlook or Outlook()
    watch(WaveBegins(total=2, finished=0, outlook=expected))
    watch(PreparationBegins(cell=cell))
    facts = DataTable(images=30, per_class=[10, 20], classes=["0", "1"], duplicates=1)
    watch(DataKnown(dataset="digits", facts=facts))
    for state in (State.OK, State.FAILED):
        watch(CellBegins(cell=cell))
        for epoch in (1, 2):
            watch(EpochEnds(cell=cell, progress=at(epoch, 0.5)))
        expected.ends(cell, wall_s=1.25)
        watch(CellEnds(cell=cell, state=state, reason="no [b]kernel[/b]", best_score=0.5, wall_s=1.25))
    watch(CellDisturbed(cell=cell, by="others used 40 %"))


def begins(*, total: int, finished: int) -> WaveBegins:
    return WaveBegins(total=total, finished=finished, outlook=Outlook())


def ends(cell: Cell, state: State = State.OK, *, reason: str | None = None, best_score: float | None = 0.5) -> CellEnds:
    return CellEnds(cell=cell, state=state, reason=reason, best_score=best_score, wall_s=1.0)


def test_lines_say_each_beginning_and_end_and_no_epoch(cell: Cell) -> None:
    stream = io.StringIO()

    a_whole_campaign(Lines("mine", stream), cell)

    assert stream.getvalue().splitlines() == [
        "mine: 2 cells",
        "preparing digits for MobileNetV2",
        "digits: 30 images, 2 classes (10 to 20); left out 1: 1 duplicate; classes: 0, 1",
        f"begins: {describe(cell)}",
        f"[1/2] {describe(cell)}: validation macro-F1 0.500, 1.2 total s",
        f"begins: {describe(cell)}",
        f"[2/2] {describe(cell)}: failed, validation macro-F1 0.500: no [b]kernel[/b], 1.2 total s",
        f"warning: {describe(cell)}: others used 40 %; its seconds are not to be trusted, let nothing else run",
    ]


@pytest.mark.parametrize("budget", [Budget(epochs=6), Budget(wall_s=9.0)])
def test_bars_show_matrix_cell_and_trial_and_survive_any_budget(cell: Cell, budget: Budget) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=200, markup=False, highlight=False)
    progress = Display(console, auto_refresh=False)

    with progress:
        bars = Bars("mine", progress)
        a_whole_campaign(bars, cell.model_copy(update={"budget": budget}))
        (matrix,) = progress.tasks

    assert (matrix.completed, matrix.total, matrix.description) == (2, 2, "mine")
    assert "failed, validation macro-F1 0.500: no [b]kernel[/b], 1.2 total s" in stream.getvalue()
    assert "digits: 30 images, 2 classes (10 to 20); left out 1: 1 duplicate" in stream.getvalue()
    assert "others used 40 %; its seconds are not to be trusted" in stream.getvalue()


def test_bars_move_with_the_epochs(cell: Cell) -> None:
    progress = Display(Console(file=io.StringIO()), auto_refresh=False)
    bars = Bars("mine", progress)
    bars(begins(total=3, finished=1))
    bars(CellBegins(cell=cell))

    bars(
        EpochEnds(
            cell=cell, progress=Progress(trial=4, epoch=2, last_epoch=3, val_score=0.25, epochs_done=5, best_score=0.5)
        )
    )

    matrix, search, trial = progress.tasks
    assert (matrix.completed, matrix.total) == (1, 3)
    assert (search.completed, search.total, search.fields["note"]) == (5, 6, "best macro-F1 0.500")
    assert (trial.completed, trial.total, trial.description) == (2, 3, "trial 5")


def at(epoch: int, best_score: float) -> Progress:
    return Progress(trial=0, epoch=epoch, last_epoch=3, val_score=0.25, epochs_done=epoch, best_score=best_score)


def test_cells_side_by_side_have_bars_of_their_own(cell: Cell) -> None:
    stream = io.StringIO()
    progress = Display(Console(file=stream, markup=False, width=200), auto_refresh=False)
    bars = Bars("mine", progress)
    other = cell.model_copy(update={"seed": 7})
    bars(begins(total=3, finished=1))
    for each in (cell, other):
        bars(CellBegins(cell=each))

    bars(EpochEnds(cell=other, progress=at(2, 0.7)))
    bars(EpochEnds(cell=cell, progress=at(1, 0.3)))

    _, first, first_trial, second, second_trial = progress.tasks
    assert (first.completed, first.fields["note"], first_trial.completed) == (1, "best macro-F1 0.300", 1)
    assert (second.completed, second.fields["note"], second_trial.completed) == (2, "best macro-F1 0.700", 2)

    bars(ends(cell, best_score=0.3))

    matrix, *left = progress.tasks
    assert left == [second, second_trial]
    assert matrix.completed == 2
    assert "seed 0: validation macro-F1 0.300" in stream.getvalue()


def test_lines_count_cells_as_they_end(cell: Cell) -> None:
    stream = io.StringIO()
    lines = Lines("mine", stream)
    other = cell.model_copy(update={"seed": 7})
    lines(begins(total=3, finished=1))
    for each in (cell, other):
        lines(CellBegins(cell=each))

    for each in (other, cell):
        lines(ends(each, best_score=0.5))

    first, second = stream.getvalue().splitlines()[3:]
    assert (first[:5], first.partition(":")[0][-6:]) == ("[2/3]", "seed 7")
    assert (second[:5], second.partition(":")[0][-6:]) == ("[3/3]", "seed 0")


def test_what_is_no_terminal_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with watcher("mine") as watch:
        watch(begins(total=1, finished=0))

    assert capsys.readouterr().out == "mine: 1 cell\n"


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", FakeTerminal())

    with shower("mine", Voice()) as showing:
        assert isinstance(showing, Bars)


def test_json_is_left_alone_on_any_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = FakeTerminal()
    monkeypatch.setattr("sys.stdout", terminal)

    with watcher("mine", voice=Voice(is_json=True)) as watching:
        watching(begins(total=1, finished=0))

    assert terminal.getvalue() == ""
    assert capsys.readouterr().err == "mine: 1 cell\n"


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
    assert ending(ends(cell, state, reason="why", best_score=best)) == said


def test_an_end_calls_the_score_by_its_name(cell: Cell) -> None:
    by_accuracy = cell.model_copy(update={"protocol": Protocol(metric="accuracy")})
    assert ending(ends(by_accuracy)) == "validation accuracy 0.500"
    assert ending(ends(by_accuracy, State.FAILED, reason="why", best_score=None)) == "failed, no accuracy: why"


def test_a_cell_is_named_by_its_parts(cell: Cell) -> None:
    assert describe(cell) == "digits · MobileNetV2 · two · random · seed 0"


def test_quiet_says_on_standard_error_only_what_ends_badly(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    with watcher("mine", voice=Voice(is_quiet=True)) as watching:
        a_whole_campaign(watching, cell)

    said = capsys.readouterr()
    failed = f"[2/2] {describe(cell)}: failed, validation macro-F1 0.500: no [b]kernel[/b], 1.2 total s\n"
    assert (said.out, said.err) == ("", failed)


def test_names_and_reasons_do_nothing_to_a_terminal(cell: Cell) -> None:
    nasty = cell.model_copy(update={"names": cell.names.model_copy(update={"dataset": "\x1b[2J\u202eb\n"})})
    plain, bars = io.StringIO(), io.StringIO()
    console = Console(file=bars, force_terminal=True, width=200, markup=False, highlight=False, no_color=True)

    a_whole_campaign(Lines("mine", plain), nasty)
    with Display(console, auto_refresh=False) as display:
        a_whole_campaign(Bars("a\u202eb", display), nasty)

    assert r"\x1b[2J\u202eb\n" in plain.getvalue()
    assert all(line.isprintable() for line in plain.getvalue().splitlines())
    assert r"\x1b[2J\u202eb\n" in bars.getvalue()
    assert "\u202e" not in bars.getvalue()
    assert "\x1b[2J" not in bars.getvalue()


class FakeOutlook(Outlook):
    """Expects ten minutes, on a machine that is slow once a cell has ended."""

    is_expecting = True
    is_known = True

    def left_s(self) -> ForecastInterval:
        return ForecastInterval(mean=600.0, low=480.0, high=720.0)

    def ends(self, cell: Cell, *, wall_s: float | None) -> None:
        super().ends(cell, wall_s=wall_s)
        self.is_slow, self.pace = True, 1.5


def test_lines_forecast_the_time_once_and_say_when_the_machine_is_slower(cell: Cell) -> None:
    stream = io.StringIO()

    a_whole_campaign(Lines("mine", stream), cell, FakeOutlook())

    lines = stream.getvalue().splitlines()
    assert lines[1] == "about 10 [8, 12] min left"
    slow = "about 10 [8, 12] min left; slower than forecast: cells took 1.5 times as long"
    assert [line for line in lines if "left" in line and "left out" not in line] == [lines[1], slow]


def test_the_top_bar_forecasts_from_the_start() -> None:
    stream = io.StringIO()
    display = Display(Console(file=stream, width=200), auto_refresh=False)
    bars = Bars("mine", display)
    bars(WaveBegins(total=2, finished=0, outlook=FakeOutlook()))

    display.console.print(display)

    assert "mine" in stream.getvalue()
    assert "about 10 [8, 12] min left" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"), [(5.0, "5 s"), (89.0, "89 s"), (120.0, "2 min"), (5399.0, "90 min"), (7200.0, "2 h")]
)
def test_time_is_told_in_a_unit_that_suits_it(seconds: float, said: str) -> None:
    class FakeOne(FakeOutlook):
        def left_s(self) -> ForecastInterval:
            return ForecastInterval(mean=seconds, low=None, high=None)

    assert forecasts.left(FakeOne()) == f"about {said} left"


def test_time_that_is_unknown_is_not_made_up(cell: Cell) -> None:
    outlook = Outlook()
    assert forecasts.left(outlook) == ""
    outlook.expects([cell])
    assert forecasts.left(outlook) == "time left unknown yet"
