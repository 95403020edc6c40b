"""Trials looked up in a table of learning curves, written and read as a real one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness import learning_curve_tables
from harness.cells import Cell
from harness.errors import ResultsError, UserError
from harness.learning_curve_tables import CurveTable, Header
from harness.objectives.recorded_curves import RecordedCurves
from harness.phase_clock import Ledger
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable
from harness.search_types import Diverged, Epoch, Outcome, Proposal, Trial, TrialFailed
from harness.virtual_clock import VirtualClock

SMALL, LARGE = {"learning_rate": 0.1, "batch_size": 16}, {"learning_rate": 0.1, "batch_size": 64}
Recorded = Callable[[Sequence[Trial]], Path]


def epochs(first: int, last: int, *, train_s: float = 1.0) -> list[Epoch]:
    return [
        Epoch(epoch=n, val_score=n / 10, loss=1 / n, train_s=train_s, evaluate_s=0.25, test_score=n / 20)
        for n in range(first, last + 1)
    ]


def trial(number: int, parameters: dict[str, float], last: int, *, first: int = 1, parent: int | None = None) -> Trial:
    proposal = Proposal(parameters=parameters, first_epoch=first, last_epoch=last, parent=parent)
    found = Trial.of(proposal, number=number, outcome=Outcome.COMPLETED, epochs=epochs(first, last))
    length = last - first + 1
    return replace(found, phases={"train": length + 0.5, "checkpoint": 0.125, "other": 0.0625}, cpu_s=2.0 * length)


@pytest.fixture
def recorded(cell: Cell, tmp_path: Path) -> Recorded:
    def write(trials: Sequence[Trial]) -> Path:
        path = tmp_path / "a täble.parquet"
        header = Header(
            name="birds",
            matrix="",
            base="~",
            cell=cell,
            seeds=[1],
            data=DataTable(),
            model=BuiltTable(),
            environment=EnvironmentTable(),
        )
        learning_curve_tables.write(path, header, [(1, trials)])
        return path

    return write


def objective(path: Path, clock: VirtualClock, *, keeps: bool = False) -> RecordedCurves:
    curves = CurveTable(path).curves(1)
    ledger = Ledger(clock=clock, started=0.0)
    return RecordedCurves(curves, images_per_epoch=7, clock=clock, ledger=ledger, keeps=keeps)


def test_a_trial_is_what_was_recorded_and_its_test_score_is_shown_when_asked_for(recorded: Recorded) -> None:
    found = objective(recorded([trial(0, SMALL, 3)]), VirtualClock())
    scores = []
    for epoch in found.train(Proposal(parameters=SMALL, last_epoch=2)):
        assert epoch.test_score is None
        scores.append((epoch.epoch, epoch.val_score, epoch.loss, found.test_score()))
    assert scores == [(1, 0.1, 1.0, 0.05), (2, 0.2, 0.5, 0.1)]


def test_time_goes_on_by_the_median_epoch_of_that_batch_size(recorded: Recorded) -> None:
    slow = replace(trial(1, {**SMALL, "learning_rate": 0.2}, 3), epochs=tuple(epochs(1, 3, train_s=100.0)))
    others = [trial(number, {**SMALL, "learning_rate": number}, 3) for number in (2, 3)]
    clock = VirtualClock()
    found = objective(recorded([trial(0, SMALL, 3), slow, *others, trial(4, LARGE, 3)]), clock)
    list(found.train(Proposal(parameters={**SMALL, "learning_rate": 0.2}, last_epoch=2)))
    assert clock() == pytest.approx(0.0625 + 0.5 + 2 * 1.25)
    assert clock.cpu_s() == pytest.approx(4.0)


@pytest.mark.parametrize(("keeps", "seconds"), [(True, 0.125), (False, 0.0)])
def test_storing_weights_takes_time_only_where_others_may_continue_from_them(
    recorded: Recorded, *, keeps: bool, seconds: float
) -> None:
    clock = VirtualClock()
    found = objective(recorded([trial(0, SMALL, 3)]), clock, keeps=keeps)
    list(found.train(Proposal(parameters=SMALL, last_epoch=3)))
    before = clock()
    found.keep(0)
    assert clock() - before == pytest.approx(seconds)


def test_a_trial_continues_another_as_it_was_recorded(recorded: Recorded) -> None:
    first, second = trial(0, SMALL, 2), trial(1, SMALL, 4, first=3, parent=0)
    path = recorded([trial(2, SMALL, 4), first, second])
    asked = Proposal(parameters=SMALL, first_epoch=3, last_epoch=4, parent=0)
    found = objective(path, VirtualClock())
    list(found.train(Proposal(parameters=SMALL, last_epoch=2)))
    found.keep(0)
    assert [epoch.epoch for epoch in found.train(asked)] == [3, 4]


@pytest.mark.parametrize(
    "asked",
    [
        Proposal(parameters={**SMALL, "learning_rate": 0.3}, last_epoch=2),
        Proposal(parameters=SMALL, last_epoch=5),
        Proposal(parameters=SMALL, first_epoch=3, last_epoch=4, parent=0),
    ],
)
def test_what_was_not_recorded_is_refused(recorded: Recorded, asked: Proposal) -> None:
    found = objective(recorded([trial(0, SMALL, 4)]), VirtualClock())
    list(found.train(Proposal(parameters=SMALL, last_epoch=2)))
    found.keep(0)
    with pytest.raises(UserError, match="was not recorded"):
        next(found.train(asked))


def test_a_trial_that_diverged_does_so_again_after_the_seconds_of_its_last_epoch(recorded: Recorded) -> None:
    ended = replace(
        trial(0, SMALL, 4), outcome=Outcome.DIVERGED, epochs=tuple(epochs(1, 2)), reason="the loss became nan"
    )
    clock = VirtualClock()
    training = objective(recorded([ended]), clock).train(Proposal(parameters=SMALL, last_epoch=4))
    assert [next(training).epoch, next(training).epoch] == [1, 2]
    before = clock()
    with pytest.raises(Diverged, match="the loss became nan"):
        next(training)
    assert clock() - before == pytest.approx(1.0)


def test_a_trial_without_an_epoch_fails_as_it_did(recorded: Recorded) -> None:
    failed = replace(trial(0, SMALL, 2), outcome=Outcome.FAILED, epochs=(), reason="no")
    found = objective(recorded([failed, trial(1, LARGE, 2)]), VirtualClock())
    with pytest.raises(TrialFailed, match="no"):
        next(found.train(Proposal(parameters=SMALL, last_epoch=2)))


def test_trainings_that_differ_where_they_should_repeat_are_no_table(recorded: Recorded) -> None:
    other = replace(trial(1, SMALL, 2), epochs=(replace(epochs(1, 1)[0], val_score=0.9), *epochs(2, 2)))
    with pytest.raises(ResultsError, match="two trainings differ"):
        recorded([trial(0, SMALL, 4), other])


def test_a_file_that_is_no_table_and_a_seed_that_is_not_in_it_are_named(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded([trial(0, SMALL, 4)])
    with pytest.raises(ResultsError, match="no curve of seed 2"):
        CurveTable(path).curves(2)
    other = tmp_path / "other.parquet"
    other.write_bytes(b"no parquet")
    with pytest.raises(ResultsError, match="no table of learning curves"):
        learning_curve_tables.header(other)
    with pytest.raises(ResultsError, match="no such file"):
        learning_curve_tables.header(tmp_path / "missing.parquet")


def test_the_header_says_what_was_recorded(recorded: Recorded, cell: Cell) -> None:
    header = learning_curve_tables.header(recorded([trial(0, SMALL, 4)]))
    assert (header.name, header.seeds, header.cell.id) == ("birds", [1], cell.id)
