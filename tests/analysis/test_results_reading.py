from __future__ import annotations

import json
import math
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import analysis
from harness.analysis import Status
from harness.campaign import matrix_resolution
from harness.errors import ResultsError
from harness.results_folder import MatrixFolder, Planned

if TYPE_CHECKING:
    from harness.cells import Cell
    from tests.analysis.conftest import Made


def test_a_folder_that_was_never_run_into_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"plan\.json"):
        analysis.read(MatrixFolder(tmp_path))


def test_a_plan_without_cells_has_no_searches(made: Made) -> None:
    assert made.results().searches == ()


def test_a_sealed_search_is_read_back(made: Made) -> None:
    made.search([made.trial(0, 0.2, 0.4), made.trial(1, 0.3)], seed=0)
    (search,) = made.results().searches
    assert (search.status, search.reason) == (Status.OK, None)
    assert (search.val_score, search.test_score, search.tuner) == (0.4, 0.3, "kt-random")
    assert search.best == {"learning_rate": 0.001, "optimizer": "adam"}
    assert search.planned.seed == 0


def test_a_search_that_was_not_run_yet_is_missing(made: Made) -> None:
    made.plan()
    (search,) = made.results().searches
    assert (search.status, search.reason) == (Status.MISSING, "not run yet")


def test_a_missing_search_gives_the_last_attempts_reason(made: Made) -> None:
    cell = made.plan()
    folder = made.folder.cell(cell.id)
    folder.path.mkdir(parents=True)
    folder.note_attempt({"reason": "first"})
    folder.note_attempt({"reason": "killed by SIGKILL"})
    assert "2 attempts; the last: killed by SIGKILL" in str(made.results().searches[0].reason)


def test_a_cell_that_the_machine_cannot_run_is_missing_with_the_plans_reason(made: Made) -> None:
    made.plan(reason="weights can't be downloaded")
    assert made.results().searches[0].reason == "weights can't be downloaded"


def test_a_failed_search_keeps_its_reason_and_trials(made: Made) -> None:
    made.search([made.trial(0, 0.2)], status="failed", reason="exit code 1: boom", trials=0)
    (search,) = made.results().searches
    assert (search.status, search.reason, len(search.trials)) == (Status.FAILED, "exit code 1: boom", 1)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("record.json", "{"),
        ("record.json", "[]"),
        ("record.json", '{"schema_version": 1}'),
        ("record.json", '{"schema_version": 99}'),
        ("trials.jsonl", "not json\n"),
        ("trials.jsonl", "[]\n"),
        ("trials.jsonl", '{"number": 0}\n'),
        ("trials.jsonl", ""),
    ],
)
def test_an_unreadable_file_makes_a_missing_row_not_a_crash(made: Made, file: str, text: str) -> None:
    broken = made.search([made.trial(0, 0.2)], seed=0)
    made.search([made.trial(0, 0.2)], seed=1)
    (made.folder.cell(broken.id).path / file).write_text(text)
    first, second = made.results().searches
    assert first.status is Status.MISSING
    assert str(first.reason).startswith("unreadable: ")
    assert second.status is Status.OK


@pytest.mark.parametrize(
    "change",
    [
        {"status": "perhaps"},
        {"wall_s": None},
        {"setup_phases": {"data": "long"}},
        {"closing_phases": []},
        {"environment": "here"},
        {"wall_s": math.nan},
    ],
)
def test_a_record_with_wrong_values_is_missing(made: Made, change: dict[str, Any]) -> None:
    cell = made.search([made.trial(0, 0.2)])
    path = made.folder.cell(cell.id).path / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert made.results().searches[0].status is Status.MISSING


@pytest.mark.parametrize("change", [{"cpu_s": "long"}, {"phases": {"ask": None}}, {"parameters": 3}, {"number": 7}])
def test_a_trial_with_wrong_values_makes_its_search_missing(made: Made, change: dict[str, Any]) -> None:
    cell = made.search([made.trial(0, 0.2)])
    path = made.folder.cell(cell.id).path / "trials.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    assert made.results().searches[0].status is Status.MISSING


def test_a_trial_written_twice_is_not_counted_twice(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2)], trials=2)
    made.folder.cell(cell.id).append(made.trial(0, 0.2))
    assert made.results().searches[0].status is Status.MISSING


def test_nan_scores_on_the_disk_are_survived(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2, 0.3)])
    made.rewrite(cell, '"val_score": 0.3', '"val_score": NaN')
    (search,) = made.results().searches
    assert (search.status, search.val_score) == (Status.OK, 0.2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"val_score": 0.3', '"val_score": 87.1'),
        ('"val_score": 0.3', '"val_score": -0.1'),
        ('"test_score": 0.2', '"test_score": 1.5'),
        ('"train_s": 2.0', '"train_s": -1000'),
        ('"ask": 1.0', '"ask": -1000'),
        ('"cpu_s": 10.0', '"cpu_s": -1'),
        ('"energy_j": 5.0', '"energy_j": -5.0'),
        ('"charged_epochs": 2', '"charged_epochs": -2'),
    ],
)
def test_what_no_search_can_have_makes_it_missing_with_the_reason(made: Made, old: str, new: str) -> None:
    cell = made.search([made.trial(0, 0.2, 0.3)])
    made.rewrite(cell, old, new)

    (search,) = made.results().searches

    key = old.partition(":")[0].strip('"')
    assert search.status is Status.MISSING
    assert re.search(
        rf"^unreadable: .*trials\.jsonl: line 1 can't be read \(.*{key}: input should be", str(search.reason)
    )


