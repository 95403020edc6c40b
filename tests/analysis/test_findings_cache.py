from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import analysis, files
from harness.analysis import Status, findings_cache
from harness.analysis.findings_cache import DerivedRecord, SharedParts
from harness.results_folder import MatrixFolder
from harness.search_types import Outcome

if TYPE_CHECKING:
    from harness.analysis import SearchResult
    from tests.analysis.conftest import Made


def only(made: Made) -> SearchResult:
    (search,) = made.results().searches
    return search


def test_a_later_read_says_the_same_to_the_last_digit_and_type(made: Made) -> None:
    odd = {"learning_rate": 0.1 + 0.2, "layers": 2, "width": 2.0, "optimizer": "ädam ☃", "": ""}
    diverged = made.trial(1, reason="loss became NaN", outcome=Outcome.DIVERGED, energy_j=None)
    made.search([made.trial(0, 0.2, 1 / 3, 1.0, parameters=odd), diverged], seed=0)
    made.search([], seed=1)
    made.search([made.trial(0)], seed=2, status="failed", reason="boom: ∞", trials=None)
    first, later = made.results(), made.results()
    assert repr([search.findings for search in later.cells]) == repr([search.findings for search in first.cells])
    assert [(search.status, search.reason) for search in later.cells] == [
        (search.status, search.reason) for search in first.cells
    ]


def test_records_share_the_parts_that_are_equal_when_read_first_and_later(made: Made) -> None:
    for seed in (0, 1):
        made.search([made.trial(0, 0.2)], seed=seed)
    for _ in ("first", "later"):
        one, other = (search.record for search in made.results().searches)
        assert one is not None
        assert other is not None
        assert one.environment is other.environment
        assert one.cell.told["protocol"] is other.cell.told["protocol"]


def test_nan_scores_on_the_disk_stay_no_scores(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2, 0.3), made.trial(1, 0.1)])
    for score in (0.3, 0.1):
        made.rewrite(cell, f'"val_score": {score}', '"val_score": NaN')
    first, later = only(made), only(made)
    assert [(trial.number, trial.score) for trial in later.tried] == [(0, 0.2), (1, 0.0)]
    assert later.findings == first.findings


def test_a_trial_in_a_line_has_its_parameters_score_and_cost(made: Made) -> None:
    failed = made.trial(
        1, outcome=Outcome.FAILED, reason="no such layer", charged_epochs=1, first_epoch=3, last_epoch=9, parent=0
    )
    made.search([made.trial(0, 0.2, 0.4), failed])
    search = only(made)
    scored, unscored = search.tried
    assert (scored.parameters, scored.outcome, scored.reason) == (
        search.trials[0].parameters,
        Outcome.COMPLETED,
        None,
    )
    assert (scored.score, scored.test_score) == (0.4, 0.3)
    assert (scored.epochs, scored.first_epoch, scored.last_epoch) == (2, 1, 2)
    assert (scored.wall_s, scored.ask_s, scored.train_s, scored.tell_s, scored.epoch_device_s) == (7.5, 1, 4, 0.5, 3)
    assert (unscored.outcome, unscored.reason, unscored.score, unscored.test_score, unscored.epoch_device_s) == (
        Outcome.FAILED,
        "no such layer",
        None,
        None,
        None,
    )
    assert (unscored.epochs, unscored.first_epoch, unscored.last_epoch) == (1, 3, 9)
    assert (scored.parent, unscored.parent) == (None, 0)


def test_a_test_score_that_could_not_be_had_is_not_replaced_by_that_of_an_earlier_epoch(made: Made) -> None:
    trial = made.trial(0, 0.2, 0.4, 0.3)
    first, best, last = trial.epochs
    audited = (first, replace(best, test_score=None), replace(last, test_score=None))
    made.search([replace(trial, epochs=audited)])

    (tried,) = only(made).tried

    assert (tried.score, tried.test_score) == (0.4, None)


def test_a_trials_test_score_is_that_of_its_best_epoch_the_first_of_equals(made: Made) -> None:
    trial = made.trial(0, 0.2, 0.4, 0.4, 0.1)
    tests = (0.9, 0.5, 0.6, 0.7)
    epochs = (replace(epoch, test_score=score) for epoch, score in zip(trial.epochs, tests, strict=True))
    made.search([replace(trial, epochs=tuple(epochs))])

    (tried,) = only(made).tried

    assert tried.test_score == 0.5