@pytest.mark.parametrize("phases", [{"startup": -1000.0}, {"startup": math.inf}, {"startup": "3"}])
def test_seconds_that_no_record_can_have_make_it_missing(made: Made, phases: dict[str, Any]) -> None:
    made.search([made.trial(0, 0.2)], setup_phases=phases)

    (search,) = made.results().searches

    assert search.status is Status.MISSING
    assert re.search(r"^unreadable: .*record\.json: setup_phases\.startup: input should be", str(search.reason))


def test_a_record_that_was_copied_into_another_cell_s_folder_is_none_of_it(made: Made, cell: Cell) -> None:
    mine = searched(made, cell)
    (search,) = made.results().searches
    assert search.status is Status.OK

    made.folder.cell(mine.id).write_cell(cell.model_copy(update={"seed": cell.seed + 1}))

    (search,) = made.results().searches
    assert search.status is Status.MISSING
    assert "record.json: of another cell than cell.json; move its folder away" in str(search.reason)


def searched(made: Made, cell: Cell, tuner: str | None = None) -> Planned:
    """Plan and search a real cell, in the plan under another tuner's name if one is given."""
    planned = matrix_resolution.planned(cell)
    called = {"id": planned.id, "group": planned.group, **cell.names.model_dump()} | ({"tuner": tuner} if tuner else {})
    mine = made.search([made.trial(0, 0.2)], seed=cell.seed, cell=cell.model_dump(mode="json"), **called)
    made.folder.cell(mine.id).write_cell(cell)
    return mine


def test_names_that_were_exchanged_in_the_plan_make_their_searches_missing(made: Made, cell: Cell) -> None:
    tuners = ("kt-random", "optuna-tpe")
    for tuner, planned_as in zip(tuners, reversed(tuners), strict=True):
        own = cell.names.model_copy(update={"tuner": tuner})
        changed = {"names": own, "tuner": cell.tuner.model_copy(update={"tuner": tuner})}
        searched(made, cell.model_copy(update=changed), planned_as)
    made.plan("kt-random", seed=8)

    for results in (made.results(), made.results()):
        first, second, third = results.searches
        assert (first.status, second.status) == (Status.MISSING, Status.MISSING)
        assert "cell.json: of digits, MobileNetV2, two, kt-random, seed 0 (group " in str(first.reason)
        assert "which plan.json has as digits, MobileNetV2, two, optuna-tpe, seed 0 (group " in str(first.reason)
        assert str(first.reason).endswith("run the matrix again to write both anew")
        assert third.reason == "not run yet"


@pytest.mark.parametrize("change", [{"seed": 5}, {"group": "other"}, {"dataset": "plants"}, {"hyperparameters": "one"}])
def test_what_the_plan_changed_of_a_search_makes_it_missing(made: Made, cell: Cell, change: dict[str, Any]) -> None:
    searched(made, cell)
    made.planned = [replace(made.planned[0], **change)]

    (search,) = made.results().searches

    assert search.status is Status.MISSING
    assert "which plan.json has as" in str(search.reason)


def test_a_search_that_is_planned_under_its_own_name_too_is_no_mistake(made: Made, cell: Cell) -> None:
    mine = searched(made, cell)
    made.planned.append(replace(mine, dataset="the same bytes"))

    assert [search.status for search in made.results().searches] == [Status.OK, Status.OK]


def test_trials_that_are_not_those_that_were_sealed_make_a_search_missing(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2)], trials_sha256="0" * 64)

    (search,) = made.results().searches

    assert (search.planned.id, search.status) == (cell.id, Status.MISSING)
    assert "trials.jsonl: not what the record was sealed with; move its folder away" in str(search.reason)


def test_a_search_without_any_score_has_no_incumbent(made: Made) -> None:
    made.search([made.trial(0)])
    (search,) = made.results().searches
    assert (search.status, search.val_score, search.test_score, dict(search.best)) == (Status.OK, None, None, {})


def test_records_that_no_plan_asks_for_are_counted(made: Made) -> None:
    made.search([made.trial(0, 0.2)])
    made.search([made.trial(0, 0.2)], id="f" * 16)
    made.planned.pop()
    results = made.results()
    assert (len(results.searches), results.left_out) == (1, 1)


def test_a_cell_planned_twice_counts_once(made: Made) -> None:
    made.search([made.trial(0, 0.2)])
    made.planned.append(made.planned[0])
    assert len(made.results().cells) == 1


def test_one_search_that_stands_for_two_names_is_a_row_under_both(made: Made) -> None:
    first = made.search([made.trial(0, 0.2)])
    made.planned.append(replace(first, dataset="the same bytes"))

    results = made.results()

    assert [search.planned.dataset for search in results.searches] == [first.dataset, "the same bytes"]
    assert [search.val_score for search in results.searches] == [0.2, 0.2]
    assert results.left_out == 0


def test_retrainings_are_not_searches(made: Made) -> None:
    made.search([made.trial(0, 0.2)])
    made.search([made.trial(0, 0.2)], role="learning_rate", parent_group="g")
    results = made.results()
    assert (len(results.searches), len(results.retrainings)) == (1, 1)


@pytest.mark.seconds
def test_a_thousand_small_cells_are_read_in_seconds(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2, 0.4), made.trial(1, 0.3)])
    source = made.folder.cell(cell.id).path
    for seed in range(1, 1000):
        copy = made.folder.cell(made.plan(seed=seed).id).path
        copy.mkdir()
        for name in ("record.json", "trials.jsonl"):
            (copy / name).write_bytes((source / name).read_bytes())
    made.folder.write_plan(made.planned)
    # This process's own seconds: tests beside it have theirs.
    began = time.process_time()
    results = analysis.read(made.folder)
    assert time.process_time() - began < 5.0
    assert sum(search.status is Status.OK for search in results.searches) == 1000