def test_what_is_kept_is_taken_without_opening_the_records(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2)])
    search = only(made)
    assert search.findings is not None
    planted = replace(search.findings, best={"planted": 1})
    fingerprint = made.folder.cell(cell.id).fingerprint()
    findings_cache.save(made.folder.derived, {cell.id: DerivedRecord(fingerprint=fingerprint, findings=planted)})
    assert only(made).best == {"planted": 1}


def test_only_what_has_changed_is_read_again(made: Made) -> None:
    changed, _ = made.search([made.trial(0, 0.2)], seed=0), made.search([made.trial(0, 0.3)], seed=1)
    made.results()
    before = findings_cache.load(made.folder.derived, SharedParts())
    made.rewrite(changed, "0.2", "0.9")
    assert [search.val_score for search in made.results().searches] == [0.9, 0.3]
    after = findings_cache.load(made.folder.derived, SharedParts())
    assert [before[name] == after[name] for name in before] == [False, True]


def test_a_record_that_is_gone_is_missing_though_it_was_kept(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2)])
    made.results()
    shutil.rmtree(made.folder.cell(cell.id).path)
    assert only(made).status is Status.MISSING


def test_a_record_that_broke_is_missing_though_it_was_kept(made: Made) -> None:
    cell = made.search([made.trial(0, 0.2)])
    made.results()
    (made.folder.cell(cell.id).path / "record.json").write_text("{")
    assert "not JSON" in str(only(made).reason)


def test_unreadable_and_missing_cells_are_not_kept(made: Made) -> None:
    broken, sound = made.search([made.trial(0, 0.2)], seed=0), made.search([made.trial(0, 0.2)], seed=1)
    made.plan(seed=2)
    (made.folder.cell(broken.id).path / "trials.jsonl").write_text("[]\n")
    made.results()
    assert list(findings_cache.load(made.folder.derived, SharedParts())) == [sound.id]


@pytest.mark.parametrize("harm", ["", "cut", "flipped", "columns", "replaced"])
def test_a_damaged_file_is_ignored_and_made_anew(made: Made, harm: str) -> None:
    made.search([made.trial(0, 0.2)])
    made.results()
    path = made.folder.derived
    whole = path.read_bytes()
    flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    harmed = {"": b"", "cut": whole[:-1], "flipped": flipped, "columns": whole[:32], "replaced": b"PAR1" * 99}
    path.write_bytes(harmed[harm])
    assert findings_cache.load(path, SharedParts()) == {}
    assert only(made).val_score == 0.2
    assert list(findings_cache.load(path, SharedParts())) == [made.planned[0].id]


def test_what_other_code_has_found_is_not_believed(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.search([made.trial(0, 0.2)])
    made.results()
    monkeypatch.setattr(findings_cache, "_sources", lambda: b"an edited module")
    assert findings_cache.load(made.folder.derived, SharedParts()) == {}


def test_a_folder_that_cannot_be_written_is_read_all_the_same(made: Made) -> None:
    made.search([made.trial(0, 0.2)])
    made.folder.path.mkdir(exist_ok=True)
    # A file in the folder's place refuses root too, which permissions don't.
    made.folder.derived.parent.write_text("in the way")
    assert [only(made).val_score, only(made).val_score] == [0.2, 0.2]


def test_a_host_without_polars_reads_the_records_each_time(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.search([made.trial(0, 0.2)])
    monkeypatch.setattr(findings_cache, "is_possible", lambda: False)
    assert [only(made).val_score, only(made).val_score] == [0.2, 0.2]
    assert not made.folder.derived.exists()


def test_cells_that_no_plan_asks_for_any_more_are_kept_no_longer_once_something_is_new(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0)
    made.results()
    made.planned.clear()
    new = made.search([made.trial(0, 0.3)], id="f" * 16)
    made.results()
    assert list(findings_cache.load(made.folder.derived, SharedParts())) == [new.id]


def test_readers_at_the_same_time_do_not_harm_each_other(made: Made) -> None:
    for seed in range(5):
        made.search([made.trial(0, 0.1 * seed)], seed=seed)
    made.results()

    def read_anew(_: int) -> list[float | None]:
        made.folder.derived.unlink(missing_ok=True)
        return [search.val_score for search in analysis.read(MatrixFolder(made.folder.path)).searches]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read_anew, range(24)))
    assert found == [[0.1 * seed for seed in range(5)]] * 24
    assert files.asides(made.folder.derived.parent) == []
